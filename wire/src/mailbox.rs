//! Mailboxes as the device sees them.

use serde::{Deserialize, Serialize};

/// One mailbox of the account (RFC 9051, section 7.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The full name in Unicode (modified UTF-7 is undone at the gateway). Names the mailbox everywhere.
    pub name: String,
    /// The character between levels of hierarchy, if the server has any.
    pub delimiter: Option<char>,
    pub role: Option<Role>,
    /// False for a name that only holds other mailboxes (`\Noselect`, `\NonExistent`).
    pub selectable: bool,
    pub subscribed: bool,
    /// Unknown until the server told them.
    pub counts: Option<Counts>,
}

impl Mailbox {
    /// Whether it is the one of the person's own that Roost calls so: at the top, or below INBOX where servers keep all
    /// mailboxes there. Not one of that name that somebody shares with them.
    pub fn is_own(&self, label: &str) -> bool {
        let below = self.delimiter.and_then(|delimiter| {
            let below = self.name.strip_prefix("INBOX")?;
            below.strip_prefix(delimiter)
        });
        self.role.is_none() && (self.name == label || below == Some(label))
    }
}

/// What a mailbox is for (RFC 6154; the inbox by its name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    Inbox,
    Drafts,
    Sent,
    Archive,
    Junk,
    Trash,
    All,
    Flagged,
}

/// The counts of one mailbox (`STATUS`, RFC 9051, section 6.3.11).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub messages: u32,
    pub unseen: u32,
}

/// The state of a mailbox at one moment, by which device and gateway tell whether they speak of the same thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxState {
    pub uidvalidity: u32,
    pub uidnext: u32,
    /// How many messages there are.
    pub exists: u32,
    /// HIGHESTMODSEQ (RFC 7162, section 3.1.2.1); 0 where the server has none.
    pub modseq: u64,
}
