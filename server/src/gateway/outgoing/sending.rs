//! A message handed to the submission server, and what is known of it where that is in doubt.

use std::time::Duration;

use roost_wire::{Composed, MAX_HOLD, Outcome, Problem, ProblemKind};
use tokio::sync::oneshot;

use super::message::Prepared;
use super::{Desk, no_server, recipients_of};
use crate::content::compose::{self, Purpose, wire_address};
use crate::imap::{self, Applied, ImapError, Priority};
use crate::smtp::{self, Submission, SubmitError, Submitted};

/// How much of a copy in Sent is read to see whether it is the message that is to be sent: the longest text, encoded.
const MAX_COMPARED: u64 = 3 * roost_wire::MAX_TEXT as u64 + 64 * 1024;

impl Desk {
    pub(super) async fn send(
        &self,
        message: &Composed,
        hold: u32,
        drafts: &str,
        sent: Option<&str>,
        mut taken_back: oneshot::Receiver<()>,
        remark: impl Fn(String),
    ) -> Result<Applied, Outcome> {
        let rejected = Outcome::Rejected;
        if self.post.endpoint.is_none() {
            return Err(no_server());
        }
        if recipients_of(message).is_empty() {
            return Err(rejected(Problem::new(
                ProblemKind::BadRequest,
                "The message has no recipient.",
            )));
        }
        // Another device may have sent the same draft through another gateway. A look that fails is no reason to wait.
        if let Some(sent) = sent
            && let Ok(true) = self.is_in(sent, &message.id).await
        {
            return self.sent_before(message, drafts, Some(sent)).await;
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
        self.submit(message, &prepared, &remark).await?;
        self.forget_uploads(message);
        Ok(self
            .after_sending(message, &prepared, drafts, sent, remark)
            .await)
    }

    /// Hands a message over to the submission server.
    pub(super) async fn submit(
        &self,
        message: &Composed,
        prepared: &Prepared,
        remark: &impl Fn(String),
    ) -> Result<(), Outcome> {
        let from = wire_address(&message.from.email).into_owned();
        let notify = message.delivery.then_some(message.id.as_str());
        let submitted = self
            .submit_as(&from, &recipients_of(message), prepared, notify)
            .await?;
        if submitted.without_notice {
            remark(
                "The message was sent. The mail server cannot tell when it is delivered."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// [`Self::submit`] from and to these addresses. An empty sender is the null one (RFC 5321, section 4.5.5).
    pub(super) async fn submit_as(
        &self,
        from: &str,
        recipients: &[String],
        prepared: &Prepared,
        notify: Option<&str>,
    ) -> Result<Submitted, Outcome> {
        let Some(endpoint) = &self.post.endpoint else {
            return Err(no_server());
        };
        // What comes back from a mailbox was written by Roost once; it is not taken on trust.
        let senders = (!from.is_empty()).then_some(from);
        if recipients.is_empty()
            || !senders
                .into_iter()
                .chain(recipients.iter().map(String::as_str))
                .all(compose::is_address)
        {
            return Err(Outcome::Rejected(Problem::new(
                ProblemKind::BadRequest,
                "an address that is not one",
            )));
        }
        let submission = Submission {
            from,
            recipients,
            file: &prepared.file,
            size: prepared.size,
            eight_bit: prepared.eight_bit,
            notify,
        };
        let _place = self.post.submitting.acquire().await;
        match smtp::submit(
            endpoint,
            self.pool.credentials(),
            &submission,
            &self.post.limit,
        )
        .await
        {
            Ok(submitted) => Ok(submitted),
            Err(SubmitError::NotSent(problem)) => Err(Outcome::Rejected(problem)),
            Err(SubmitError::Unknown) => Err(Outcome::Unknown),
        }
    }

    /// A message that another gateway, or this one before it restarted, was asked to send: it is sent if its copy is
    /// there, and what was left to do then is done; otherwise nobody knows.
    pub(super) async fn look_for(
        &self,
        message: &Composed,
        drafts: &str,
        sent: Option<&str>,
    ) -> Result<Applied, Outcome> {
        let sent = sent.unwrap_or("Sent");
        match self.is_in(sent, &message.id).await {
            Ok(true) => self.sent_before(message, drafts, Some(sent)).await,
            _ => Err(Outcome::Unknown),
        }
    }

    /// Whether a mailbox has a message with this Message-ID.
    pub(super) async fn is_in(&self, mailbox: &str, id: &str) -> Result<bool, ImapError> {
        if !compose::is_message_id(id) {
            return Err(ImapError::Argument("a malformed Message-ID"));
        }
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(mailbox))
            .await?;
        let (_, found) = imap::find(&mut lease, mailbox, id).await?;
        Ok(!found.is_empty())
    }

    /// The message was sent before: what may have been left to do then is done. Where somebody wrote on since, on another
    /// device, this is not what was sent: it is refused, and kept.
    pub(super) async fn sent_before(
        &self,
        message: &Composed,
        drafts: &str,
        sent: Option<&str>,
    ) -> Result<Applied, Outcome> {
        if let Some(sent) = sent
            && self
                .says_more_than_copy(message, sent)
                .await
                // It was sent: whatever else it is called, it must not go again by itself.
                .map_err(|_| Outcome::Unknown)?
        {
            return Err(Outcome::Rejected(Problem::new(ProblemKind::Conflict, "")));
        }
        Ok(self.clear_up(message, drafts, sent).await)
    }

    /// Whether a message has words, recipients or attachments that its copy in Sent has not. `false` without a copy.
    async fn says_more_than_copy(&self, message: &Composed, sent: &str) -> Result<bool, ImapError> {
        let mut lease = self.pool.acquire(Priority::Interactive, Some(sent)).await?;
        let (uidvalidity, found) = imap::find(&mut lease, sent, &message.id).await?;
        let Some(uid) = found.iter().next_back() else {
            return Ok(false);
        };
        let structure = imap::envelope(&mut lease, sent, uidvalidity, uid)
            .await?
            .structure;
        let raw = imap::part(&mut lease, sent, uidvalidity, uid, "", MAX_COMPARED).await?;
        let attached = structure.map(|structure| {
            let parts = structure.parts();
            parts.into_iter().filter(|part| part.attached).count()
        });
        let more = attached.is_some_and(|attached| attached < compose::attachments(message));
        Ok(more || !compose::has_all(&raw, message))
    }

    /// What is left to do once a message is known to have been sent.
    pub(super) async fn clear_up(
        &self,
        message: &Composed,
        drafts: &str,
        sent: Option<&str>,
    ) -> Applied {
        let mut touched: Vec<String> = sent.map(str::to_owned).into_iter().collect();
        touched.extend(self.mark_origin(message).await);
        if self.remove_drafts(drafts, &message.id).await {
            touched.push(drafts.to_owned());
        }
        Applied {
            touched,
            ..Applied::default()
        }
    }
}
