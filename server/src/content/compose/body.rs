//! The parts of a message: text, alternatives, images and attachments, each attachment with a hole for its bytes.

use std::borrow::Cow;
use std::collections::HashSet;

use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};
use roost_wire::{Composed, Enclosure, Source};

use super::{Piece, one_line};
use crate::content::html::Clean;

/// The part number of each attachment of a draft (RFC 9051, section 6.4.5).
pub fn part_numbers(message: &Composed) -> Vec<String> {
    let layout = Layout::of(message);
    // Attachments follow the text: the text is the first part, and its images follow it within its second alternative.
    let above = if layout.attached.is_empty() { "" } else { "1." };
    let place = |list: &[usize], index: usize| list.iter().position(|&other| other == index);
    (0..message.enclosures.len())
        .map(|index| match place(&layout.inline, index) {
            Some(place) => format!("{above}2.{}", place + 2),
            None => (place(&layout.attached, index).unwrap_or_default() + 2).to_string(),
        })
        .collect()
}

/// Where attachments stand, by their indexes: beside the rich text that shows them (`multipart/related`, RFC 2387), or
/// after the text (`multipart/mixed`).
pub(super) struct Layout {
    pub(super) inline: Vec<usize>,
    pub(super) attached: Vec<usize>,
}

impl Layout {
    pub(super) fn of(message: &Composed) -> Self {
        let (inline, attached) = (0..message.enclosures.len()).partition(|&index| {
            message.html.is_some() && message.enclosures[index].content_id.is_some()
        });
        Self { inline, attached }
    }

    /// What was taken out of the text is kept in a draft, so that it can be put back; it is not sent.
    pub(super) fn leave_out_unshown(&mut self, enclosures: &[Enclosure], shown: &HashSet<String>) {
        self.inline.retain(|&index| {
            let content_id = enclosures[index].content_id.as_ref();
            content_id.is_some_and(|content_id| shown.contains(content_id))
        });
    }
}

/// Text, alternatives, images and attachments, as far as there are any.
pub(super) fn body_of(
    message: &Composed,
    rich: Option<Clean>,
    layout: &Layout,
    hole: impl Fn(usize) -> String,
) -> MimePart<'static> {
    let around = |first: MimePart<'static>, subtype: &'static str, indexes: &[usize]| {
        if indexes.is_empty() {
            return first;
        }
        let parts = indexes
            .iter()
            .map(|&index| enclosed(&message.enclosures[index], subtype, hole(index)));
        MimePart::new(
            subtype,
            std::iter::once(first).chain(parts).collect::<Vec<_>>(),
        )
    };
    let mut text = MimePart::new("text/plain", with_crlf(&message.text));
    if let Some(Clean { html, .. }) = rich {
        let document = format!(
            "<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"></head><body>{}</body></html>\r\n",
            with_crlf(&html)
        );
        let rich = MimePart::new("text/html", document);
        let rich = around(rich, "multipart/related", &layout.inline);
        text = MimePart::new("multipart/alternative", vec![text, rich]);
    }
    around(text, "multipart/mixed", &layout.attached)
}

/// Line ends as mail has them; NUL is left out.
fn with_crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for line in text.replace("\r\n", "\n").split_inclusive(['\n', '\r']) {
        out.extend(line.chars().filter(|c| !matches!(c, '\n' | '\r' | '\0')));
        if line.ends_with(['\n', '\r']) {
            out.push_str("\r\n");
        }
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out
}

/// An attachment, with a hole for its bytes.
fn enclosed(enclosure: &Enclosure, within: &str, hole: String) -> MimePart<'static> {
    let name = one_line(&enclosure.name);
    let content_type =
        ContentType::new(enclosure.media_type.clone()).attribute("name", name.clone());
    let encoding = if is_message(enclosure) {
        "8bit"
    } else {
        "base64"
    };
    let part = MimePart::new(
        content_type,
        BodyPart::Binary(Cow::Owned(hole.into_bytes())),
    )
    .transfer_encoding(encoding);
    match &enclosure.content_id {
        Some(content_id) if within == "multipart/related" => part
            .header(
                "Content-Disposition",
                ContentType::new("inline").attribute("filename", name),
            )
            .cid(content_id.clone()),
        _ => part.attachment(name),
    }
}

/// RFC 2046, section 5.2.1: a message is never encoded.
fn is_message(enclosure: &Enclosure) -> bool {
    matches!(enclosure.source, Source::Message { .. }) || enclosure.media_type == "message/rfc822"
}

pub(super) fn cut(
    bytes: &[u8],
    enclosures: &[Enclosure],
    layout: &Layout,
    hole: impl Fn(usize) -> String,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for &index in layout.inline.iter().chain(&layout.attached) {
        let enclosure = &enclosures[index];
        let hole = hole(index).into_bytes();
        if let Some(at) = rest.windows(hole.len()).position(|window| window == hole) {
            pieces.push(Piece::Bytes(rest[..at].to_vec()));
            pieces.push(Piece::Enclosure {
                index,
                base64: !is_message(enclosure),
            });
            rest = &rest[at + hole.len()..];
        }
    }
    pieces.push(Piece::Bytes(rest.to_vec()));
    pieces
}
