//! Drafts in their mailbox: saved, replaced, discarded; one of each message, ever.

use std::time::Duration;

use roost_wire::{Composed, Mutation, MutationId, Problem, ProblemKind, Saved, UidSet};

use super::Desk;
use super::message::{Prepared, disk};
use crate::content::compose::{self, Purpose, SAVED_BY};
use crate::imap::{self, Applied, ImapError, Priority};

/// How long to wait before earlier copies of a draft are removed once more.
const REMOVE_AGAIN: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
];

impl Desk {
    pub(super) async fn save(
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
            // What can be created was not there.
            Err(problem) if problem.kind.may_be_missing() => {
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

    pub(super) async fn discard(
        &self,
        id: &str,
        mailbox: &str,
        to: String,
    ) -> Result<Applied, ImapError> {
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
    pub(super) async fn saved_by(
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

    pub(super) async fn remove_drafts(&self, drafts: &str, id: &str) -> bool {
        let _alone = self.drafts.lock().await;
        self.remove_earlier(drafts, id, None).await
    }

    /// Removes the copies of a message that are older than one, or all of them. The line may break in the middle of it:
    /// a copy that stays would be a second draft, so this is tried several times. `false` where one may be left; the
    /// next save tries again.
    pub(super) async fn remove_earlier(&self, mailbox: &str, id: &str, than: Option<u32>) -> bool {
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
}
