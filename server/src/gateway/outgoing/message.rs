//! A message put together in a file without a name, byte for byte as it is sent.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use roost_wire::{Composed, Enclosure, Problem, ProblemKind, Source};
use tokio::io::AsyncReadExt as _;

use super::Desk;
use crate::content::compose::{self, Piece, Purpose};
use crate::content::{self, Decoder, PartContent, PartStream};
use crate::imap::ImapError;

/// The largest message that is put together, in bytes.
const MAX_MESSAGE: u64 = 256 * 1024 * 1024;
/// The most bytes of messages that one gateway puts together or holds at a time, all accounts together: they are files
/// on its disk.
const MAX_TOGETHER: u64 = 4 * 1024 * 1024 * 1024;
/// A line of base64: 57 bytes are 76 characters (RFC 2045, section 6.8).
const BASE64_LINE: usize = 57;

/// A message put together.
pub(super) struct Prepared {
    pub file: File,
    pub size: u64,
    /// The Bcc header of the copy.
    bcc: Vec<u8>,
    pub parts: Vec<String>,
    pub eight_bit: bool,
    /// Kept for as long as the file is.
    _room: Room,
}

/// A message's part of [`MAX_TOGETHER`].
struct Room {
    taken: Arc<AtomicU64>,
    own: u64,
}

impl Room {
    /// Takes more; `false` where there is none left.
    fn take(&mut self, more: u64) -> bool {
        let before = self.taken.fetch_add(more, Ordering::Relaxed);
        self.own += more;
        before + more <= MAX_TOGETHER
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.own, Ordering::Relaxed);
    }
}

impl Prepared {
    /// Bcc and message, as they are filed.
    pub fn copy(
        &self,
    ) -> std::io::Result<(impl tokio::io::AsyncRead + Send + Unpin + use<'_>, u64)> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let message = tokio::fs::File::from_std(file);
        let size = self.bcc.len() as u64 + self.size;
        Ok((self.bcc.as_slice().chain(message), size))
    }
}

/// The file a message is written into.
pub(super) struct Writing {
    file: Arc<File>,
    size: u64,
    eight_bit: bool,
    room: Room,
}

impl Writing {
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Problem> {
        self.eight_bit |= !bytes.is_ascii();
        let (file, at) = (Arc::clone(&self.file), self.size);
        self.size += bytes.len() as u64;
        if self.size > MAX_MESSAGE {
            return Err(Problem::new(
                ProblemKind::TooLarge,
                "The attachments are too large together.",
            ));
        }
        if !self.room.take(bytes.len() as u64) {
            return Err(Problem::new(
                ProblemKind::Busy,
                "The gateway has too many large messages to send at this moment.",
            ));
        }
        tokio::task::spawn_blocking(move || file.write_all_at(&bytes, at))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| disk(&error))
    }

    /// The message is whole. `bcc` goes in front of what is kept of it.
    pub fn finish(self, bcc: Vec<u8>, parts: Vec<String>) -> std::io::Result<Prepared> {
        Ok(Prepared {
            file: self.file.try_clone()?,
            size: self.size,
            bcc,
            parts,
            eight_bit: self.eight_bit,
            _room: self.room,
        })
    }
}

pub(super) fn disk(error: &std::io::Error) -> Problem {
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
    /// Puts a message together in a file.
    pub(super) async fn prepare(
        &self,
        message: &Composed,
        purpose: Purpose,
    ) -> Result<Prepared, Problem> {
        let date = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() as i64);
        self.prepare_at(message, purpose, date).await
    }

    /// [`Self::prepare`] with another date, in seconds since 1970-01-01 UTC.
    pub(super) async fn prepare_at(
        &self,
        message: &Composed,
        purpose: Purpose,
        date: i64,
    ) -> Result<Prepared, Problem> {
        let owned = message.clone();
        // Sanitizing a long rich text takes a while.
        let skeleton =
            tokio::task::spawn_blocking(move || compose::skeleton(&owned, &purpose, date))
                .await
                .map_err(garbled)?
                .map_err(|what| Problem::new(ProblemKind::BadRequest, what))?;
        let mut writing = self.writing().map_err(|error| disk(&error))?;
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
        writing
            .finish(skeleton.bcc, skeleton.parts)
            .map_err(|error| disk(&error))
    }

    /// An empty file for a message.
    pub(super) fn writing(&self) -> std::io::Result<Writing> {
        Ok(Writing {
            file: Arc::new(tempfile::tempfile()?),
            size: 0,
            eight_bit: false,
            room: Room {
                taken: Arc::clone(&self.post.room),
                own: 0,
            },
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
                room: Room {
                    taken: Arc::default(),
                    own: 0,
                },
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
    fn what_a_message_takes_is_given_back() {
        let taken = Arc::new(AtomicU64::new(0));
        let mut room = Room {
            taken: Arc::clone(&taken),
            own: 0,
        };
        assert!(room.take(MAX_TOGETHER));
        assert!(!room.take(1));
        drop(room);
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn base64_lines_are_76_characters() {
        let lines = super::base64_lines(&[7; 100]);
        let text = String::from_utf8(lines).expect("ascii");
        let lengths: Vec<usize> = text.split_terminator("\r\n").map(str::len).collect();
        assert_eq!(lengths, [76, 60]);
    }
}
