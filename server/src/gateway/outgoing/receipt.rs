//! The receipt that a message asks for (RFC 8098): sent when a person says so, and once, whichever device is asked.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Header;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use mail_parser::MessageParser;
use roost_wire::{Address, Outcome, Problem, ProblemKind};

use super::later::Place;
use super::message::disk;
use super::{Applied, Desk, no_server};
use crate::content::compose::{is_address, is_message_id, one_line, random_name, wire_address};
use crate::imap::{self, Priority};

/// Set once the person has answered, so that no device asks again (RFC 3503).
const ANSWERED: &str = "$MDNSent";

/// What a receipt says of the message it is for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// Who is told.
    to: String,
    /// Without angle brackets.
    message_id: Option<String>,
    subject: String,
}

impl Desk {
    /// Sends the receipt that a message asks for.
    pub(super) async fn send_receipt(
        &self,
        place: Place<'_>,
        from: &Address,
    ) -> Result<Applied, Outcome> {
        let refused = |why: &str| Outcome::Rejected(Problem::new(ProblemKind::BadRequest, why));
        if self.post.endpoint.is_none() {
            return Err(no_server());
        }
        if !is_address(&from.email) {
            return Err(refused("an address that is not one"));
        }
        let told = |error: imap::ImapError| Outcome::Rejected(error.to_problem());
        let mut lease = self
            .pool
            .acquire(Priority::Interactive, Some(place.mailbox))
            .await
            .map_err(told)?;
        let envelope = imap::envelope(&mut lease, place.mailbox, place.uidvalidity, place.uid)
            .await
            .map_err(told)?;
        let asked = asked(&envelope.header)
            .ok_or_else(|| refused("The message asks for no receipt that could be sent."))?;
        let bytes = receipt(&asked, from).map_err(refused)?;
        let Place {
            mailbox,
            uidvalidity,
            uid,
        } = place;
        let done = Applied {
            touched: vec![mailbox.to_owned()],
            ..Applied::default()
        };
        let first = imap::claim(&mut lease, mailbox, uidvalidity, uid, ANSWERED)
            .await
            .map_err(told)?;
        drop(lease);
        if !first {
            return Ok(done);
        }
        let mut writing = self
            .writing()
            .map_err(|error| Outcome::Rejected(disk(&error)))?;
        let submitted = async {
            writing.write(bytes).await.map_err(Outcome::Rejected)?;
            let prepared = writing
                .finish(Vec::new(), Vec::new())
                .map_err(|error| Outcome::Rejected(disk(&error)))?;
            // RFC 8098, section 3: from nobody, so that nothing comes back to it.
            self.submit_as("", &[asked.to], &prepared, None).await
        };
        match submitted.await {
            Ok(_) => Ok(done),
            Err(Outcome::Unknown) => Err(Outcome::Unknown),
            Err(outcome) => {
                self.release(place, &[ANSWERED], &[]).await;
                Err(outcome)
            }
        }
    }
}

/// What a header asks for; `None` where it asks for nothing that can be answered.
fn asked(header: &[u8]) -> Option<Asked> {
    let parsed = MessageParser::default().parse_headers(header)?;
    let value = parsed
        .headers_raw()
        .find(|(name, _)| name.eq_ignore_ascii_case("Disposition-Notification-To"))?
        .1;
    // Read as the addresses that it is (RFC 8098, section 2.1).
    let field = format!("To: {}\r\n\r\n", one_line(value));
    let addresses = MessageParser::default().parse_headers(field.as_bytes())?;
    let to = addresses.to()?.first()?.address()?.to_owned();
    let to = wire_address(&to).into_owned();
    is_address(&to).then(|| Asked {
        to,
        message_id: parsed
            .message_id()
            .filter(|id| is_message_id(id))
            .map(str::to_owned),
        subject: one_line(parsed.subject().unwrap_or_default())
            .chars()
            .take(500)
            .collect(),
    })
}

/// The receipt as a message, with CRLF line ends.
fn receipt(asked: &Asked, from: &Address) -> Result<Vec<u8>, &'static str> {
    let own = wire_address(&from.email).into_owned();
    let name = one_line(&from.name);
    let domain = own.rsplit_once('@').map_or("", |(_, domain)| domain);
    let mut fields = format!("Reporting-UA: Roost\r\nFinal-Recipient: rfc822;{own}\r\n");
    if let Some(id) = &asked.message_id {
        fields.push_str(&format!("Original-Message-ID: <{id}>\r\n"));
    }
    fields.push_str("Disposition: manual-action/MDN-sent-manually; displayed\r\n");
    let text = format!(
        "The message \"{}\" was shown to {own}.\r\n\r\nThis says neither that it was read nor that it was understood.\r\n",
        asked.subject
    );
    let body = MimePart::new(
        ContentType::new("multipart/report").attribute("report-type", "disposition-notification"),
        vec![
            MimePart::new("text/plain", text),
            MimePart::new(
                "message/disposition-notification",
                BodyPart::Binary(fields.into_bytes().into()),
            )
            .transfer_encoding("7bit"),
        ],
    );
    let mut builder = MessageBuilder::new()
        .message_id(format!("{}.receipt@{domain}", random_name()?))
        .from(Header::new_address(
            (!name.is_empty()).then_some(name),
            own.clone(),
        ))
        .to(Header::new_address(None::<String>, asked.to.clone()))
        .subject(format!("Read: {}", asked.subject))
        .header("Auto-Submitted", Raw::new("auto-replied"));
    if let Some(id) = &asked.message_id {
        builder = builder
            .in_reply_to(MessageId::new(id.clone()))
            .references(MessageId::new(id.clone()));
    }
    let mut bytes = Vec::new();
    builder.body(body).serialize(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_answered_is() {
        let header = |value: &str| {
            format!(
                "From: a@b.example\r\nMessage-ID: <x@b.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n{value}\r\n"
            )
        };
        let found = asked(header("Disposition-Notification-To: A B <ab@c.example>\r\n").as_bytes());
        assert_eq!(
            found,
            Some(Asked {
                to: "ab@c.example".to_owned(),
                message_id: Some("x@b.example".to_owned()),
                subject: "Grüße".to_owned(),
            })
        );
        for bad in [
            "",
            "Disposition-Notification-To: nobody\r\n",
            "Disposition-Notification-To: \r\n",
            "Disposition-Notification-To: \"a b\"@c.example\r\n",
        ] {
            assert_eq!(asked(header(bad).as_bytes()), None, "{bad}");
        }
    }
}
