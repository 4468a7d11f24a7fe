//! Drafts and mail on its way out: a message is put together in a file without a name, byte for byte as it is sent,
//! then kept in Drafts, or submitted and filed in Sent.
//!
//! Invariants:
//! 1. "Done" is said of a message only after the submission server took it (250 to the end of DATA).
//! 2. After the end of DATA was written and no answer came, the outcome is unknown; it is never sent again by itself.
//! 3. A new draft is appended before the old ones go, or takes their place in one step: at no moment is there none.

pub mod later;
mod message;
mod receipt;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use roost_wire::{
    Composed, MAX_HOLD, Mutation, MutationId, Origin, Outcome, Problem, ProblemKind, Saved, Source,
    UidSet,
};
use tokio::sync::{Semaphore, oneshot};

use self::later::Place;
use self::message::{Prepared, disk};
use super::uploads::Uploads;
use crate::content::compose::{self, Purpose, SAVED_BY, wire_address};
use crate::imap::{self, Applied, Endpoint, ImapError, Pool, Priority};
use crate::smtp::{self, Limit, Submission, SubmitError, Submitted};

/// How many messages one gateway submits at once.
const MAX_SUBMITTING: usize = 64;
/// How long to wait before the copy of a sent message is filed once more.
const FILE_AGAIN: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
];
/// How long to wait before earlier copies of a draft are removed once more.
const REMOVE_AGAIN: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

fn no_server() -> Outcome {
    Outcome::Rejected(Problem::new(
        ProblemKind::Unsupported,
        "No outgoing mail server is set up (--smtp). Your message is kept in Drafts.",
    ))
}

/// Everybody it goes to, as the submission server is told.
fn recipients_of(message: &Composed) -> Vec<String> {
    [&message.to, &message.cc, &message.bcc]
        .into_iter()
        .flatten()
        .map(|address| wire_address(&address.email).into_owned())
        .collect()
}

/// What sending needs; one for all accounts.
#[derive(Debug)]
pub struct Post {
    /// The submission server, if mail can be sent.
    pub endpoint: Option<Endpoint>,
    /// How large a message it takes.
    limit: Limit,
    submitting: Semaphore,
    /// The bytes of all messages that are put together or held.
    room: Arc<AtomicU64>,
}

impl Post {
    pub fn new(endpoint: Option<Endpoint>) -> Self {
        Self {
            endpoint,
            limit: Limit::default(),
            submitting: Semaphore::new(MAX_SUBMITTING),
            room: Arc::default(),
        }
    }

    /// The largest message the submission server takes, in bytes; `None` where it does not say. It is asked where that
    /// is not known yet.
    pub async fn limit(&self) -> Option<u64> {
        match (self.limit.known(), &self.endpoint) {
            (Some(limit), _) => limit,
            (None, Some(endpoint)) => smtp::ask_limit(endpoint, &self.limit).await,
            (None, None) => None,
        }
    }

    /// [`Self::limit`], as far as it is known.
    pub fn known_limit(&self) -> Option<u64> {
        self.limit.known().flatten()
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
                    return self.look_for(&message, &drafts, sent.as_deref()).await;
                }
                self.send(&message, hold, &drafts, sent.as_deref(), taken_back, remark)
                    .await
            }
            Mutation::Schedule {
                message,
                at,
                mailbox,
                drafts,
                sent,
            } => {
                self.schedule(id, &message, at, &mailbox, &drafts, sent.as_deref())
                    .await
            }
            Mutation::Unschedule {
                mailbox,
                uidvalidity,
                uid,
                drafts,
                sure,
            } => {
                let place = Place {
                    mailbox: &mailbox,
                    uidvalidity,
                    uid,
                };
                self.unschedule(place, &drafts, sure).await
            }
            Mutation::SendScheduled {
                mailbox,
                uidvalidity,
                uid,
                sent,
                sure,
            } => {
                let place = Place {
                    mailbox: &mailbox,
                    uidvalidity,
                    uid,
                };
                self.send_waiting(place, sent.as_deref(), sure, &remark)
                    .await
            }
            Mutation::Receipt {
                mailbox,
                uidvalidity,
                uid,
                from,
            } => {
                let place = Place {
                    mailbox: &mailbox,
                    uidvalidity,
                    uid,
                };
                self.send_receipt(place, &from).await
            }
            _ => Err(Outcome::Rejected(Problem::new(ProblemKind::BadRequest, ""))),
        }
    }

    /// A message that another of the account's devices asked for too, and that this gateway has sent: what the device
    /// saved of it since goes.
    pub async fn repeat(&self, mutation: Mutation) -> Result<Applied, Outcome> {
        match mutation {
            Mutation::Send {
                message,
                drafts,
                sent,
                ..
            } => Ok(self.sent_before(&message, &drafts, sent.as_deref()).await),
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
        let mut mailboxes = false;
        match self.look_before(id, draft, mailbox, base).await {
            Ok(Some(saved)) => return Ok(saved),
            Ok(None) => {}
            // Not every server says why it cannot be selected: what can be created was not there.
            Err(problem)
                if matches!(
                    problem.kind,
                    ProblemKind::NoSuchMailbox | ProblemKind::Refused
                ) =>
            {
                let mut lease = self
                    .pool
                    .acquire(Priority::Interactive, None)
                    .await
                    .map_err(told)?;
                if imap::create(&mut lease, mailbox).await.is_err() {
                    return Err(problem);
                }
                mailboxes = true;
            }
            Err(problem) => return Err(problem),
        }
        let prepared = self.prepare(draft, Purpose::Draft { saved_by }).await?;
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await
            .map_err(told)?;
        let placed = self.place(&mut lease, draft, mailbox, &prepared).await?;
        let (uidvalidity, found) = imap::find(&mut lease, mailbox, &draft.id)
            .await
            .map_err(told)?;
        let uid = placed
            .map(|(_, uid)| uid)
            .or_else(|| found.iter().next_back())
            .ok_or_else(|| told(ImapError::NoSuchMessage))?;
        drop(lease);
        if found.len() > 1 {
            self.remove_earlier(mailbox, &draft.id, Some(uid)).await;
        }
        Ok(Applied {
            saved: Some(Saved {
                mailbox: mailbox.to_owned(),
                uidvalidity,
                uid,
                parts: prepared.parts,
            }),
            touched: vec![mailbox.to_owned()],
            mailboxes,
            ..Applied::default()
        })
    }

    /// Puts a draft into a mailbox: in the place of the earlier one, where the server does that in one step, or beside it.
    async fn place(
        &self,
        lease: &mut imap::Lease,
        draft: &Composed,
        mailbox: &str,
        prepared: &Prepared,
    ) -> Result<Option<(u32, u32)>, Problem> {
        let told = |error: ImapError| error.to_problem();
        let flags = ["\\Draft".to_owned(), "\\Seen".to_owned()];
        if lease.capabilities.replace {
            let (_, earlier) = imap::find(lease, mailbox, &draft.id).await.map_err(told)?;
            if let Some(uid) = earlier.iter().next_back() {
                let (mut copy, size) = prepared.copy().map_err(|error| disk(&error))?;
                match imap::replace(lease, uid, mailbox, &flags, &mut copy, size).await {
                    // Nothing was done: it goes the other way, or the server says again why not.
                    Err(ImapError::No { .. } | ImapError::Bad(_)) => {}
                    replaced => return replaced.map_err(told),
                }
            }
        }
        let (mut copy, size) = prepared.copy().map_err(|error| disk(&error))?;
        imap::append(lease, mailbox, &flags, &mut copy, size)
            .await
            .map_err(told)
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
            drop(lease);
            if before.len() > 1 {
                self.remove_earlier(mailbox, &draft.id, Some(newest)).await;
            }
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
        if self.post.endpoint.is_none() {
            return Err(no_server());
        }
        if recipients_of(message).is_empty() {
            return Err(rejected(Problem::new(
                ProblemKind::BadRequest,
                "The message has no recipient.",
            )));
        }
        // Another device may have sent the same draft through another gateway. A look that fails is no reason to wait.
        if let Some(sent) = sent
            && let Ok(true) = self.is_in(sent, &message.id).await
        {
            return Ok(self.sent_before(message, drafts, Some(sent)).await);
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
        self.submit(message, &prepared, &remark).await?;
        self.forget_uploads(message);
        Ok(self
            .after_sending(message, &prepared, drafts, sent, remark)
            .await)
    }

    /// Hands a message over to the submission server.
    async fn submit(
        &self,
        message: &Composed,
        prepared: &Prepared,
        remark: &impl Fn(String),
    ) -> Result<(), Outcome> {
        let from = wire_address(&message.from.email).into_owned();
        let notify = message.delivery.then_some(message.id.as_str());
        let submitted = self
            .submit_as(&from, &recipients_of(message), prepared, notify)
            .await?;
        if submitted.without_notice {
            remark(
                "The message was sent. The mail server cannot tell when it is delivered."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// [`Self::submit`] from and to these addresses. An empty sender is the null one (RFC 5321, section 4.5.5).
    async fn submit_as(
        &self,
        from: &str,
        recipients: &[String],
        prepared: &Prepared,
        notify: Option<&str>,
    ) -> Result<Submitted, Outcome> {
        let Some(endpoint) = &self.post.endpoint else {
            return Err(no_server());
        };
        // What comes back from a mailbox was written by Roost once; it is not taken on trust.
        let senders = (!from.is_empty()).then_some(from);
        if recipients.is_empty()
            || !senders
                .into_iter()
                .chain(recipients.iter().map(String::as_str))
                .all(compose::is_address)
        {
            return Err(Outcome::Rejected(Problem::new(
                ProblemKind::BadRequest,
                "an address that is not one",
            )));
        }
        let submission = Submission {
            from,
            recipients,
            file: &prepared.file,
            size: prepared.size,
            eight_bit: prepared.eight_bit,
            notify,
        };
        let _place = self.post.submitting.acquire().await;
        match smtp::submit(
            endpoint,
            self.pool.credentials(),
            &submission,
            &self.post.limit,
        )
        .await
        {
            Ok(submitted) => Ok(submitted),
            Err(SubmitError::NotSent(problem)) => Err(Outcome::Rejected(problem)),
            Err(SubmitError::Unknown) => Err(Outcome::Unknown),
        }
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
    async fn mark_origin(&self, message: &Composed) -> Option<String> {
        let origin = message.origin.as_ref()?;
        self.mark(origin).await.ok()?;
        Some(origin.mailbox.clone())
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

    /// Removes the copies of a message that are older than one, or all of them. The line may break in the middle of it:
    /// a copy that stays would be a second draft, so this is tried several times. `false` where one may be left; the
    /// next save tries again.
    async fn remove_earlier(&self, mailbox: &str, id: &str, than: Option<u32>) -> bool {
        let mut waits = REMOVE_AGAIN.into_iter();
        while self.remove_once(mailbox, id, than).await.is_err() {
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return false,
            }
        }
        true
    }

    async fn remove_once(
        &self,
        mailbox: &str,
        id: &str,
        than: Option<u32>,
    ) -> Result<(), ImapError> {
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await?;
        let (_, found) = imap::find(&mut lease, mailbox, id).await?;
        let earlier: UidSet = found
            .iter()
            .filter(|&uid| than.is_none_or(|than| uid < than))
            .collect();
        if !earlier.is_empty() {
            imap::remove(&mut lease, &earlier).await?;
        }
        Ok(())
    }

    async fn remove_drafts(&self, drafts: &str, id: &str) -> bool {
        let _alone = self.drafts.lock().await;
        self.remove_earlier(drafts, id, None).await
    }

    /// A message that another gateway, or this one before it restarted, was asked to send: it is sent if its copy is
    /// there, and what was left to do then is done; otherwise nobody knows.
    async fn look_for(
        &self,
        message: &Composed,
        drafts: &str,
        sent: Option<&str>,
    ) -> Result<Applied, Outcome> {
        let sent = sent.unwrap_or("Sent");
        match self.is_in(sent, &message.id).await {
            Ok(true) => Ok(self.sent_before(message, drafts, Some(sent)).await),
            _ => Err(Outcome::Unknown),
        }
    }

    /// Whether a mailbox has a message with this Message-ID.
    async fn is_in(&self, mailbox: &str, id: &str) -> Result<bool, ImapError> {
        if !compose::is_message_id(id) {
            return Err(ImapError::Argument("a malformed Message-ID"));
        }
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await?;
        let (_, found) = imap::find(&mut lease, mailbox, id).await?;
        Ok(!found.is_empty())
    }

    /// The message was sent before, with its copy filed: what may have been left to do then is done.
    async fn sent_before(&self, message: &Composed, drafts: &str, sent: Option<&str>) -> Applied {
        let mut touched: Vec<String> = sent.map(str::to_owned).into_iter().collect();
        touched.extend(self.mark_origin(message).await);
        if self.remove_drafts(drafts, &message.id).await {
            touched.push(drafts.to_owned());
        }
        Applied {
            touched,
            ..Applied::default()
        }
    }
}
