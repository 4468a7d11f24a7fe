//! Deriving what each tab is shown from the state, and showing what differs from what it was shown last.

use roost_wire::{Mailbox, Role};

use crate::search::show_remote;
use crate::state::Tab;
use crate::view::{
    ListState, ListView, MailboxRow, MessageState, MessageView, Reach, SessionView, Stage, View,
};
use crate::{Effect, State, TabId, drafts, queue};

/// How many rows beyond the screen are given to a tab, so that scrolling finds them there.
const MARGIN: u32 = 40;

impl State {
    pub(crate) fn show(&mut self) {
        self.fetch_bodies();
        for id in self.tabs.keys().copied().collect::<Vec<_>>() {
            let views = self.views(id);
            if !views.is_empty() {
                self.effect(Effect::Show { tab: id, views });
            }
        }
    }

    /// What differs from what the tab was shown last.
    fn views(&mut self, id: TabId) -> Vec<View> {
        let mut views = Vec::new();
        let Some(tab) = self.tabs.get(&id) else {
            return views;
        };
        let session = self.session_view(tab);
        let signed_in = self.who.is_some();
        let mailboxes = signed_in.then(|| self.mailbox_rows());
        let list = signed_in.then(|| self.list_view(tab));
        let message = self.message_view(tab);
        let body = tab
            .open
            .as_ref()
            .map(|open| (open.address.clone(), open.images))
            .filter(|key| tab.shown.body.as_ref() != Some(key))
            .and_then(|key| Some((self.bodies.get(&key)?.clone(), key)));
        let still_open = tab.open.is_some();
        let people = self.people_for(&tab.typed, &tab.own);
        let templates = if self.drafts.is_empty() {
            Vec::new()
        } else {
            drafts::templates(self)
        };
        let (drafts, fills) = self.draft_views(id);

        let Some(tab) = self.tabs.get_mut(&id) else {
            return views;
        };
        let shown = &mut tab.shown;
        if shown.session.as_ref() != Some(&session) {
            shown.session = Some(session.clone());
            views.push(View::Session(session));
        }
        if let Some(mailboxes) = mailboxes
            && shown.mailboxes.as_ref() != Some(&mailboxes)
        {
            shown.mailboxes = Some(mailboxes.clone());
            views.push(View::Mailboxes(mailboxes));
        }
        if let Some(list) = list
            && shown.list.as_ref() != Some(&list)
        {
            shown.list = Some(list.clone());
            views.push(View::List(list));
        }
        if shown.message.as_ref() != Some(&message) {
            shown.message = Some(message.clone());
            views.push(View::Message(message));
        }
        if shown.drafts != drafts {
            shown.drafts.clone_from(&drafts);
            views.push(View::Drafts(drafts));
        }
        views.extend(fills);
        if shown.people != people {
            shown.people.clone_from(&people);
            views.push(View::People(people));
        }
        if shown.templates != templates {
            shown.templates.clone_from(&templates);
            views.push(View::Templates(templates));
        }
        if !still_open {
            shown.body = None;
        }
        if let Some((body, key)) = body {
            let (mailbox, uid) = (key.0.mailbox.clone(), key.0.uid);
            shown.body = Some(key);
            views.push(View::Body(Box::new(body)));
            self.message_shown(id, mailbox, uid);
        }
        views
    }

    fn session_view(&self, tab: &Tab) -> SessionView {
        SessionView {
            stage: match &self.stage {
                Stage::SignedIn {
                    username, account, ..
                } => Stage::SignedIn {
                    username: username.clone(),
                    account: account.clone(),
                    address: self.address.clone(),
                    sends: self.sends,
                },
                stage => stage.clone(),
            },
            line: self.line,
            waiting: (self.pending.len() + self.unsent_drafts().count()) as u32,
            queue: if tab.inspects {
                queue::changes(self)
            } else {
                Vec::new()
            },
            progress: self.progress,
            filling: self.fill.shown.clone(),
            // Not known yet, it is asked rather than taken for a no.
            keeps: self.keeps || self.kept_elsewhere != Some(false),
            unsaved: self.unsaved_drafts() as u32,
        }
    }

    fn mailbox_rows(&self) -> Vec<MailboxRow> {
        let mut rows: Vec<MailboxRow> = self
            .mailboxes
            .iter()
            .map(|mailbox| self.mailbox_row(mailbox))
            .collect();
        // By role first, then by name with children below their parents.
        rows.sort_by_cached_key(|row| {
            let top = row
                .delimiter
                .and_then(|delimiter| row.name.split(delimiter).next())
                .unwrap_or(&row.name);
            let rank = rows_rank(&self.mailboxes, top, row.role);
            let path: Vec<String> = match row.delimiter {
                Some(delimiter) => row.name.split(delimiter).map(str::to_lowercase).collect(),
                None => vec![row.name.to_lowercase()],
            };
            (rank, path)
        });
        rows
    }

    fn mailbox_row(&self, mailbox: &Mailbox) -> MailboxRow {
        let counts = mailbox.counts.unwrap_or_default();
        let (messages, unseen) = if self.pending.is_empty() {
            (0, 0)
        } else {
            self.pending_counts(&mailbox.name)
        };
        let parts: Vec<&str> = match mailbox.delimiter {
            Some(delimiter) => mailbox.name.split(delimiter).collect(),
            None => vec![&mailbox.name],
        };
        let below_inbox = parts.len() > 1 && parts[0] == "INBOX" && mailbox.role.is_some();
        MailboxRow {
            name: mailbox.name.clone(),
            label: match mailbox.role {
                Some(Role::Inbox) => "Inbox".to_owned(),
                _ => parts
                    .last()
                    .map_or_else(String::new, |label| (*label).to_owned()),
            },
            depth: if below_inbox {
                0
            } else {
                parts.len() as u32 - 1
            },
            role: mailbox.role,
            selectable: mailbox.selectable,
            subscribed: mailbox.subscribed,
            unseen: adjusted(counts.unseen, unseen),
            messages: adjusted(counts.messages, messages),
            delimiter: mailbox.delimiter,
        }
    }

    /// While positions are asked for again, the old rows stay rather than flicker.
    fn list_view(&self, tab: &Tab) -> ListView {
        let role = self.role_of(&tab.mailbox);
        let mut view = ListView {
            mailbox: tab.mailbox.clone(),
            role,
            filter: tab.source.filter,
            search: tab.source.search.clone(),
            total: 0,
            matches: 0,
            first: 0,
            rows: Vec::new(),
            state: match &tab.failed {
                Some(failure) => ListState::Failed(failure.why.clone()),
                None => ListState::Loading,
            },
            reach: Reach::Server,
            remote: 0,
            remote_rows: Vec::new(),
        };
        if !tab.source.is_all() && !self.show_reach(tab, &mut view) {
            return view;
        }
        let (Some(rows), Some(cache)) = (self.rows(tab), self.caches.get(&tab.mailbox)) else {
            return view;
        };
        view.total = rows.len();
        view.matches = tab.found.as_ref().map_or(view.total, |found| found.total);
        view.first = tab.first.saturating_sub(MARGIN).min(view.total);
        let end = (tab.first + tab.count + MARGIN).min(view.total);
        view.rows = (view.first..end)
            .map(|position| {
                let summary = cache.summary(rows.uid(position)?)?;
                Some(self.replayed(&tab.mailbox, summary))
            })
            .collect();
        if !tab.source.search.is_empty() {
            show_remote(tab, &rows, end, &mut view);
        }
        let shown = tab.shown.list.as_ref().filter(|shown| {
            shown.mailbox == view.mailbox
                && shown.filter == view.filter
                && shown.search == view.search
        });
        if let Some(shown) = shown
            && cache.resyncing
            && view.rows.iter().any(Option::is_none)
        {
            return self.kept(shown);
        }
        // Nothing is left but what may have come since.
        let not_asked = view.total == 0 && !cache.verified && !cache.departed().is_empty();
        // Nothing on this device is no answer yet.
        let waits = view.reach == Reach::Asking && view.total == 0;
        if tab.failed.is_none() && !not_asked && !waits {
            view.state = ListState::Ready;
        }
        view
    }

    /// What was shown, with what the person did since.
    fn kept(&self, shown: &ListView) -> ListView {
        let mut view = shown.clone();
        let leaving = self.leaving(&view.mailbox);
        view.rows.retain(|row| {
            row.as_ref()
                .is_none_or(|row| !leaving.iter().any(|set| set.contains(row.uid)))
        });
        view.total -= (shown.rows.len() - view.rows.len()) as u32;
        for row in view.rows.iter_mut().flatten() {
            *row = self.replayed(&view.mailbox, row);
        }
        view
    }

    fn message_view(&self, tab: &Tab) -> Option<MessageView> {
        let open = tab.open.as_ref()?;
        let mailbox = &open.address.mailbox;
        let summary = self
            .caches
            .get(mailbox)
            .and_then(|cache| cache.summary(open.address.uid))
            .map(|summary| self.replayed(mailbox, summary));
        let (newer, older) = self
            .rows(tab)
            .and_then(|rows| {
                let position = rows.position(open.address.uid)?;
                let newer = position.checked_sub(1).and_then(|p| rows.uid(p));
                Some((newer, rows.uid(position + 1)))
            })
            .unwrap_or_default();
        let key = (open.address.clone(), open.images);
        let gone = self.is_gone(mailbox, open.address.uid);
        Some(MessageView {
            flags: summary
                .as_ref()
                .map(|summary| summary.flags.clone())
                .unwrap_or_default(),
            summary,
            state: if gone {
                MessageState::Failed(
                    "This message was moved or deleted on another device.".to_owned(),
                )
            } else {
                self.message_state(&key, open.failed.as_ref())
            },
            images: open.images,
            newer,
            older,
            junk: self.role_of(mailbox) == Some(Role::Junk),
            address: open.address.clone(),
        })
    }

    /// Whether a message that was there is no longer. Only known where every position around it is.
    fn is_gone(&self, mailbox: &str, uid: u32) -> bool {
        self.caches.get(mailbox).is_some_and(|cache| {
            cache.state.uidvalidity != 0
                && !cache.resyncing
                && cache.verified
                && cache.summary(uid).is_none()
                && !cache.uids().contains(&uid)
                && !cache.uids().contains(&0)
        })
    }
}

fn adjusted(count: u32, by: i64) -> u32 {
    u32::try_from((i64::from(count) + by).max(0)).unwrap_or(u32::MAX)
}

/// The order of mailboxes: by the role of the top-level one; those without a role after Archive, before Junk.
fn rows_rank(mailboxes: &[Mailbox], top: &str, own: Option<Role>) -> u8 {
    let role = own.or_else(|| {
        mailboxes
            .iter()
            .find(|mailbox| mailbox.name == top)
            .and_then(|mailbox| mailbox.role)
            // Everything below the inbox on some servers does not belong to it.
            .filter(|role| *role != Role::Inbox)
    });
    match role {
        Some(Role::Inbox) => 0,
        Some(Role::Flagged) => 1,
        Some(Role::Drafts) => 2,
        Some(Role::Sent) => 3,
        Some(Role::Archive) => 4,
        Some(Role::All) => 5,
        None => 6,
        Some(Role::Junk) => 7,
        Some(Role::Trash) => 8,
    }
}
