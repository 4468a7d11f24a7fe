//! Attachments a device has uploaded for a message being written. Each is a file without a name: it goes with the
//! account's task, and when the gateway ends, however it ends.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::rand::{SecureRandom as _, SystemRandom};

/// How many uploads one account may have.
const MAX_UPLOADS: usize = 300;
/// How many bytes they may have together, finished or not.
const MAX_TOTAL: u64 = 400 * 1024 * 1024;
/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// The uploads of one account.
#[derive(Debug, Default)]
pub struct Uploads {
    finished: Mutex<HashMap<String, Upload>>,
    /// The bytes of all of them.
    total: Arc<AtomicU64>,
}

/// A file and its share of the total, which it gives back when nobody needs it any more.
#[derive(Debug)]
struct Kept {
    file: File,
    size: AtomicU64,
    total: Arc<AtomicU64>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.total
            .fetch_sub(self.size.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A finished upload.
#[derive(Debug, Clone)]
pub struct Upload(Arc<Kept>);

/// An upload under way.
#[derive(Debug)]
pub struct Receiving {
    kept: Arc<Kept>,
    /// The most bytes it may have.
    most: u64,
}

/// Why an upload was refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("there is no room for more attachments: send or discard some messages first")]
    Full,
    /// Larger than any attachment that could be sent; how many bytes those have.
    #[error("no attachment of more than {0} bytes can be sent")]
    TooLarge(u64),
    #[error("the gateway's disk: {0}")]
    Io(#[from] io::Error),
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to receive one, of at most so many bytes.
    pub fn begin(&self, most: Option<u64>) -> Result<Receiving, UploadError> {
        if self.lock().len() >= MAX_UPLOADS || self.total.load(Ordering::Relaxed) >= MAX_TOTAL {
            return Err(UploadError::Full);
        }
        Ok(Receiving {
            kept: Arc::new(Kept {
                file: tempfile::tempfile()?,
                size: AtomicU64::new(0),
                total: Arc::clone(&self.total),
            }),
            most: most.unwrap_or(MAX_TOTAL),
        })
    }

    /// Keeps one that is complete and names it.
    pub fn finish(&self, received: Receiving) -> Result<String, UploadError> {
        let mut random = [0; 16];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| io::Error::other("no random numbers"))?;
        let name = URL_SAFE_NO_PAD.encode(random);
        self.lock().insert(name.clone(), Upload(received.kept));
        Ok(name)
    }

    pub fn get(&self, name: &str) -> Option<Upload> {
        self.lock().get(name).cloned()
    }

    /// Forgets one, once its bytes are in a draft.
    pub fn forget(&self, name: &str) {
        self.lock().remove(name);
    }
}

impl Receiving {
    /// Writes the next piece.
    pub async fn push(&mut self, piece: Bytes) -> Result<(), UploadError> {
        let length = piece.len() as u64;
        let at = self.kept.size.fetch_add(length, Ordering::Relaxed);
        let full = self.kept.total.fetch_add(length, Ordering::Relaxed) + length > MAX_TOTAL;
        if at + length > self.most {
            return Err(UploadError::TooLarge(self.most));
        }
        if full {
            return Err(UploadError::Full);
        }
        let kept = Arc::clone(&self.kept);
        tokio::task::spawn_blocking(move || kept.file.write_all_at(&piece, at))
            .await
            .map_err(io::Error::other)??;
        Ok(())
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.kept.size.load(Ordering::Relaxed)
    }
}

impl Upload {
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.0.size.load(Ordering::Relaxed)
    }

    /// The bytes at an offset, at most [`PIECE`] of them; empty at the end.
    pub async fn read(&self, offset: u64) -> io::Result<Vec<u8>> {
        let kept = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let count = kept.file.read_at(&mut piece, offset)?;
            piece.truncate(count);
            Ok(piece)
        })
        .await
        .map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_uploads_together_are_bounded_and_give_their_room_back() {
        let uploads = Uploads::default();
        let piece = Bytes::from(vec![0; 1024 * 1024]);
        let mut receiving = uploads.begin(None).expect("room");
        receiving.push(piece.clone()).await.expect("room");
        let name = uploads.finish(receiving).expect("kept");
        assert_eq!(uploads.total.load(Ordering::Relaxed), 1024 * 1024);
        assert_eq!(uploads.get(&name).expect("kept").size(), 1024 * 1024);
        uploads.total.store(MAX_TOTAL, Ordering::Relaxed);
        assert!(matches!(uploads.begin(None), Err(UploadError::Full)));
        uploads.total.store(1024 * 1024, Ordering::Relaxed);
        uploads.forget(&name);
        assert_eq!(uploads.total.load(Ordering::Relaxed), 0);
        assert!(uploads.get(&name).is_none());
        let mut large = uploads.begin(Some(1_000_000)).expect("room");
        let refused = large.push(piece).await;
        assert!(matches!(refused, Err(UploadError::TooLarge(1_000_000))));
        drop(large);
        assert_eq!(uploads.total.load(Ordering::Relaxed), 0);
    }
}
