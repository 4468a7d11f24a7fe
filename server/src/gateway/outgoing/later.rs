//! Messages that are sent later. Each waits on the mail server, in a mailbox that every device sees, as the very bytes
//! that will be sent, with fields in front that say when, from which save, and to whom beyond what is transmitted.
//!
//! Never twice:
//! 1. Whoever sends, moves or changes a message that waits claims it first ([`SENDING`], set by one of several that try
//!    at once), and a claim survives a gateway that is killed.
//! 2. A claim is given back only when the submission server has certainly not taken the message.
//! 3. A message that is claimed and was not finished is not sent by itself: it is looked for in Sent, and otherwise a
//!    person decides.
//!
//! Nothing is sent that somebody only delivered there: what waits has a keyword ([`LATER`]), which mail cannot set.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mail_parser::MessageParser;
use roost_wire::{
    Composed, MAX_LATER, MutationId, Outcome, Problem, ProblemKind, Recovery, Saved, UidSet,
};

use super::message::disk;
use super::{Applied, Desk, recipients_of};
use crate::content::compose::{self, Purpose, SEND_AT};
use crate::content::{self, Decoder, PartStream};
use crate::imap::{self, ImapError, Priority};

/// It was put there to be sent.
pub const LATER: &str = "$RoostLater";
/// It is being sent, or whoever was sending it was interrupted.
pub const SENDING: &str = "$RoostSending";
/// The submission server refused it: it waits for a person.
pub const REFUSED: &str = "$RoostRefused";
/// How long to wait before a message that could not be handed over is tried again.
const AGAIN: i64 = 60;
/// How long before the mailbox is looked at once more for what another gateway has claimed.
const CLAIMED: i64 = 300;
/// How long to wait before giving back a claim is tried once more.
const RELEASE_AGAIN: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(2),
    Duration::from_secs(10),
];

/// Where a message waits.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub mailbox: &'a str,
    pub uidvalidity: u32,
    pub uid: u32,
}

/// What looking at the messages that wait came to.
#[derive(Debug, Default)]
pub struct Looked {
    /// When to look again, in seconds since 1970-01-01 UTC.
    pub next: Option<i64>,
    /// Mailboxes that changed.
    pub touched: Vec<String>,
    /// What every device is told.
    pub remarks: Vec<String>,
    /// Something could not be done now: there is no use in looking again before `next`.
    pub failed: bool,
}

impl Looked {
    /// They could not be looked at: soon again.
    pub fn soon() -> Self {
        let mut looked = Self::default();
        looked.fail();
        looked
    }

    /// They are looked at again at that time, if not before.
    fn again(&mut self, at: i64) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// One of them could not be done now.
    fn fail(&mut self) {
        self.failed = true;
        self.again(now() + AGAIN);
    }
}

/// Seconds since 1970-01-01 UTC.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}

fn rejected(kind: ProblemKind, why: &str) -> Outcome {
    Outcome::Rejected(Problem::new(kind, why))
}

fn told(error: &ImapError) -> Outcome {
    Outcome::Rejected(error.to_problem())
}

impl Desk {
    /// Puts a message where it waits for its time, in the place of an earlier one with its Message-ID.
    pub(super) async fn schedule(
        &self,
        id: MutationId,
        message: &Composed,
        at: i64,
        mailbox: &str,
        drafts: &str,
        sent: Option<&str>,
    ) -> Result<Applied, Outcome> {
        if self.post.endpoint.is_none() {
            return Err(super::no_server());
        }
        if recipients_of(message).is_empty() {
            return Err(rejected(
                ProblemKind::BadRequest,
                "The message has no recipient.",
            ));
        }
        if at > now() + MAX_LATER {
            return Err(rejected(
                ProblemKind::BadRequest,
                "That is too far in the future.",
            ));
        }
        // Asked for again after it was sent at its time.
        if let Some(sent) = sent
            && let Ok(true) = self.is_in(sent, &message.id).await
        {
            return self.sent_before(message, drafts, Some(sent)).await;
        }
        let saved_by = format!("{:016x}.{}", id.device, id.count);
        let purpose = Purpose::Later { saved_by, at };
        let prepared = self
            .prepare_at(message, purpose, at)
            .await
            .map_err(Outcome::Rejected)?;
        let mut mailboxes = false;
        {
            let _alone = self.drafts.lock().await;
            let mut lease = self
                .pool
                .acquire(Priority::Interactive, None)
                .await
                .map_err(|error| told(&error))?;
            if !lease.capabilities.condstore {
                return Err(rejected(
                    ProblemKind::Unsupported,
                    "The mail server cannot keep messages for later so that they are sent once (CONDSTORE).",
                ));
            }
            let earlier = self.waits(&mut lease, mailbox, &message.id).await?;
            let same = match earlier {
                Some(earlier) => {
                    let saved_by = self.saved_by(&mut lease, mailbox, earlier.uid).await;
                    saved_by.map_err(|error| told(&error))? == Some((id.device, id.count))
                }
                None => false,
            };
            drop(lease);
            // This was done before, and its answer lost: the time may have come since.
            if !same {
                if let Some(earlier) = earlier {
                    self.claim(earlier, false).await?;
                }
                match self.append_waiting(mailbox, &prepared).await {
                    Ok(created) => mailboxes = created,
                    Err(error) => {
                        if let Some(earlier) = earlier {
                            self.release(earlier, &[SENDING], &[]).await;
                        }
                        return Err(told(&error));
                    }
                }
            }
            let mut lease = self
                .pool
                .acquire(Priority::Interactive, Some(mailbox))
                .await
                .map_err(|error| told(&error))?;
            let (_, found) = imap::find(&mut lease, mailbox, &message.id)
                .await
                .map_err(|error| told(&error))?;
            drop(lease);
            if found.len() > 1 {
                let newest = found.iter().next_back();
                self.remove_earlier(mailbox, &message.id, newest).await;
            }
        }
        self.forget_uploads(message);
        let mut touched = vec![mailbox.to_owned()];
        if self.remove_drafts(drafts, &message.id).await {
            touched.push(drafts.to_owned());
        }
        Ok(Applied {
            touched,
            mailboxes,
            ..Applied::default()
        })
    }

    /// Where a message waits already, if it does.
    async fn waits<'a>(
        &self,
        lease: &mut imap::Lease,
        mailbox: &'a str,
        id: &str,
    ) -> Result<Option<Place<'a>>, Outcome> {
        let (uidvalidity, found) = match imap::find(lease, mailbox, id).await {
            Ok(found) => found,
            // Perhaps there is none yet.
            Err(error) if error.to_problem().kind.may_be_missing() => return Ok(None),
            Err(error) => return Err(told(&error)),
        };
        Ok(found.iter().next_back().map(|uid| Place {
            mailbox,
            uidvalidity,
            uid,
        }))
    }

    /// Puts a message where it waits; `true` where that mailbox had to be created.
    async fn append_waiting(
        &self,
        mailbox: &str,
        prepared: &super::message::Prepared,
    ) -> Result<bool, ImapError> {
        let mut lease = self.pool.acquire(Priority::Interactive, None).await?;
        let flags = ["\\Seen".to_owned(), LATER.to_owned()];
        let mut created = false;
        loop {
            let (mut copy, size) = prepared.copy()?;
            match imap::append(&mut lease, mailbox, &flags, &mut copy, size).await {
                Ok(_) => return Ok(created),
                Err(error) if !created && error.to_problem().kind == ProblemKind::NoSuchMailbox => {
                    imap::create(&mut lease, mailbox).await?;
                    created = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a message that waits back into Drafts, to be written on. `sure`: though it is marked as being sent.
    pub(super) async fn unschedule(
        &self,
        place: Place<'_>,
        drafts: &str,
        sure: bool,
    ) -> Result<Applied, Outcome> {
        let own = self.claim(place, sure).await?;
        let moved = async {
            let mut lease = self.lend(place).await?;
            // Its marks go with it: if it cannot be moved, it waits as it did, and is not sent by itself after all.
            let moving = roost_wire::Mutation::Move {
                mailbox: place.mailbox.to_owned(),
                uidvalidity: place.uidvalidity,
                uids: [place.uid].into_iter().collect(),
                to: drafts.to_owned(),
                add: vec!["\\Draft".to_owned()],
                remove: Vec::new(),
            };
            imap::apply(&mut lease, &moving, &mut |_, _| {}).await
        };
        let applied = match moved.await {
            Ok(applied) => applied,
            Err(error) => {
                // What nobody else had begun to send waits on for its time.
                if own {
                    self.release(place, &[SENDING], &[]).await;
                }
                return Err(told(&error));
            }
        };
        if let Some(moved) = &applied.moved
            && let Some(uid) = moved.uids.iter().next_back()
        {
            let place = Place {
                mailbox: drafts,
                uidvalidity: moved.uidvalidity,
                uid,
            };
            self.release(place, &[LATER, SENDING, REFUSED], &[]).await;
        }
        let saved = applied.moved.as_ref().and_then(|moved| {
            Some(Saved {
                mailbox: drafts.to_owned(),
                uidvalidity: moved.uidvalidity,
                uid: moved.uids.iter().next_back()?,
                // The device reads the draft anyway.
                parts: Vec::new(),
            })
        });
        Ok(Applied { saved, ..applied })
    }

    /// Sends a message that waits, now. `sure`: though it is marked as being sent.
    pub(super) async fn send_waiting(
        &self,
        place: Place<'_>,
        sent: Option<&str>,
        sure: bool,
        remark: &impl Fn(String),
    ) -> Result<Applied, Outcome> {
        self.claim(place, sure).await?;
        match self.send_claimed(place, sent, remark).await {
            Ok(applied) => Ok(applied),
            // Nobody knows: the mark stays, and with it the message.
            Err(Outcome::Unknown) => Err(Outcome::Unknown),
            Err(outcome) => {
                self.release(place, &[SENDING], &[]).await;
                Err(outcome)
            }
        }
    }

    /// Claims a message; `false` where somebody else has, and the person is `sure`.
    async fn claim(&self, place: Place<'_>, sure: bool) -> Result<bool, Outcome> {
        let claimed = async {
            let mut lease = self.lend(place).await?;
            imap::claim(
                &mut lease,
                place.mailbox,
                place.uidvalidity,
                place.uid,
                SENDING,
            )
            .await
        };
        match claimed.await {
            Ok(true) => Ok(true),
            Ok(false) if sure => Ok(false),
            Ok(false) => Err(rejected(
                ProblemKind::Conflict,
                "The message is being sent at this moment.",
            )),
            Err(error) => Err(told(&error)),
        }
    }

    async fn lend(&self, place: Place<'_>) -> Result<imap::Lease, ImapError> {
        self.pool
            .acquire(Priority::Interactive, Some(place.mailbox))
            .await
    }

    /// Takes marks away, and sets others. Where this fails, the message waits for a person.
    pub(super) async fn release(&self, place: Place<'_>, marks: &[&str], add: &[String]) {
        let mut waits = RELEASE_AGAIN.into_iter();
        loop {
            let released = async {
                let mut lease = self.lend(place).await?;
                let uids: UidSet = [place.uid].into_iter().collect();
                let marks: Vec<String> = marks.iter().map(|&mark| mark.to_owned()).collect();
                imap::mark(
                    &mut lease,
                    place.mailbox,
                    place.uidvalidity,
                    &uids,
                    add,
                    &marks,
                )
                .await
            };
            match (released.await, waits.next()) {
                (Err(error), Some(wait)) if error.is_fatal() => tokio::time::sleep(wait).await,
                _ => return,
            }
        }
    }

    /// Sends what is claimed: the bytes that wait, without the fields in front, dated now.
    async fn send_claimed(
        &self,
        place: Place<'_>,
        sent: Option<&str>,
        remark: &impl Fn(String),
    ) -> Result<Applied, Outcome> {
        let whole = PartStream::new(
            std::sync::Arc::clone(&self.pool),
            place.mailbox,
            place.uidvalidity,
            place.uid,
            "",
            Decoder::Identity,
        );
        let (header, prepared) = self.prepare_waiting(whole, now()).await?;
        let message = content::composed(&header, Vec::new(), Vec::new());
        if message.id.is_empty() {
            return Err(rejected(
                ProblemKind::BadRequest,
                "The message has lost its Message-ID.",
            ));
        }
        if let Some(sent) = sent
            && self
                .is_in(sent, &message.id)
                .await
                .map_err(|error| told(&error))?
        {
            return Ok(self.clear_up(&message, place.mailbox, Some(sent)).await);
        }
        self.submit(&message, &prepared, remark).await?;
        Ok(self
            .after_sending(&message, &prepared, place.mailbox, sent, remark)
            .await)
    }

    /// Looks at the messages that wait in a mailbox, and sends those whose time has come.
    pub async fn look_at_waiting(&self, mailbox: &str, sent: &str) -> Result<Looked, ImapError> {
        let mut looked = Looked::default();
        let (uidvalidity, waiting) = {
            let mut lease = self
                .pool
                .acquire(Priority::Background, Some(mailbox))
                .await?;
            imap::waiting(&mut lease, mailbox, LATER).await?
        };
        let mut due = Vec::new();
        for message in waiting {
            let Some((at, id)) = time_and_id(&message.header) else {
                continue;
            };
            let place = Place {
                mailbox,
                uidvalidity,
                uid: message.uid,
            };
            if message.flags.has(REFUSED) || message.flags.deleted {
                continue;
            }
            if message.flags.has(SENDING) {
                looked.again(now() + CLAIMED);
                due.push((place, id, true));
            } else if at <= now() {
                due.push((place, id, false));
            } else {
                looked.again(at);
            }
        }
        for (place, id, claimed) in due {
            // One that is begun and cut off would wait for a person.
            if self.closing.load(Ordering::Relaxed) {
                break;
            }
            if claimed {
                // Whoever claimed it may have sent it, and been interrupted before it went from here.
                match self.is_in(sent, &id).await {
                    Ok(true) if self.remove_drafts(mailbox, &id).await => {
                        looked.touched.push(mailbox.to_owned());
                    }
                    Ok(_) => {}
                    Err(_) => looked.fail(),
                }
                continue;
            }
            let remarks = std::sync::Mutex::new(Vec::new());
            let remark = |text| {
                if let Ok(mut remarks) = remarks.lock() {
                    remarks.push(text);
                }
            };
            let ended = self.send_waiting(place, Some(sent), false, &remark).await;
            looked
                .remarks
                .extend(remarks.into_inner().unwrap_or_default());
            looked.touched.push(mailbox.to_owned());
            match ended {
                Ok(applied) => looked.touched.extend(applied.touched),
                Err(Outcome::Rejected(problem)) if problem.kind == ProblemKind::Conflict => {
                    looked.again(now() + CLAIMED);
                }
                Err(Outcome::Rejected(problem)) if problem.kind.recovery() == Recovery::Retry => {
                    looked.fail();
                }
                Err(Outcome::Rejected(problem)) if problem.kind == ProblemKind::NoSuchMessage => {}
                Err(Outcome::Rejected(problem)) => {
                    self.release(place, &[SENDING], &[REFUSED.to_owned()]).await;
                    looked.remarks.push(format!(
                        "A message that was to be sent now was not sent. It is still in {mailbox}. {}",
                        problem.detail
                    ));
                }
                Err(_) => looked.remarks.push(format!(
                    "It is not known whether a message that was to be sent now was sent. It is still in {mailbox}."
                )),
            }
        }
        Ok(looked)
    }

    /// The bytes that wait, as they are sent.
    async fn prepare_waiting(
        &self,
        mut whole: PartStream,
        date: i64,
    ) -> Result<(bytes::Bytes, super::message::Prepared), Outcome> {
        let mut start = Vec::new();
        let end = loop {
            match whole.next().await.map_err(|error| told(&error))? {
                Some(piece) => start.extend_from_slice(&piece),
                None => {
                    return Err(rejected(
                        ProblemKind::BadRequest,
                        "The message that waited is damaged.",
                    ));
                }
            }
            if let Some(end) = start.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 2;
            }
            if start.len() > MAX_HEADER {
                return Err(rejected(
                    ProblemKind::BadRequest,
                    "The message that waited is damaged.",
                ));
            }
        };
        let header = bytes::Bytes::copy_from_slice(&start[..end]);
        let (bcc, mut bytes) = compose::without_own_fields(&start[..end], date);
        bytes.extend_from_slice(&start[end..]);
        let mut writing = self
            .writing()
            .map_err(|error| Outcome::Rejected(disk(&error)))?;
        let failed = Outcome::Rejected;
        writing.write(bytes).await.map_err(failed)?;
        while let Some(piece) = whole.next().await.map_err(|error| told(&error))? {
            writing.write(piece.to_vec()).await.map_err(failed)?;
        }
        let prepared = writing
            .finish(bcc, Vec::new())
            .map_err(|error| Outcome::Rejected(disk(&error)))?;
        Ok((header, prepared))
    }
}

/// The longest header of a message that waits.
const MAX_HEADER: usize = 2 * 1024 * 1024;

/// When a message is to be sent, and its Message-ID.
fn time_and_id(header: &[u8]) -> Option<(i64, String)> {
    let parsed = MessageParser::default().parse_headers(header)?;
    let raw = parsed
        .headers_raw()
        .find(|(name, _)| name.eq_ignore_ascii_case(SEND_AT))?
        .1;
    let at = compose::parse_send_at(raw)?;
    let id = parsed
        .message_id()
        .filter(|id| compose::is_message_id(id))?;
    Some((at, id.to_owned()))
}
