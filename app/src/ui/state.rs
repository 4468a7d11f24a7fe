//! What only this tab knows: selection, cursor, which pane a phone shows, what is open over the page.

use std::collections::HashSet;

use leptos::prelude::*;
use roost_engine::{Action, Answer, Identity, Intent, ListView, Stage, Style, Target, Write};
use roost_wire::{Address, Composed, Role, Uid};

use wasm_bindgen::JsCast as _;

use crate::device::Device;
use crate::ui::prefs::Prefs;

/// The pane that a phone shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pane {
    Mailboxes,
    List,
    Message,
}

/// What is open over the page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dialog {
    Settings,
    Help,
    /// The changes that are not on the server yet.
    Queue,
    SignOut,
    /// Choose a mailbox to move or copy to.
    MoveTo {
        uids: Option<Vec<Uid>>,
        copy: bool,
    },
    CreateMailbox {
        below: Option<(String, char)>,
    },
    RenameMailbox {
        name: String,
        label: String,
    },
    DeleteMailbox {
        name: String,
        messages: u32,
    },
    /// Deleting for good cannot be undone.
    DeleteForGood {
        uids: Option<Vec<Uid>>,
        count: u32,
    },
}

/// The state of this tab's interface.
#[derive(Clone, Copy)]
pub struct Ui {
    pub device: Device,
    pub pane: RwSignal<Pane>,
    pub selected: RwSignal<HashSet<Uid>>,
    /// Everything in the list is selected, loaded or not.
    pub all: RwSignal<bool>,
    /// The row that the keyboard acts on.
    pub cursor: RwSignal<Option<Uid>>,
    /// Where a range selected with shift begins.
    pub anchor: RwSignal<Option<Uid>>,
    pub dialog: RwSignal<Option<Dialog>>,
    pub prefs: RwSignal<Prefs>,
    /// The row to be scrolled into view.
    pub reveal: RwSignal<Option<Uid>>,
    /// The recipient that is being dragged from one field to another.
    pub dragged: StoredValue<Option<(RwSignal<Vec<Address>>, usize)>>,
}

impl Ui {
    pub fn new(device: Device) -> Self {
        Self {
            device,
            pane: RwSignal::new(Pane::List),
            selected: RwSignal::new(HashSet::new()),
            all: RwSignal::new(false),
            cursor: RwSignal::new(None),
            anchor: RwSignal::new(None),
            dialog: RwSignal::new(None),
            prefs: RwSignal::new(Prefs::load()),
            reveal: RwSignal::new(None),
            dragged: StoredValue::new(None),
        }
    }

    pub fn clear_selection(self) {
        self.selected.update(HashSet::clear);
        self.all.set(false);
    }

    pub fn has_selection(self) -> bool {
        self.all.get() || self.selected.with(|selected| !selected.is_empty())
    }

    /// The mailbox whose list is on screen.
    pub fn mailbox(self) -> String {
        self.device.list.with_untracked(|list| {
            list.as_ref()
                .map_or_else(String::new, |list| list.mailbox.clone())
        })
    }

    /// Opens a mailbox.
    pub fn open_mailbox(self, name: String) {
        self.clear_selection();
        self.cursor.set(None);
        self.device.send(Intent::OpenMailbox(name));
        self.pane.set(Pane::List);
    }

    /// Who the person may write as, the account's own address where none is named.
    pub fn identities(self) -> Vec<Identity> {
        let own = self
            .device
            .session
            .with_untracked(|session| match &session.stage {
                Stage::SignedIn { address, .. } => address.clone(),
                _ => String::new(),
            });
        let named = self.prefs.with_untracked(|prefs| prefs.identities.clone());
        Identity::complete(named, &own)
    }

    pub fn style(self) -> Style {
        self.prefs.with_untracked(|prefs| prefs.style)
    }

    /// The name of the account in content URLs.
    pub fn account(self) -> String {
        self.device
            .session
            .with_untracked(|session| match &session.stage {
                Stage::SignedIn { account, .. } => account.clone(),
                _ => String::new(),
            })
    }

    /// Signs out, with a question where mail is kept here, or where something would be lost.
    pub fn sign_out(self) {
        let session = self.device.session;
        if session.with_untracked(|s| s.keeps || s.waiting + s.unsaved > 0) {
            self.dialog.set(Some(Dialog::SignOut));
        } else {
            self.device.send(Intent::SignOut { keep: false });
        }
    }

    /// Begins a message, filled in as far as it is known.
    pub fn compose(self, message: Composed) {
        self.device.send(Intent::Write(Write::New {
            message: Box::new(message),
            identities: self.identities(),
            style: self.style(),
        }));
    }

    /// Answers or forwards the open message.
    pub fn answer(self, how: Answer) {
        if self.device.message.with_untracked(Option::is_some) {
            self.device.send(Intent::Write(Write::Answer {
                how,
                quote: selected_text(),
                identities: self.identities(),
                style: self.style(),
            }));
        }
    }

    /// Begins a message from the open one.
    pub fn edit_as_new(self) {
        let open = self.device.message.with_untracked(|message| {
            let address = &message.as_ref()?.address;
            Some((address.mailbox.clone(), address.uid))
        });
        if let Some((mailbox, uid)) = open {
            self.device.send(Intent::Write(Write::Open {
                mailbox,
                uid,
                as_new: true,
                identities: self.identities(),
            }));
        }
    }

    /// Opens a message of the list; a draft is gone on with.
    pub fn open(self, uid: Uid) {
        self.cursor.set(Some(uid));
        self.anchor.set(Some(uid));
        let drafts = self.device.list.with_untracked(|list| {
            list.as_ref()
                .is_some_and(|list| list.role == Some(Role::Drafts))
        });
        // A message is begun from a template, which stays as it is.
        let template = is_called(&self.mailbox(), "Templates");
        if drafts || template {
            self.device.send(Intent::Write(Write::Open {
                mailbox: self.mailbox(),
                uid,
                as_new: template,
                identities: self.identities(),
            }));
            return;
        }
        let images = self.prefs.with_untracked(|prefs| prefs.remote_images)
            || self.sender_of(uid).is_some_and(|sender| {
                self.prefs
                    .with_untracked(|prefs| prefs.trusted_senders.contains(&sender))
            });
        self.device.send(Intent::OpenMessage {
            mailbox: self.mailbox(),
            uid,
            images,
        });
        self.pane.set(Pane::Message);
    }

    /// The address a loaded row comes from, in lower case.
    pub fn sender_of(self, uid: Uid) -> Option<String> {
        self.device.list.with_untracked(|list| {
            let row = list
                .as_ref()?
                .rows
                .iter()
                .flatten()
                .find(|row| row.uid == uid)?;
            Some(row.from.first()?.email.to_lowercase())
        })
    }

    pub fn close_message(self) {
        self.device.send(Intent::CloseMessage);
        self.pane.set(Pane::List);
    }

    /// What an action is for: the selection, else the open message, else the row under the cursor.
    pub fn target(self) -> Option<Target> {
        if self.all.get_untracked() {
            return Some(Target::All);
        }
        let selected: Vec<Uid> = self
            .selected
            .with_untracked(|s| s.iter().copied().collect());
        if !selected.is_empty() {
            return Some(Target::Uids(selected));
        }
        let open = self
            .device
            .message
            .with_untracked(|m| m.as_ref().map(|m| m.address.uid));
        open.or(self.cursor.get_untracked())
            .map(|uid| Target::Uids(vec![uid]))
    }

    /// Acts on [`Self::target`]; what cannot be undone asks first.
    pub fn act(self, action: Action) {
        if let Some(target) = self.target() {
            self.act_on(target, action);
        }
    }

    pub fn act_on(self, target: Target, action: Action) {
        let in_trash = self.device.list.with_untracked(|list| {
            list.as_ref()
                .is_some_and(|list| list.role == Some(Role::Trash))
        });
        if action == Action::Delete && in_trash {
            let (uids, count) = match target {
                Target::All => (None, self.total()),
                Target::Uids(uids) => {
                    let count = uids.len() as u32;
                    (Some(uids), count)
                }
            };
            self.dialog.set(Some(Dialog::DeleteForGood { uids, count }));
            return;
        }
        self.carry_out(target, action);
    }

    /// What was decided.
    pub fn carry_out(self, target: Target, action: Action) {
        self.advance_cursor(&target, &action);
        let leaves = matches!(
            action,
            Action::Archive | Action::Delete | Action::Junk | Action::NotJunk | Action::Move(_)
        );
        if leaves && is_narrow() && self.pane.get_untracked() == Pane::Message {
            // On a phone the list comes back; on a wide screen the next message opens by itself.
            self.close_message();
        }
        let mailbox = self.mailbox();
        self.device.send(Intent::Act {
            mailbox,
            target,
            action,
        });
        if leaves {
            self.clear_selection();
        }
    }

    fn total(self) -> u32 {
        self.device
            .list
            .with_untracked(|list| list.as_ref().map_or(0, |list| list.total))
    }

    /// When the row under the cursor goes, the cursor moves to the next one that stays.
    fn advance_cursor(self, target: &Target, action: &Action) {
        if matches!(
            action,
            Action::Seen(_) | Action::Starred(_) | Action::Copy(_)
        ) {
            return;
        }
        let going = |uid: Uid| match target {
            Target::All => true,
            Target::Uids(uids) => uids.contains(&uid),
        };
        if let Some(cursor) = self.cursor.get_untracked()
            && going(cursor)
        {
            let next = self.device.list.with_untracked(|list| {
                let uids = loaded(list.as_ref()?);
                let at = uids.iter().position(|&uid| uid == cursor)?;
                let after = uids[at..].iter().find(|&&uid| !going(uid));
                after
                    .or_else(|| uids[..at].iter().rev().find(|&&uid| !going(uid)))
                    .copied()
            });
            self.cursor.set(next);
        }
    }

    /// Moves the cursor by so many rows; returns the row it is on now.
    pub fn move_cursor(self, by: i32) -> Option<Uid> {
        let next = self.device.list.with_untracked(|list| {
            let uids = loaded(list.as_ref()?);
            let at = self
                .cursor
                .get_untracked()
                .and_then(|cursor| uids.iter().position(|&uid| uid == cursor));
            let index = match at {
                Some(at) => at
                    .saturating_add_signed(by as isize)
                    .min(uids.len().saturating_sub(1)),
                None => 0,
            };
            uids.get(index).copied()
        })?;
        self.cursor.set(Some(next));
        self.reveal.set(Some(next));
        Some(next)
    }

    /// Selects or deselects one row.
    pub fn toggle(self, uid: Uid) {
        self.anchor.set(Some(uid));
        if self.all.get_untracked() {
            // All but this one: as far as they are loaded, which is said by the count.
            self.all.set(false);
            let others = self
                .device
                .list
                .with_untracked(|list| list.as_ref().map(loaded).unwrap_or_default());
            self.selected
                .set(others.into_iter().filter(|&other| other != uid).collect());
            return;
        }
        self.selected.update(|selected| {
            if !selected.remove(&uid) {
                selected.insert(uid);
            }
        });
    }

    /// Selects from the anchor to this row, as far as rows are loaded.
    pub fn select_to(self, uid: Uid) {
        let Some(range) = self.device.list.with_untracked(|list| {
            let uids = loaded(list.as_ref()?);
            let from = self
                .anchor
                .get_untracked()
                .and_then(|a| uids.iter().position(|&u| u == a))
                .unwrap_or(0);
            let to = uids.iter().position(|&u| u == uid)?;
            Some(uids[from.min(to)..=from.max(to)].to_vec())
        }) else {
            return;
        };
        self.selected.update(|selected| selected.extend(range));
    }
}

/// Whether a mailbox is one that Roost names, wherever it stands.
pub fn is_called(mailbox: &str, label: &str) -> bool {
    mailbox
        .strip_suffix(label)
        .is_some_and(|above| above.is_empty() || above.ends_with(['/', '.']))
}

/// Whether the page shows one pane at a time; `style/roost.css` has the same number.
pub fn is_narrow() -> bool {
    window()
        .match_media("(max-width: 760px)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

fn loaded(list: &ListView) -> Vec<Uid> {
    list.rows.iter().flatten().map(|row| row.uid).collect()
}

/// What is selected in the open message.
fn selected_text() -> Option<String> {
    let frame = document()
        .query_selector("iframe[title=\"Message body\"]")
        .ok()
        .flatten()?;
    let inside = frame
        .unchecked_into::<web_sys::HtmlIFrameElement>()
        .content_window()?;
    let text = String::from(inside.get_selection().ok().flatten()?.to_string());
    (!text.trim().is_empty()).then_some(text)
}
