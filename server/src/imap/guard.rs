//! The reader between the mail server and `async-imap`: frames responses, bounds them, and keeps data away from
//! `imap-proto`.
//!
//! `imap-proto` closes the stream at the first line it does not know, overflows the stack on nested lists and buffers
//! what a server announces (see ARCHITECTURE.md, "Why untagged data goes around imap-proto"). So `async-imap` gets
//! only what it needs to run the dialogue: the greeting, continuation requests and tagged completions, rewritten to
//! their plainest form. Every response goes, as the server sent it, to the [`Inbox`], where our own tolerant parser
//! reads it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::value::literal_length;

/// The largest literal a server may announce. Large parts are asked for in slices smaller than this.
pub const MAX_LITERAL: usize = 1024 * 1024;
/// The largest response, literals included. A SEARCH without ESEARCH over a million messages has 7 MB.
pub const MAX_RESPONSE: usize = 16 * 1024 * 1024;
/// How much may wait in the inbox while one command runs.
pub const MAX_INBOX: usize = 32 * 1024 * 1024;
/// How many bytes are read at once.
const READ_SIZE: usize = 16 * 1024;

/// Responses as the server sent them, in order, waiting to be looked at.
#[derive(Debug, Default)]
pub struct Inbox {
    lines: Mutex<Lines>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    queue: VecDeque<Bytes>,
    bytes: usize,
}

impl Inbox {
    /// Takes everything that has come so far.
    pub fn take(&self) -> Vec<Bytes> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.bytes = 0;
        lines.queue.drain(..).collect()
    }

    pub fn is_empty(&self) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.queue.is_empty()
    }

    /// Waits until a response comes.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn push(&self, line: Bytes) -> io::Result<()> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.bytes += line.len();
        if lines.bytes > MAX_INBOX {
            return Err(garbled("the mail server sent too much at once"));
        }
        lines.queue.push_back(line);
        self.arrived.notify_one();
        Ok(())
    }
}

/// See the module's first lines.
#[derive(Debug)]
pub struct Guard<S> {
    inner: S,
    inbox: Arc<Inbox>,
    /// What came and is not framed yet.
    raw: BytesMut,
    /// Up to where `raw` is known to hold no end of response.
    scanned: usize,
    /// What `async-imap` may read.
    released: BytesMut,
    greeted: bool,
}

fn garbled(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl<S> Guard<S> {
    /// Guards a fresh connection; `greeted` tells that the greeting came already (before STARTTLS).
    pub fn new(inner: S, inbox: Arc<Inbox>, greeted: bool) -> Self {
        let mut released = BytesMut::new();
        if greeted {
            // `async-imap` has a new client for the secured stream, which waits for a greeting of its own.
            released.extend_from_slice(b"* OK secured\r\n");
        }
        Self {
            inner,
            inbox,
            raw: BytesMut::new(),
            scanned: 0,
            released,
            greeted,
        }
    }

    /// The stream underneath, for STARTTLS. Fails when the server already sent more: those bytes came in plain text
    /// and must not be taken for secured ones (CVE-2011-0411).
    pub fn into_inner(self) -> io::Result<S> {
        if self.raw.is_empty() {
            Ok(self.inner)
        } else {
            Err(garbled("the mail server sent data after STARTTLS"))
        }
    }

    /// Cuts one whole response off `raw`, if there is one.
    fn frame(&mut self) -> io::Result<Option<Bytes>> {
        let data = is_data(&self.raw);
        loop {
            let Some(newline) = self.raw[self.scanned..].iter().position(|&b| b == b'\n') else {
                if self.raw.len() > MAX_RESPONSE {
                    return Err(garbled("the mail server sent an endless line"));
                }
                self.scanned = self.raw.len();
                return Ok(None);
            };
            let line_end = self.scanned + newline + 1;
            // Only data responses have literals: the text of a status response may end in anything.
            let announced = if data {
                literal_length(&self.raw[..line_end])
            } else {
                None
            };
            let Some(length) = announced else {
                let line = self.raw.split_to(line_end).freeze();
                self.scanned = 0;
                return Ok(Some(line));
            };
            if length > MAX_LITERAL || line_end + length > MAX_RESPONSE {
                return Err(garbled("the mail server announced too large a literal"));
            }
            if self.raw.len() < line_end + length {
                // Look at this line's end again when more has come.
                self.scanned = line_end - 1;
                return Ok(None);
            }
            self.scanned = line_end + length;
        }
    }

    /// Gives a response to the inbox and, where `async-imap` needs it, to `released`.
    fn dispatch(&mut self, line: &Bytes) -> io::Result<()> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match text {
            [] => {}
            // Without its text: `async-imap` would decode it as base64, and no mechanism used here has a challenge.
            [b'+', ..] => self.released.extend_from_slice(b"+ \r\n"),
            [b'*', b' ', rest @ ..] => {
                if !self.greeted {
                    self.greeted = true;
                    let greeting: &[u8] = match word(rest).to_ascii_uppercase().as_slice() {
                        b"OK" => b"* OK hello\r\n",
                        b"PREAUTH" => b"* PREAUTH hello\r\n",
                        b"BYE" => b"* BYE refused\r\n",
                        _ => return Err(garbled("the server's greeting is not IMAP")),
                    };
                    self.released.extend_from_slice(greeting);
                }
                self.inbox.push(line.slice(..text.len()))?;
            }
            _ => {
                let tag = word(text);
                let status = word(text.get(tag.len() + 1..).unwrap_or_default());
                let plain = match status.to_ascii_uppercase().as_slice() {
                    b"OK" => "OK",
                    b"NO" => "NO",
                    b"BAD" => "BAD",
                    _ => return Err(garbled("the mail server does not speak IMAP")),
                };
                if !self.greeted || !tag.iter().all(u8::is_ascii_alphanumeric) {
                    return Err(garbled("the mail server does not speak IMAP"));
                }
                self.inbox.push(line.slice(..text.len()))?;
                self.released.extend_from_slice(tag);
                self.released
                    .extend_from_slice(format!(" {plain} completed\r\n").as_bytes());
            }
        }
        Ok(())
    }
}

/// The first word of a line.
fn word(line: &[u8]) -> &[u8] {
    line.split(|&b| b == b' ').next().unwrap_or_default()
}

/// Whether a response carries data rather than a status with free text.
fn is_data(raw: &[u8]) -> bool {
    let Some(rest) = raw.strip_prefix(b"* ") else {
        return false;
    };
    let end = rest
        .iter()
        .position(|b| b" \r\n".contains(b))
        .unwrap_or(rest.len());
    !["OK", "NO", "BAD", "BYE", "PREAUTH"]
        .iter()
        .any(|status| rest[..end].eq_ignore_ascii_case(status.as_bytes()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.released.is_empty() {
                let length = this.released.len().min(out.remaining());
                out.put_slice(&this.released[..length]);
                this.released.advance(length);
                return Poll::Ready(Ok(()));
            }
            if let Some(line) = this.frame()? {
                this.dispatch(&line)?;
                continue;
            }
            let mut chunk = [0; READ_SIZE];
            let mut buffer = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.raw.extend_from_slice(buffer.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn feed(bytes: &[u8]) -> (io::Result<String>, Vec<Bytes>) {
        let inbox = Arc::new(Inbox::default());
        let mut guard = Guard::new(bytes, Arc::clone(&inbox), false);
        let mut released = String::new();
        let result = guard.read_to_string(&mut released).await;
        (result.map(|_| released), inbox.take())
    }

    #[tokio::test]
    async fn data_goes_around_and_status_is_made_plain() {
        let (released, inbox) = feed(
            b"* OK [ALERT] \xc3\xa9t\xc3\xa9\r\n* 1 FETCH (X {5}\r\na\r\nOK Y)\r\nA1 OK [WEIRD (x] fine {5}\r\n+ go\r\n",
        )
        .await;
        assert_eq!(
            released.expect("readable"),
            "* OK hello\r\nA1 OK completed\r\n+ \r\n"
        );
        assert_eq!(inbox[1], "* 1 FETCH (X {5}\r\na\r\nOK Y)");
        assert_eq!(inbox[2], "A1 OK [WEIRD (x] fine {5}");
    }

    #[tokio::test]
    async fn a_huge_literal_is_refused_before_it_is_read() {
        let (released, _) = feed(b"* OK hi\r\n* 1 FETCH (BODY[] {4294967296}\r\n").await;
        assert_eq!(
            released.expect_err("refused").kind(),
            io::ErrorKind::InvalidData
        );
    }

    #[tokio::test]
    async fn something_else_than_imap_is_refused() {
        for bytes in [
            &b"SSH-2.0-OpenSSH\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\n",
            b"* HELLO\r\n",
            b"220 smtp ESMTP\r\n",
        ] {
            assert!(feed(bytes).await.0.is_err());
        }
    }
}
