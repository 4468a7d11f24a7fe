//! Attachments a device has uploaded for a message being written. Each is a file without a name: it goes with the
//! account's task, and when the gateway ends, however it ends.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::rand::{SecureRandom as _, SystemRandom};

/// How many uploads one account may have.
const MAX_UPLOADS: usize = 300;
/// How many bytes they may have together.
const MAX_TOTAL: u64 = 400 * 1024 * 1024;
/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// The uploads of one account.
#[derive(Debug, Default)]
pub struct Uploads {
    kept: Mutex<HashMap<String, Upload>>,
}

/// A finished upload.
#[derive(Debug, Clone)]
pub struct Upload {
    file: Arc<File>,
    pub size: u64,
}

/// An upload under way.
#[derive(Debug)]
pub struct Receiving {
    file: Arc<File>,
    size: u64,
    room: u64,
}

/// Why an upload was refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("there is no room for more attachments: send or discard some messages first")]
    Full,
    #[error("the gateway's disk: {0}")]
    Io(#[from] io::Error),
}

impl Uploads {
    /// Begins to receive one.
    pub fn begin(&self) -> Result<Receiving, UploadError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let used: u64 = kept.values().map(|upload| upload.size).sum();
        if kept.len() >= MAX_UPLOADS || used >= MAX_TOTAL {
            return Err(UploadError::Full);
        }
        Ok(Receiving {
            file: Arc::new(tempfile::tempfile()?),
            size: 0,
            room: MAX_TOTAL - used,
        })
    }

    /// Keeps one that is complete and names it.
    pub fn finish(&self, received: Receiving) -> Result<String, UploadError> {
        let mut random = [0; 16];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| io::Error::other("no random numbers"))?;
        let name = URL_SAFE_NO_PAD.encode(random);
        let upload = Upload {
            file: received.file,
            size: received.size,
        };
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone(), upload);
        Ok(name)
    }

    pub fn get(&self, name: &str) -> Option<Upload> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Forgets one, once its bytes are in a draft or sent.
    pub fn forget(&self, name: &str) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }
}

impl Receiving {
    /// Writes the next piece.
    pub async fn push(&mut self, piece: Bytes) -> Result<(), UploadError> {
        let (file, at) = (Arc::clone(&self.file), self.size);
        self.size += piece.len() as u64;
        if self.size > self.room {
            return Err(UploadError::Full);
        }
        tokio::task::spawn_blocking(move || file.write_all_at(&piece, at))
            .await
            .map_err(io::Error::other)??;
        Ok(())
    }

    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Upload {
    /// The bytes at an offset, at most [`PIECE`] of them; empty at the end.
    pub async fn read(&self, offset: u64) -> io::Result<Vec<u8>> {
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let count = file.read_at(&mut piece, offset)?;
            piece.truncate(count);
            Ok(piece)
        })
        .await
        .map_err(io::Error::other)?
    }
}
