//! A part of a message on the mail server, decoded slice by slice.

use std::sync::Arc;

use bytes::Bytes;

use super::Decoder;
use crate::imap::{self, ImapError, Pool, Priority};

/// A part on its way. A connection is borrowed for each slice only, so that a slow reader holds none.
#[derive(Debug)]
pub struct PartStream {
    pool: Arc<Pool>,
    mailbox: String,
    uidvalidity: u32,
    uid: u32,
    number: String,
    decoder: Decoder,
    offset: u64,
    done: bool,
}

impl PartStream {
    /// `number` is empty for the whole message.
    pub fn new(
        pool: Arc<Pool>,
        mailbox: &str,
        uidvalidity: u32,
        uid: u32,
        number: &str,
        decoder: Decoder,
    ) -> Self {
        Self {
            pool,
            mailbox: mailbox.to_owned(),
            uidvalidity,
            uid,
            number: number.to_owned(),
            decoder,
            offset: 0,
            done: false,
        }
    }

    /// The next piece, `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ImapError> {
        if self.done {
            return Ok(None);
        }
        let slice = self.slice().await.inspect_err(|_| self.done = true)?;
        self.offset += slice.len() as u64;
        let mut decoded = self.decoder.push(&slice);
        if (slice.len() as u64) < imap::SLICE {
            self.done = true;
            decoded.extend(self.decoder.finish());
        }
        Ok(Some(Bytes::from(decoded)))
    }

    async fn slice(&self) -> Result<Bytes, ImapError> {
        let mut lease = self
            .pool
            .acquire(Priority::Background, Some(&self.mailbox))
            .await?;
        imap::slice(
            &mut lease,
            &self.mailbox,
            self.uidvalidity,
            self.uid,
            &self.number,
            self.offset,
        )
        .await
    }
}
