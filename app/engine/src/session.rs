//! Signing in, the socket and its life.

use roost_wire::{Bye, ClientMessage, MailServer, MutationId, ServerMessage, VERSION};

use crate::kept::{KeptAccount, Presence};
use crate::state::{Socket, Tab};
use crate::sync::FIRST_ROWS;
use crate::view::{Line, Stage};
use crate::{Effect, SignInProblem, State, TabId, Wake, Who};

const OTHERS_WAIT: &str = "Changes of somebody else wait on this device until they sign in again. Until then, none of your mail is kept here.";

impl State {
    pub(crate) fn start(&mut self, device: u64, build: String) {
        self.device = device;
        self.build = build;
    }

    pub(crate) fn tab_opened(&mut self, tab: TabId, likely_signed_in: bool) {
        self.tabs.insert(
            tab,
            Tab {
                mailbox: "INBOX".to_owned(),
                count: FIRST_ROWS,
                ..Tab::default()
            },
        );
        if self.line == Line::Reload && self.socket == Socket::Closed {
            // The page was loaded anew: perhaps the gateway has this build again.
            self.line = Line::Connecting;
            self.connect();
        }
        if self.socket == Socket::Closed {
            match self.stage {
                Stage::Starting if likely_signed_in => self.connect(),
                Stage::Starting if self.kept_account.is_some() => self.show_sign_in(),
                Stage::Starting => self.effect(Effect::CheckSession),
                // What the device kept said who is here before any tab did; or a line is waited for.
                Stage::SignedIn { .. } if self.line != Line::Reload => self.connect(),
                Stage::SignedIn { .. } | Stage::SigningIn | Stage::SignedOut { .. } => {}
            }
        }
    }

    pub(crate) fn tab_closed(&mut self, tab: TabId) {
        self.tabs.remove(&tab);
        self.drafts_left_by(tab);
        self.reopening.retain(|(other, _)| *other != tab);
        if let Some(&last) = self.tabs.keys().next_back() {
            self.watch(last);
        } else {
            // The worker may end with its last tab.
            self.keep_now();
        }
    }

    pub(crate) fn session_checked(&mut self, result: Result<Option<Who>, String>) {
        match result {
            // Signed out meanwhile: the answer is about before.
            Ok(_) if !matches!(self.stage, Stage::Starting | Stage::SignedIn { .. }) => {}
            Ok(Some(who)) => {
                self.signed_in_as(who);
                if self.refused {
                    // The session lives, yet the socket was refused: a proxy without WebSockets, or too many devices.
                    self.line = Line::Offline;
                    self.connect_later();
                } else {
                    self.connect();
                }
            }
            Ok(None) => self.signed_out(String::new()),
            Err(_) => {
                self.line = Line::Offline;
                self.connect_later();
            }
        }
    }

    pub(crate) fn sign_in(&mut self, username: String, password: String, shared: bool) {
        self.stage = Stage::SigningIn;
        self.shared = shared;
        self.effect(Effect::SignIn {
            username,
            password,
            shared,
        });
    }

    pub(crate) fn signed_in(&mut self, result: Result<Who, SignInProblem>) {
        match result {
            Ok(who) => {
                self.entered = true;
                // The cookie of the session before is gone.
                self.leaving = false;
                self.signed_in_as(who);
                // That of somebody else ended with it: nobody has to be told any more.
                if let Some(kept) = self
                    .kept_account
                    .take_if(|kept| kept.presence == Presence::Leaving)
                {
                    self.remember(Box::new(KeptAccount {
                        presence: Presence::Left,
                        ..*kept
                    }));
                }
                if self.shared || !self.keeps {
                    self.keep_from_now_on(!self.shared);
                }
                if self.kept_account.is_some() {
                    for tab in self.tabs.keys().copied().collect::<Vec<_>>() {
                        self.notice(tab, OTHERS_WAIT, None, false);
                    }
                }
                self.connect();
            }
            Err(problem) => {
                self.stage = Stage::SignedOut {
                    problem: problem.message,
                    expired: self.who.is_some(),
                };
                self.tell_of_leaving();
            }
        }
    }

    pub(crate) fn show_sign_in(&mut self) {
        self.stage = Stage::SignedOut {
            problem: String::new(),
            expired: false,
        };
    }

    pub(crate) fn signed_in_as(&mut self, who: Who) {
        if self
            .who
            .as_ref()
            .is_some_and(|before| before.account != who.account)
        {
            // Another person: nothing of the one before may be seen or sent.
            if self.keeps && self.has_unsent_changes() {
                self.put_away(Presence::Left);
            } else {
                self.keep_from_now_on(false);
            }
            self.put_drafts_away();
            self.forget_account();
        }
        self.stage = Stage::SignedIn {
            username: who.username.clone(),
            account: who.account.clone(),
            address: String::new(),
            sends: false,
        };
        self.who = Some(who);
        if let Some(kept) = self.kept_account.take() {
            self.find_kept(kept);
        }
    }

    /// The session ended by itself. What was on screen stays, behind the form; what is pending stays pending.
    fn signed_out(&mut self, problem: String) {
        self.line_gone();
        self.stage = Stage::SignedOut {
            problem,
            expired: self.who.is_some(),
        };
    }

    pub(crate) fn connect(&mut self) {
        if self.socket == Socket::Closed {
            self.socket = Socket::Opening;
            if self.line != Line::Offline {
                self.line = Line::Connecting;
            }
            self.effect(Effect::Connect);
        }
    }

    pub(crate) fn connect_now(&mut self) {
        self.backoff.reset();
        if matches!(self.stage, Stage::SignedIn { .. } | Stage::Starting) {
            self.connect();
        } else if self.stage != Stage::SigningIn {
            self.tell_of_leaving();
        }
    }

    /// Browsers do not tell when a line is dead (a laptop that slept, a network that changed): an answer that never
    /// comes does.
    fn line_is_dead(&mut self) {
        if self.socket == Socket::Open {
            self.effect(Effect::Disconnect);
            self.socket_closed();
        }
    }

    fn connect_later(&mut self) {
        if !self.backoff.waiting {
            self.backoff.waiting = true;
            let after_ms = self.backoff.next(self.device);
            self.effect(Effect::Wake {
                wake: Wake::Reconnect,
                after_ms,
            });
        }
    }

    /// Everything that is shown is asked for at once, without waiting for the gateway's hello.
    pub(crate) fn socket_opened(&mut self) {
        self.socket = Socket::Open;
        self.refused = false;
        self.retrying = false;
        self.mailboxes_known = false;
        self.asked.clear();
        self.fill_begins_anew();
        for cache in self.caches.values_mut() {
            cache.verified = false;
        }
        let hello = ClientMessage::Hello {
            version: VERSION,
            build: self.build.clone(),
        };
        self.effect(Effect::Send(hello));
        self.use_cache("INBOX");
        self.retry_bodies();
        self.drafts_may_go_on();
        for tab in self.tabs.values_mut() {
            tab.failed = None;
        }
        if let Some(&tab) = self.tabs.keys().next_back() {
            self.watch(tab);
        }
        self.send_waiting();
    }

    /// Tells the gateway which mailbox is on a tab's screen.
    pub(crate) fn watch(&mut self, tab: TabId) {
        if self.socket == Socket::Open
            && let Some(tab) = self.tabs.get(&tab)
        {
            let mailbox = tab.mailbox.clone();
            self.effect(Effect::Send(ClientMessage::Watch { mailbox }));
        }
    }

    /// Nothing that was sent over the socket is answered any more.
    pub(crate) fn line_gone(&mut self) {
        self.socket = Socket::Closed;
        self.ledger = None;
        self.asked.clear();
        for pending in &mut self.pending {
            pending.sent = false;
        }
    }

    pub(crate) fn socket_closed(&mut self) {
        let never_opened = self.socket == Socket::Opening;
        self.line_gone();
        match self.stage {
            Stage::SignedOut { .. } | Stage::SigningIn => {}
            Stage::Starting | Stage::SignedIn { .. } if self.line == Line::Reload => {}
            Stage::Starting | Stage::SignedIn { .. } if never_opened => {
                // The browser does not tell why: ask whether the session still lives.
                self.refused = true;
                self.effect(Effect::CheckSession);
            }
            Stage::Starting | Stage::SignedIn { .. } => {
                self.line = Line::Connecting;
                self.connect_later();
            }
        }
    }

    pub(crate) fn woke(&mut self, wake: Wake) {
        match wake {
            Wake::Reconnect => {
                self.backoff.waiting = false;
                if matches!(self.stage, Stage::SignedIn { .. } | Stage::Starting) {
                    self.connect();
                }
            }
            // Somebody signs in: it must not be their session that ends.
            Wake::SignOut if self.stage == Stage::SigningIn => {}
            Wake::SignOut => self.tell_of_leaving(),
            Wake::Read { tab, mailbox, uid } => self.count_as_read(tab, &mailbox, uid),
            Wake::Retry => {
                self.retrying = false;
                self.retry_bodies();
            }
            Wake::MutateAgain => self.mutate_again(),
            Wake::Calm => self.calmed(),
            Wake::Keep => self.keep_now(),
            Wake::SaveDraft { id, revision } => self.draft_paused(&id, revision),
            Wake::Discard(id) => self.discard_for_good(&id),
            Wake::Release(id) => self.release(&id),
            Wake::Resend(id) => self.resend(&id),
            Wake::Reopened(tab) => self.reopening.retain(|(other, _)| *other != tab),
            Wake::Ahead => self.fill_goes_on(),
            Wake::Searched { tab, text } => self.search_paused(tab, &text),
            Wake::Overdue(id) => {
                if self.asked.contains_key(&id) {
                    self.line_is_dead();
                }
            }
            Wake::Stuck(id) => {
                let waits = self
                    .pending
                    .iter()
                    .any(|pending| pending.id == id && pending.sent);
                if waits && self.progress.is_none() {
                    self.line_is_dead();
                }
            }
        }
    }

    pub(crate) fn server(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Hello {
                version,
                build,
                account,
                username,
                address,
                ledger,
                sends,
            } => {
                if version != VERSION || build != self.build {
                    self.reload();
                    return;
                }
                self.backoff.reset();
                self.line = Line::Live;
                self.signed_in_as(Who { account, username });
                self.address = address;
                self.sends = sends;
                // Another gateway may know what this one did not.
                self.limit = self.limit.filter(Option::is_some);
                self.complete_senders();
                self.account_changed = true;
                self.ledger = Some(ledger);
                self.end_what_nobody_knows();
                // Only now is it known whether this gateway may have been handed a message before.
                self.send_waiting();
            }
            ServerMessage::Answer { id, result } => self.answered(id, result),
            ServerMessage::Outcome { id, outcome } => self.ended(id, outcome),
            ServerMessage::Remark { id, text } => {
                // What the gateway did by itself, at a time, is told too.
                let own = self.pending.iter().find(|pending| pending.id == id);
                let tab = own.map(|pending| pending.tab);
                if tab.is_some() || id == MutationId::default() {
                    self.notice(tab.unwrap_or_default(), &text, None, true);
                }
            }
            ServerMessage::Progress { id, done, total } => {
                if self.pending.iter().any(|pending| pending.id == id) {
                    self.progress = Some((done, total));
                }
            }
            ServerMessage::Change(change) => self.changed(change),
            ServerMessage::MailServer(MailServer::Reachable) => {
                self.line = Line::Live;
                self.send_waiting();
            }
            ServerMessage::MailServer(MailServer::Unreachable) => self.line = Line::MailServerDown,
            ServerMessage::Bye(bye) => self.bye(bye),
        }
    }

    #[inline(never)]
    fn bye(&mut self, bye: Bye) {
        match bye {
            // The socket closes by itself; then it is opened again.
            Bye::Restart => {}
            Bye::SignedOut => {
                self.effect(Effect::Disconnect);
                self.signed_out(
                    "Your session has ended. Sign in again to go on where you were.".to_owned(),
                );
            }
            Bye::Reload => self.reload(),
            Bye::Protocol(why) => {
                let text = format!("The gateway ended the connection: {why}.");
                for tab in self.tabs.keys().copied().collect::<Vec<_>>() {
                    self.notice(tab, &text, None, true);
                }
            }
        }
    }

    fn reload(&mut self) {
        self.line = Line::Reload;
        self.line_gone();
        self.effect(Effect::Disconnect);
    }
}
