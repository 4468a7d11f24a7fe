//! What is left to do once a message was sent: the copy in Sent, the mark on what was answered, the draft that goes.

use std::time::Duration;

use roost_wire::{Composed, Origin, UidSet};

use super::Desk;
use super::message::Prepared;
use crate::imap::{self, Applied, ImapError, Priority};

/// How long to wait before the copy of a sent message is filed once more.
const FILE_AGAIN: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

impl Desk {
    /// The copy in Sent, the mark on what was answered, the draft that goes. The message is sent, whatever comes of
    /// these.
    pub(super) async fn after_sending(
        &self,
        message: &Composed,
        prepared: &Prepared,
        drafts: &str,
        sent: Option<&str>,
        remark: impl Fn(String),
    ) -> Applied {
        let mut touched = Vec::new();
        let mut filed = true;
        if let Some(sent) = sent {
            filed = self.file_copy(message, prepared, sent, &remark).await;
            touched.push(sent.to_owned());
        }
        touched.extend(self.mark_origin(message).await);
        // Without a copy in Sent the draft is the only one there is.
        if filed && self.remove_drafts(drafts, &message.id).await {
            touched.push(drafts.to_owned());
        }
        Applied {
            touched,
            ..Applied::default()
        }
    }

    /// Marks what the message answers or forwards; where that is.
    pub(super) async fn mark_origin(&self, message: &Composed) -> Option<String> {
        let origin = message.origin.as_ref()?;
        self.mark(origin).await.ok()?;
        Some(origin.mailbox.clone())
    }

    pub(super) async fn mark(&self, origin: &Origin) -> Result<(), ImapError> {
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(&origin.mailbox))
            .await?;
        let flag = if origin.forwarded {
            "$Forwarded"
        } else {
            "\\Answered"
        };
        let uids: UidSet = [origin.uid].into_iter().collect();
        imap::mark(
            &mut lease,
            &origin.mailbox,
            origin.uidvalidity,
            &uids,
            &[flag.to_owned()],
            &[],
        )
        .await
    }

    pub(super) async fn file_copy(
        &self,
        message: &Composed,
        prepared: &Prepared,
        sent: &str,
        remark: &impl Fn(String),
    ) -> bool {
        let mut waits = FILE_AGAIN.into_iter();
        let mut told = false;
        loop {
            let (why, early) = match self.file_once(message, prepared, sent).await {
                Ok(true) => return true,
                // It may need a moment.
                Ok(false) => (
                    "the mail server has not put it there".to_owned(),
                    waits.len() == FILE_AGAIN.len(),
                ),
                Err(error) => match error.to_problem().detail {
                    words if words.is_empty() => (error.to_string(), false),
                    words => (words, false),
                },
            };
            match waits.next() {
                Some(wait) => {
                    if !told && !early {
                        remark(format!(
                            "The message was sent. Its copy is not in {sent} yet ({why}); Roost goes on trying."
                        ));
                        told = true;
                    }
                    tokio::time::sleep(wait).await;
                }
                None => {
                    remark(format!(
                        "The message was sent, but its copy could not be put into {sent} ({why}). Look into Drafts: its last saved state stays there."
                    ));
                    return false;
                }
            }
        }
    }

    /// Whether the copy is in Sent now. Where the submission server puts it there, it is only looked for.
    pub(super) async fn file_once(
        &self,
        message: &Composed,
        prepared: &Prepared,
        sent: &str,
    ) -> Result<bool, ImapError> {
        let mut lease = self.pool.acquire(Priority::Interactive, Some(sent)).await?;
        // An earlier attempt may have come through though its answer was lost.
        let (_, found) = imap::find(&mut lease, sent, &message.id).await?;
        if !found.is_empty() || self.post.files_sent {
            return Ok(!found.is_empty());
        }
        let (mut copy, size) = prepared.copy()?;
        let flags = ["\\Seen".to_owned()];
        imap::append(&mut lease, sent, &flags, &mut copy, size).await?;
        Ok(true)
    }
}
