//! When an account's task looks at the messages that are sent later.
//!
//! A password is held by an account's task and by nothing else, in memory: a task with such messages is therefore kept
//! for [`KEEP`] after its last device left, unless the person signed out. Past that, or after the gateway restarted,
//! they are sent as soon as the person signs in.

use std::time::{Duration, Instant};

use roost_wire::{Mailbox, Role};

use super::outgoing::later::now;

/// How long an account without devices is kept for messages to be sent later.
pub const KEEP: Duration = Duration::from_secs(7 * 86_400);
/// What the mailbox is called.
const NAME: &str = "Scheduled";
/// The longest wait between two looks: the clock may be set meanwhile.
const LONGEST: Duration = Duration::from_secs(3_600);

/// See the module's first lines.
#[derive(Debug, Default)]
pub struct Schedule {
    /// Where messages wait, if there is such a mailbox, and where copies go.
    mailboxes: Option<(String, String)>,
    /// When to look next.
    at: Option<Instant>,
    looking: bool,
    /// The mailbox changed during the look.
    again: bool,
    /// Something could not be done: what changes before then, the marks of the attempt among it, is no reason to look.
    calm: Option<Instant>,
    /// There are messages with a time to come.
    waiting: bool,
    signed_out: bool,
}

impl Schedule {
    /// The account's mailboxes are known, or others.
    pub fn set_mailboxes(&mut self, mailboxes: &[Mailbox]) {
        let waiting = mailboxes
            .iter()
            .find(|mailbox| mailbox.selectable && mailbox.is_own(NAME));
        let sent = mailboxes
            .iter()
            .find(|mailbox| mailbox.role == Some(Role::Sent))
            .map_or("Sent", |mailbox| mailbox.name.as_str());
        let found = waiting.map(|waiting| (waiting.name.clone(), sent.to_owned()));
        if found != self.mailboxes {
            self.at = found.as_ref().map(|_| Instant::now());
            self.mailboxes = found;
            // A look that is under way looks at the others.
            self.again = true;
        }
    }

    /// A mailbox changed.
    pub fn changed(&mut self, mailbox: &str) {
        if self
            .mailboxes
            .as_ref()
            .is_some_and(|(waiting, _)| waiting == mailbox)
        {
            self.again = true;
            if !self.looking {
                let soon = self.soon();
                self.at = Some(self.at.map_or(soon, |at| at.min(soon)));
            }
        }
    }

    /// Waits until it is time to look; for ever where there is nothing to look at.
    pub fn wait(&self) -> impl Future<Output = ()> + use<> {
        let at = self.at.filter(|_| !self.looking);
        async move {
            match at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        }
    }

    /// A look begins: where messages wait, and where copies go.
    pub fn begin(&mut self) -> Option<(String, String)> {
        self.at = None;
        self.again = false;
        let mailboxes = self.mailboxes.clone()?;
        self.looking = true;
        Some(mailboxes)
    }

    fn soon(&self) -> Instant {
        let now = Instant::now();
        self.calm.map_or(now, |calm| calm.max(now))
    }

    /// A look ended; the next is at `next`, in seconds since 1970-01-01 UTC, or when the mailbox changes, unless this one
    /// failed.
    pub fn end(&mut self, next: Option<i64>, failed: bool) {
        self.looking = false;
        self.waiting = next.is_some();
        let after = next.map(|next| {
            let seconds = u64::try_from(next - now()).unwrap_or(0);
            // A second later than the clock says: what is due is found due.
            Duration::from_secs(seconds + 1).min(LONGEST)
        });
        let next = after.map(|after| Instant::now() + after);
        self.calm = next.filter(|_| failed);
        self.at = if self.again { Some(self.soon()) } else { next };
    }

    pub fn is_looking(&self) -> bool {
        self.looking
    }

    /// Whether the account is kept without devices.
    pub fn is_kept(&self) -> bool {
        self.waiting && !self.signed_out
    }

    /// A device is there.
    pub fn keep(&mut self) {
        self.signed_out = false;
    }

    /// The person signed out of the last device.
    pub fn let_go(&mut self) {
        self.signed_out = true;
    }
}
