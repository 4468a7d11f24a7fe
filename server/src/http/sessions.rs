//! Sessions: a random token in a cookie; what the gateway keeps is sealed with a key that only the token yields.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::gateway::DeviceId;
use crate::imap::Credentials;

/// How many sessions one gateway keeps.
const MAX_SESSIONS: usize = 100_000;

/// The sessions of one gateway, in memory.
#[derive(Debug)]
pub struct Sessions {
    idle_limit: Duration,
    session_limit: Duration,
    records: Mutex<HashMap<[u8; 32], Record>>,
}

#[derive(Debug)]
struct Record {
    /// Sealed with a key derived from the token, which is not stored.
    sealed: Vec<u8>,
    created: Instant,
    used: Instant,
    /// The devices attached through this session.
    devices: Vec<DeviceId>,
}

/// An open session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Names the record without opening it.
    pub id: [u8; 32],
    pub credentials: Credentials,
    /// An opaque name for the account, part of its content URLs.
    pub account: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    username: String,
    password: String,
}

impl Sessions {
    pub fn new(idle_limit: Duration, session_limit: Duration) -> Self {
        Self {
            idle_limit,
            session_limit,
            records: Mutex::default(),
        }
    }

    /// Starts a session and returns its token.
    pub fn create(&self, credentials: &Credentials) -> Result<String, ring::error::Unspecified> {
        let mut token = [0; 32];
        SystemRandom::new().fill(&mut token)?;
        let mut sealed = postcard::to_stdvec(&Sealed {
            username: credentials.username.clone(),
            password: credentials.password.clone(),
        })
        .map_err(|_| ring::error::Unspecified)?;
        let id = derive(b"id", &token);
        cipher(&token)?.seal_in_place_append_tag(nonce(), Aad::from(id), &mut sealed)?;
        let now = Instant::now();
        let mut records = self.lock();
        if records.len() >= MAX_SESSIONS {
            records.retain(|_, record| self.is_alive(record, now));
        }
        if records.len() >= MAX_SESSIONS {
            return Err(ring::error::Unspecified);
        }
        records.insert(
            id,
            Record {
                sealed,
                created: now,
                used: now,
                devices: Vec::new(),
            },
        );
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// Opens the session of a token, if there is one and it has not expired.
    pub fn open(&self, token: &str) -> Option<Session> {
        let token: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let id = derive(b"id", &token);
        let now = Instant::now();
        let mut records = self.lock();
        let record = records.get_mut(&id)?;
        if !self.is_alive(record, now) {
            records.remove(&id);
            return None;
        }
        record.used = now;
        let mut sealed = record.sealed.clone();
        drop(records);
        let opened = cipher(&token)
            .ok()?
            .open_in_place(nonce(), Aad::from(id), &mut sealed)
            .ok()?;
        let Sealed { username, password } = postcard::from_bytes(opened).ok()?;
        Some(Session {
            id,
            account: account_name(&username),
            credentials: Credentials { username, password },
        })
    }

    /// Whether a session still lives; also marks it as used.
    pub fn touch(&self, id: &[u8; 32]) -> bool {
        let now = Instant::now();
        let mut records = self.lock();
        match records.get_mut(id) {
            Some(record) if self.is_alive(record, now) => {
                record.used = now;
                true
            }
            _ => false,
        }
    }

    /// Notes that a device is attached through a session; false when the session ended meanwhile.
    pub fn attach(&self, id: &[u8; 32], device: DeviceId) -> bool {
        let mut records = self.lock();
        let record = records.get_mut(id);
        let known = record.is_some();
        if let Some(record) = record {
            record.devices.push(device);
        }
        known
    }

    /// Notes that it is no longer.
    pub fn detach(&self, id: &[u8; 32], device: DeviceId) {
        if let Some(record) = self.lock().get_mut(id) {
            record.devices.retain(|&attached| attached != device);
        }
    }

    /// Ends a session and returns the devices attached through it.
    pub fn end(&self, id: &[u8; 32]) -> Vec<DeviceId> {
        self.lock()
            .remove(id)
            .map(|record| record.devices)
            .unwrap_or_default()
    }

    fn is_alive(&self, record: &Record, now: Instant) -> bool {
        now.duration_since(record.used) < self.idle_limit
            && now.duration_since(record.created) < self.session_limit
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn derive(purpose: &[u8], token: &[u8; 32]) -> [u8; 32] {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, token);
    let mut out = [0; 32];
    out.copy_from_slice(ring::hmac::sign(&key, purpose).as_ref());
    out
}

fn cipher(token: &[u8; 32]) -> Result<LessSafeKey, ring::error::Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(
        &CHACHA20_POLY1305,
        &derive(b"seal", token),
    )?))
}

/// Each key seals one record once, so the nonce may be fixed.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// The same for all sessions of a user name, and no way back to it.
fn account_name(username: &str) -> String {
    let digest = ring::digest::digest(
        &ring::digest::SHA256,
        format!("roost account {username}").as_bytes(),
    );
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            username: "alice".to_owned(),
            password: "correct horse".to_owned(),
        }
    }

    #[test]
    fn a_stolen_store_opens_nothing() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(60));
        let token = sessions.create(&credentials()).expect("created");
        let store = format!("{:?}", sessions.lock());
        assert!(!store.contains("alice") && !store.contains("horse"));
        assert_eq!(
            sessions.open(&token).expect("open").credentials,
            credentials()
        );
        assert!(sessions.open(&URL_SAFE_NO_PAD.encode([7; 32])).is_none());
        assert!(sessions.open("not a token").is_none());
    }

    #[test]
    fn sessions_end() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(60));
        let token = sessions.create(&credentials()).expect("created");
        let id = sessions.open(&token).expect("open").id;
        assert!(sessions.attach(&id, 7));
        assert_eq!(sessions.end(&id), [7]);
        assert!(!sessions.attach(&id, 8), "it ended");
        assert!(sessions.open(&token).is_none());
        let expired = Sessions::new(Duration::ZERO, Duration::from_secs(60));
        let token = expired.create(&credentials()).expect("created");
        assert!(expired.open(&token).is_none());
    }
}
