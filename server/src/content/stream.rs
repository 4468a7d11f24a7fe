//! A part of a message on the mail server, decoded slice by slice.

use std::sync::Arc;

use bytes::Bytes;

use super::{Decoder, RawMessage};
use crate::imap::{self, ImapError, MAX_RAW, Pool, Priority};

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

/// A part with what its message says of it.
#[derive(Debug)]
pub struct OpenPart {
    pub name: String,
    /// In lower case, such as `image/png`.
    pub media_type: String,
    pub content: PartContent,
}

/// Where a part's bytes are.
#[derive(Debug)]
pub enum PartContent {
    Stream(PartStream),
    /// Cut out of the whole message, because the mail server could not describe it.
    Whole(Vec<u8>),
}

/// Opens an attachment by its number, as [`roost_wire::Attachment::part`] has it.
pub async fn open_part(
    pool: Arc<Pool>,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
    number: &str,
) -> Result<OpenPart, ImapError> {
    let mut lease = pool.acquire(Priority::Interactive, Some(mailbox)).await?;
    let envelope = imap::envelope(&mut lease, mailbox, uidvalidity, uid).await?;
    // The whole message is read into memory: only where there is no other way.
    if let (Some(index), None) = (number.strip_prefix("raw:"), &envelope.structure) {
        let index: u32 = index
            .parse()
            .map_err(|_| ImapError::Argument("a malformed part number"))?;
        let raw = imap::part(&mut lease, mailbox, uidvalidity, uid, "", MAX_RAW).await?;
        drop(lease);
        let found = tokio::task::spawn_blocking(move || RawMessage::parse(&raw)?.attachment(index))
            .await
            .ok()
            .flatten();
        let (name, media_type, bytes) = found.ok_or(ImapError::NoSuchMessage)?;
        return Ok(OpenPart {
            name,
            media_type,
            content: PartContent::Whole(bytes),
        });
    }
    drop(lease);
    let part = envelope
        .structure
        .iter()
        .flat_map(|structure| structure.parts())
        .find(|part| part.number == number)
        .ok_or(ImapError::NoSuchMessage)?;
    let decoder = Decoder::new(&part.encoding);
    Ok(OpenPart {
        name: part.attachment().name,
        media_type: part.media_type.clone(),
        content: PartContent::Stream(PartStream::new(
            pool,
            mailbox,
            uidvalidity,
            uid,
            number,
            decoder,
        )),
    })
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
