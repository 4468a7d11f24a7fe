//! Drafts and mail on its way out: a message is put together in a file without a name, byte for byte as it is sent,
//! then kept in Drafts, or submitted and filed in Sent.
//!
//! Invariants:
//! 1. "Done" is said of a message only after the submission server took it (250 to the end of DATA).
//! 2. After the end of DATA was written and no answer came, the outcome is unknown; it is never sent again by itself.
//! 3. A new draft is appended before the old ones go: at no moment is there none.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roost_wire::{
    Composed, Enclosure, MAX_HOLD, Mutation, MutationId, Origin, Outcome, Problem, ProblemKind,
    Saved, Source, UidSet,
};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, oneshot};

use super::uploads::Uploads;
use crate::content::compose::{self, Piece, Purpose, SAVED_BY, wire_address};
use crate::content::{self, Decoder, PartContent, PartStream};
use crate::imap::{self, Applied, Endpoint, ImapError, Pool, Priority};
use crate::smtp::{self, Submission, SubmitError};

/// The largest message that is put together, in bytes.
const MAX_MESSAGE: u64 = 256 * 1024 * 1024;
/// How many messages one gateway submits at once.
const MAX_SUBMITTING: usize = 64;
/// A line of base64: 57 bytes are 76 characters (RFC 2045, section 6.8).
const BASE64_LINE: usize = 57;
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

/// A message put together.
struct Prepared {
    file: File,
    size: u64,
    /// The Bcc header of the copy.
    bcc: Vec<u8>,
    parts: Vec<String>,
    eight_bit: bool,
}

impl Prepared {
    /// Bcc and message, as they are filed.
    fn copy(&self) -> std::io::Result<(impl tokio::io::AsyncRead + Send + Unpin + use<'_>, u64)> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let message = tokio::fs::File::from_std(file);
        let size = self.bcc.len() as u64 + self.size;
        Ok((self.bcc.as_slice().chain(message), size))
    }
}

/// The file a message is written into.
struct Writing {
    file: Arc<File>,
    size: u64,
    eight_bit: bool,
}

impl Writing {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Problem> {
        self.eight_bit |= !bytes.is_ascii();
        let (file, at) = (Arc::clone(&self.file), self.size);
        self.size += bytes.len() as u64;
        if self.size > MAX_MESSAGE {
            return Err(Problem::new(
                ProblemKind::TooLarge,
                "The attachments are too large together.",
            ));
        }
        tokio::task::spawn_blocking(move || file.write_all_at(&bytes, at))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| disk(&error))
    }
}

fn disk(error: &std::io::Error) -> Problem {
    tracing::error!("the gateway's temporary files: {error}");
    Problem::new(
        ProblemKind::Busy,
        "The gateway has no room on its disk. Your text is kept here.",
    )
}

fn garbled(_: tokio::task::JoinError) -> Problem {
    Problem::new(
        ProblemKind::BadRequest,
        "a message that cannot be put together",
    )
}

/// Bytes of an attachment on their way into the message.
struct Enclosing<'a> {
    into: &'a mut Writing,
    base64: bool,
    kept: Vec<u8>,
}

impl Enclosing<'_> {
    async fn push(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if !self.base64 {
            let lines = self.whole_lines(bytes);
            return self.into.write(lines).await;
        }
        self.kept.extend_from_slice(bytes);
        let whole = self.kept.len() / BASE64_LINE * BASE64_LINE;
        let lines = base64_lines(&self.kept[..whole]);
        self.kept.drain(..whole);
        self.into.write(lines).await
    }

    /// A message that is attached as it is: every line ends in CRLF, and NUL is left out. A lone CR or LF before a dot
    /// could pass for the end of the whole message with servers that are careless ("SMTP smuggling").
    fn whole_lines(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
        for &byte in bytes {
            let after_cr = self.kept.pop().is_some();
            match byte {
                b'\r' => {
                    if after_cr {
                        out.extend_from_slice(b"\r\n");
                    }
                    self.kept.push(b'\r');
                }
                b'\n' => out.extend_from_slice(b"\r\n"),
                byte => {
                    if after_cr {
                        out.extend_from_slice(b"\r\n");
                    }
                    if byte != 0 {
                        out.push(byte);
                    }
                }
            }
        }
        out
    }

    async fn finish(self) -> Result<(), Problem> {
        if !self.base64 {
            return Ok(());
        }
        let lines = base64_lines(&self.kept);
        self.into.write(lines).await
    }
}

fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 20 + 8);
    for line in bytes.chunks(BASE64_LINE) {
        base64::engine::general_purpose::STANDARD.encode_string(line, &mut out);
        out.push_str("\r\n");
    }
    out.into_bytes()
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
                    parts: compose::part_numbers(draft.enclosures.len()),
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

    /// Puts a message together in a file.
    async fn prepare(&self, message: &Composed, purpose: Purpose) -> Result<Prepared, Problem> {
        let date = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() as i64);
        let owned = message.clone();
        // Sanitizing a long rich text takes a while.
        let skeleton =
            tokio::task::spawn_blocking(move || compose::skeleton(&owned, &purpose, date))
                .await
                .map_err(garbled)?
                .map_err(|what| Problem::new(ProblemKind::BadRequest, what))?;
        let file = tempfile::tempfile().map_err(|error| disk(&error))?;
        let mut writing = Writing {
            file: Arc::new(file.try_clone().map_err(|error| disk(&error))?),
            size: 0,
            eight_bit: false,
        };
        for piece in skeleton.pieces {
            match piece {
                Piece::Bytes(bytes) => writing.write(bytes).await?,
                Piece::Enclosure { index, base64 } => {
                    let enclosing = Enclosing {
                        into: &mut writing,
                        base64,
                        kept: Vec::new(),
                    };
                    self.enclose(&message.enclosures[index], enclosing).await?;
                }
            }
        }
        Ok(Prepared {
            file,
            size: writing.size,
            bcc: skeleton.bcc,
            parts: skeleton.parts,
            eight_bit: writing.eight_bit,
        })
    }

    /// Writes the bytes of an attachment, wherever they are.
    async fn enclose(&self, enclosure: &Enclosure, mut into: Enclosing<'_>) -> Result<(), Problem> {
        let gone = || {
            Problem::new(
                ProblemKind::NoSuchMessage,
                format!(
                    "The attachment {} is no longer there. Attach it again.",
                    enclosure.name
                ),
            )
        };
        let lost = |error: ImapError| match error {
            ImapError::NoSuchMessage | ImapError::UidValidity => gone(),
            error => error.to_problem(),
        };
        match &enclosure.source {
            Source::Upload(name) => {
                let upload = self.uploads.get(name).ok_or_else(gone)?;
                let mut at = 0;
                while at < upload.size() {
                    let piece = upload.read(at).await.map_err(|error| disk(&error))?;
                    if piece.is_empty() {
                        return Err(gone());
                    }
                    at += piece.len() as u64;
                    into.push(&piece).await?;
                }
            }
            Source::Message {
                mailbox,
                uidvalidity,
                uid,
            } => {
                let whole = Decoder::Identity;
                let pool = Arc::clone(&self.pool);
                let stream = PartStream::new(pool, mailbox, *uidvalidity, *uid, "", whole);
                copy(stream, &mut into).await.map_err(lost)??;
            }
            Source::Part {
                mailbox,
                uidvalidity,
                uid,
                part,
            } => {
                let pool = Arc::clone(&self.pool);
                let open = content::open_part(pool, mailbox, *uidvalidity, *uid, part);
                match open.await.map_err(lost)?.content {
                    PartContent::Whole(bytes) => into.push(&bytes).await?,
                    PartContent::Stream(stream) => {
                        copy(stream, &mut into).await.map_err(lost)??
                    }
                }
            }
        }
        into.finish().await
    }
}

async fn copy(
    mut stream: PartStream,
    into: &mut Enclosing<'_>,
) -> Result<Result<(), Problem>, ImapError> {
    while let Some(piece) = stream.next().await? {
        if let Err(problem) = into.push(&piece).await {
            return Ok(Err(problem));
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attached_message_has_whole_lines_however_it_is_cut() {
        let hostile = b"a\n.\r\nb\r.\rc\r\nd\n.\ne\0\r";
        let expected = b"a\r\n.\r\nb\r\n.\r\nc\r\nd\r\n.\r\ne";
        for cut in 0..hostile.len() {
            let mut writing = Writing {
                file: Arc::new(tempfile::tempfile().expect("a file")),
                size: 0,
                eight_bit: false,
            };
            let mut enclosing = Enclosing {
                into: &mut writing,
                base64: false,
                kept: Vec::new(),
            };
            let mut out = enclosing.whole_lines(&hostile[..cut]);
            out.extend(enclosing.whole_lines(&hostile[cut..]));
            assert_eq!(out, expected, "cut at {cut}");
        }
    }

    #[test]
    fn base64_lines_are_76_characters() {
        let lines = super::base64_lines(&[7; 100]);
        let text = String::from_utf8(lines).expect("ascii");
        let lengths: Vec<usize> = text.split_terminator("\r\n").map(str::len).collect();
        assert_eq!(lengths, [76, 60]);
    }
}
