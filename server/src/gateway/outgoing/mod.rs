//! Drafts and mail on its way out: a message is put together in a file without a name, byte for byte as it is sent,
//! then kept in Drafts, or submitted and filed in Sent.
//!
//! Invariants:
//! 1. "Done" is said of a message only after the submission server took it (250 to the end of DATA).
//! 2. After the end of DATA was written and no answer came, the outcome is unknown; it is never sent again by itself.
//! 3. A new draft is appended before the old ones go: at no moment is there none.

mod message;

use std::sync::Arc;
use std::time::Duration;

use roost_wire::{
    Composed, MAX_HOLD, Mutation, MutationId, Origin, Outcome, Problem, ProblemKind, Saved, Source,
    UidSet,
};
use tokio::sync::{Semaphore, oneshot};

use self::message::{Prepared, disk};
use super::uploads::Uploads;
use crate::content::compose::{self, Purpose, SAVED_BY, wire_address};
use crate::imap::{self, Applied, Endpoint, ImapError, Pool, Priority};
use crate::smtp::{self, Submission, SubmitError};

/// How many messages one gateway submits at once.
const MAX_SUBMITTING: usize = 64;
/// How long to wait before the copy of a sent message is filed once more.
const FILE_AGAIN: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

/// What sending needs; one for all accounts.
#[derive(Debug)]
pub struct Post {
    /// The submission server, if mail can be sent.
    pub endpoint: Option<Endpoint>,
    submitting: Semaphore,
}

impl Post {
    pub fn new(endpoint: Option<Endpoint>) -> Self {
        Self {
            endpoint,
            submitting: Semaphore::new(MAX_SUBMITTING),
        }
    }
}

/// What one account's outgoing mail works with.
#[derive(Debug, Clone)]
pub struct Desk {
    pub pool: Arc<Pool>,
    pub uploads: Arc<Uploads>,
    pub post: Arc<Post>,
    /// Names the account's ledger.
    pub ledger: u64,
    /// Held while copies of a draft come and go: two saves at once would each take the other's for the older.
    pub drafts: Arc<tokio::sync::Mutex<()>>,
}

impl Desk {
    /// Does what a mutation about outgoing mail asks for. `taken_back` ends the time a message is held.
    pub async fn run(
        &self,
        id: MutationId,
        mutation: Mutation,
        taken_back: oneshot::Receiver<()>,
        remark: impl Fn(String),
    ) -> Result<Applied, Outcome> {
        match mutation {
            Mutation::SaveDraft {
                draft,
                mailbox,
                base,
            } => {
                let saved = self
                    .save(id, &draft, &mailbox, base)
                    .await
                    .map_err(Outcome::Rejected)?;
                // From now on the attachments come from the draft.
                self.forget_uploads(&draft);
                Ok(saved)
            }
            Mutation::DiscardDraft { id, mailbox, to } => self
                .discard(&id, &mailbox, to)
                .await
                .map_err(|error| Outcome::Rejected(error.to_problem())),
            Mutation::Send {
                message,
                hold,
                drafts,
                sent,
                ledger,
            } => {
                if ledger.is_some_and(|ledger| ledger != self.ledger) {
                    return self.look_for(&message, sent.as_deref()).await;
                }
                self.send(&message, hold, &drafts, sent.as_deref(), taken_back, remark)
                    .await
            }
            _ => Err(Outcome::Rejected(Problem::new(ProblemKind::BadRequest, ""))),
        }
    }

    async fn save(
        &self,
        id: MutationId,
        draft: &Composed,
        mailbox: &str,
        base: Option<u32>,
    ) -> Result<Applied, Problem> {
        let saved_by = format!("{:016x}.{}", id.device, id.count);
        let told = |error: ImapError| error.to_problem();
        let _alone = self.drafts.lock().await;
        if let Some(saved) = self.look_before(id, draft, mailbox, base).await? {
            return Ok(saved);
        }
        let prepared = self.prepare(draft, Purpose::Draft { saved_by }).await?;
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await
            .map_err(told)?;
        let flags = ["\\Draft".to_owned(), "\\Seen".to_owned()];
        let appended = {
            let (mut copy, size) = prepared.copy().map_err(|error| disk(&error))?;
            imap::append(&mut lease, mailbox, &flags, &mut copy, size)
                .await
                .map_err(told)?
        };
        let (uidvalidity, found) = imap::find(&mut lease, mailbox, &draft.id)
            .await
            .map_err(told)?;
        let uid = appended
            .map(|(_, uid)| uid)
            .or_else(|| found.iter().next_back())
            .ok_or_else(|| told(ImapError::NoSuchMessage))?;
        let earlier: UidSet = found.iter().filter(|&other| other < uid).collect();
        if !earlier.is_empty() && lease.capabilities.uidplus {
            // The draft is saved, whatever becomes of the earlier ones; the next save tries again.
            let _ = imap::expunge(&mut lease, &earlier).await;
        }
        Ok(Applied {
            saved: Some(Saved {
                mailbox: mailbox.to_owned(),
                uidvalidity,
                uid,
                parts: prepared.parts,
            }),
            touched: vec![mailbox.to_owned()],
            ..Applied::default()
        })
    }

    /// Looks at the draft that is there: whether another device saved it meanwhile, or this very save was done before
    /// and its answer lost.
    async fn look_before(
        &self,
        id: MutationId,
        draft: &Composed,
        mailbox: &str,
        base: Option<u32>,
    ) -> Result<Option<Applied>, Problem> {
        let told = |error: ImapError| error.to_problem();
        if !compose::is_message_id(&draft.id) {
            return Err(Problem::new(
                ProblemKind::BadRequest,
                "a malformed Message-ID",
            ));
        }
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await
            .map_err(told)?;
        let (uidvalidity, before) = imap::find(&mut lease, mailbox, &draft.id)
            .await
            .map_err(told)?;
        let Some(newest) = before.iter().next_back() else {
            return Ok(None);
        };
        let saved_by = self
            .saved_by(&mut lease, mailbox, newest)
            .await
            .map_err(told)?;
        if saved_by == Some((id.device, id.count)) {
            return Ok(Some(Applied {
                saved: Some(Saved {
                    mailbox: mailbox.to_owned(),
                    uidvalidity,
                    uid: newest,
                    parts: compose::part_numbers(draft),
                }),
                touched: vec![mailbox.to_owned()],
                ..Applied::default()
            }));
        }
        let own = saved_by.is_some_and(|(device, _)| device == id.device);
        match base {
            Some(base) if newest > base && !own => {
                Err(Problem::new(ProblemKind::Conflict, newest.to_string()))
            }
            _ => Ok(None),
        }
    }

    fn forget_uploads(&self, message: &Composed) {
        for enclosure in &message.enclosures {
            if let Source::Upload(name) = &enclosure.source {
                self.uploads.forget(name);
            }
        }
    }

    async fn discard(&self, id: &str, mailbox: &str, to: String) -> Result<Applied, ImapError> {
        if !compose::is_message_id(id) {
            return Err(ImapError::Argument("a malformed Message-ID"));
        }
        let _alone = self.drafts.lock().await;
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await?;
        let (uidvalidity, uids) = imap::find(&mut lease, mailbox, id).await?;
        if uids.is_empty() {
            return Ok(Applied::default());
        }
        let moving = Mutation::Move {
            mailbox: mailbox.to_owned(),
            uidvalidity,
            uids,
            to,
            add: Vec::new(),
            remove: Vec::new(),
        };
        imap::apply(&mut lease, &moving, &mut |_, _| {}).await
    }

    /// The device and the count of the save that a draft comes from, where Roost saved it.
    async fn saved_by(
        &self,
        lease: &mut imap::Lease,
        mailbox: &str,
        uid: u32,
    ) -> Result<Option<(u64, u64)>, ImapError> {
        let uidvalidity = lease.state().uidvalidity;
        let envelope = imap::envelope(lease, mailbox, uidvalidity, uid).await?;
        let header = String::from_utf8_lossy(&envelope.header);
        let value = header
            .lines()
            .find_map(|line| line.strip_prefix(SAVED_BY)?.strip_prefix(": "));
        Ok(value.and_then(|value| {
            let (device, count) = value.trim().split_once('.')?;
            Some((u64::from_str_radix(device, 16).ok()?, count.parse().ok()?))
        }))
    }

    async fn send(
        &self,
        message: &Composed,
        hold: u32,
        drafts: &str,
        sent: Option<&str>,
        mut taken_back: oneshot::Receiver<()>,
        remark: impl Fn(String),
    ) -> Result<Applied, Outcome> {
        let rejected = Outcome::Rejected;
        let Some(endpoint) = &self.post.endpoint else {
            return Err(rejected(Problem::new(
                ProblemKind::Unsupported,
                "No outgoing mail server is set up (--smtp). Your message is kept in Drafts.",
            )));
        };
        let recipients: Vec<String> = [&message.to, &message.cc, &message.bcc]
            .into_iter()
            .flatten()
            .map(|address| wire_address(&address.email).into_owned())
            .collect();
        if recipients.is_empty() {
            return Err(rejected(Problem::new(
                ProblemKind::BadRequest,
                "The message has no recipient.",
            )));
        }
        let prepared = self
            .prepare(message, Purpose::Send)
            .await
            .map_err(rejected)?;
        let hold = Duration::from_secs(u64::from(hold.min(MAX_HOLD)));
        match tokio::time::timeout(hold, &mut taken_back).await {
            Err(_) => {
                // Until here it can be taken back.
                taken_back.close();
                if taken_back.try_recv().is_ok() {
                    return Err(rejected(Problem::new(ProblemKind::Cancelled, "")));
                }
            }
            Ok(Ok(())) => return Err(rejected(Problem::new(ProblemKind::Cancelled, ""))),
            // The gateway goes away; the device hands the message to the next.
            Ok(Err(_)) => return Err(rejected(Problem::new(ProblemKind::Busy, ""))),
        }
        let from = wire_address(&message.from.email).into_owned();
        let submission = Submission {
            from: &from,
            recipients: &recipients,
            file: &prepared.file,
            size: prepared.size,
            eight_bit: prepared.eight_bit,
        };
        {
            let _place = self.post.submitting.acquire().await;
            match smtp::submit(endpoint, self.pool.credentials(), &submission).await {
                Ok(()) => {}
                Err(SubmitError::NotSent(problem)) => return Err(rejected(problem)),
                Err(SubmitError::Unknown) => return Err(Outcome::Unknown),
            }
        }
        self.forget_uploads(message);
        Ok(self
            .after_sending(message, &prepared, drafts, sent, remark)
            .await)
    }

    /// The copy in Sent, the mark on what was answered, the draft that goes. The message is sent, whatever comes of
    /// these.
    async fn after_sending(
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
        if let Some(origin) = &message.origin
            && self.mark(origin).await.is_ok()
        {
            touched.push(origin.mailbox.clone());
        }
        // Without a copy in Sent the draft is the only one there is.
        if filed && self.remove_drafts(drafts, &message.id).await.is_ok() {
            touched.push(drafts.to_owned());
        }
        Applied {
            touched,
            ..Applied::default()
        }
    }

    async fn file_copy(
        &self,
        message: &Composed,
        prepared: &Prepared,
        sent: &str,
        remark: &impl Fn(String),
    ) -> bool {
        let mut waits = FILE_AGAIN.into_iter();
        let mut told = false;
        loop {
            let error = match self.file_once(message, prepared, sent).await {
                Ok(()) => return true,
                Err(error) => error,
            };
            let why = match error.to_problem().detail {
                words if words.is_empty() => error.to_string(),
                words => words,
            };
            match waits.next() {
                Some(wait) => {
                    if !told {
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

    async fn file_once(
        &self,
        message: &Composed,
        prepared: &Prepared,
        sent: &str,
    ) -> Result<(), ImapError> {
        let mut lease = self.pool.acquire(Priority::Interactive, Some(sent)).await?;
        // An earlier attempt may have come through though its answer was lost.
        let (_, found) = imap::find(&mut lease, sent, &message.id).await?;
        if found.is_empty() {
            let (mut copy, size) = prepared.copy()?;
            let flags = ["\\Seen".to_owned()];
            imap::append(&mut lease, sent, &flags, &mut copy, size).await?;
        }
        Ok(())
    }

    async fn mark(&self, origin: &Origin) -> Result<(), ImapError> {
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
        imap::flag(
            &mut lease,
            &origin.mailbox,
            origin.uidvalidity,
            &uids,
            &[flag.to_owned()],
        )
        .await
    }

    async fn remove_drafts(&self, drafts: &str, id: &str) -> Result<(), ImapError> {
        let _alone = self.drafts.lock().await;
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(drafts))
            .await?;
        let (_, found) = imap::find(&mut lease, drafts, id).await?;
        if !found.is_empty() && lease.capabilities.uidplus {
            imap::expunge(&mut lease, &found).await?;
        }
        Ok(())
    }

    /// A message that another gateway, or this one before it restarted, was asked to send: it is sent if its copy is
    /// there; otherwise nobody knows.
    async fn look_for(&self, message: &Composed, sent: Option<&str>) -> Result<Applied, Outcome> {
        let sent = sent.unwrap_or("Sent");
        let found = async {
            let mut lease = self.pool.acquire(Priority::Interactive, Some(sent)).await?;
            imap::find(&mut lease, sent, &message.id).await
        };
        match found.await {
            Ok((_, uids)) if !uids.is_empty() => Ok(Applied {
                touched: vec![sent.to_owned()],
                ..Applied::default()
            }),
            _ => Err(Outcome::Unknown),
        }
    }
}
