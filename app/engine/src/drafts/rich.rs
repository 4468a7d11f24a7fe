//! Rich text: made from text, quoted, and its pictures. Everything in here is either escaped or comes from the gateway's
//! sanitizer; the gateway sanitizes it once more when it is saved or sent.

use roost_wire::{Body, Composed, Enclosure, Source};

use super::quote;
use crate::ContentAddress;

/// What an empty line is.
const EMPTY: &str = "<div dir=\"auto\"><br></div>";
/// Quotations in text deeper than this are shown as this deep.
const MAX_DEPTH: usize = 30;

/// Text as a fragment: a block a line, quotations as such (RFC 3676, section 4.5).
pub fn html_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut open = 0;
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        let (depth, line) = depth_of(line);
        while open < depth {
            out.push_str("<blockquote>");
            open += 1;
        }
        while open > depth {
            out.push_str("</blockquote>");
            open -= 1;
        }
        if line.is_empty() {
            out.push_str(EMPTY);
        } else {
            out.push_str("<div dir=\"auto\">");
            escape(line, &mut out);
            out.push_str("</div>");
        }
    }
    out.push_str(&"</blockquote>".repeat(open));
    out
}

/// How deep a line is quoted, and the line.
fn depth_of(line: &str) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line;
    while let Some(inner) = rest.strip_prefix('>') {
        depth += 1;
        rest = inner
            .strip_prefix(' ')
            .filter(|inner| inner.starts_with('>'))
            .unwrap_or(inner);
    }
    let rest = if depth > 0 {
        rest.strip_prefix(' ').unwrap_or(rest)
    } else {
        rest
    };
    (depth.min(MAX_DEPTH), rest)
}

fn escape(text: &str, out: &mut String) {
    let mut before = ' ';
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Spaces side by side would become one, and one at the end none.
            ' ' if before == ' ' || rest.as_str().is_empty() => out.push_str("&nbsp;"),
            c => out.push(c),
        }
        before = c;
    }
}

/// What is quoted of a message, as rich text, and the pictures that it shows.
pub fn quoted(body: &Body, address: &ContentAddress) -> (String, Vec<Enclosure>) {
    if body.kind != roost_wire::BodyKind::Html || body.html.len() > quote::MAX_QUOTE {
        return (html_of(&quote::text_of(&body.html)), Vec::new());
    }
    own_images(body, address)
}

/// Gives the message's own pictures names: what the gateway made addresses of becomes `cid:` again. Pictures that were
/// left out stay out.
fn own_images(body: &Body, address: &ContentAddress) -> (String, Vec<Enclosure>) {
    let mut out = String::with_capacity(body.html.len());
    let mut enclosures: Vec<Enclosure> = Vec::new();
    let mut rest = body.html.as_str();
    while let Some(at) = rest.find("<img") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = quote::tag_end(rest) else {
            break;
        };
        let tag = &rest[..=end];
        rest = &rest[end + 1..];
        let Some(source) = quote::attribute(tag, "src") else {
            continue;
        };
        if !source.starts_with("/api/") {
            out.push_str(tag);
            continue;
        }
        let part = source.rsplit_once("part=").map_or("", |(_, part)| part);
        let Some(image) = body.images.iter().find(|image| image.part == part) else {
            continue;
        };
        let id = format!(
            "{part}.{}.{}@roost.invalid",
            address.uid, address.uidvalidity
        );
        out.push_str(&tag.replace(source, &format!("cid:{id}")));
        if !enclosures
            .iter()
            .any(|known| known.content_id.as_ref() == Some(&id))
        {
            enclosures.push(Enclosure {
                name: image.name.clone(),
                media_type: image.media_type.clone(),
                size: image.size,
                source: Source::Part {
                    mailbox: address.mailbox.clone(),
                    uidvalidity: address.uidvalidity,
                    uid: address.uid,
                    part: image.part.clone(),
                },
                content_id: Some(id),
            });
        }
    }
    out.push_str(rest);
    (out, enclosures)
}

/// Whether there is anything in it that text cannot say.
pub fn is_formatted(html: &str) -> bool {
    const PLAIN: &[&str] = &["div", "p", "br", "blockquote"];
    html.split('<').skip(1).any(|tag| {
        let name = tag.trim_start_matches('/').split([' ', '>', '/']).next();
        !name.is_some_and(|name| PLAIN.contains(&name.to_ascii_lowercase().as_str()))
    })
}

/// Rich text brings its text along; text has no pictures in it.
pub fn complete(message: &mut Composed) {
    match &message.html {
        Some(html) => message.text = quote::alternative_of(html),
        None => message
            .enclosures
            .retain(|enclosure| enclosure.content_id.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_wire::{Attachment, BodyKind};

    #[test]
    fn text_becomes_blocks_and_quotations_and_nothing_else() {
        assert_eq!(
            html_of("a <b> & \"c\"\n\n> said\n> > before\nend\n"),
            "<div dir=\"auto\">a &lt;b&gt; &amp; &quot;c&quot;</div><div dir=\"auto\"><br></div>\
             <blockquote><div dir=\"auto\">said</div><blockquote><div dir=\"auto\">before</div></blockquote></blockquote>\
             <div dir=\"auto\">end</div>"
        );
        let text = "Hello\n\n> one\n>> two\n";
        assert_eq!(quote::text_of(&html_of(text)), text);
        assert!(!is_formatted(&html_of(text)));
        assert!(is_formatted("<div>a <b>b</b></div>"));
        assert!(is_formatted("<div><img src=\"cid:1\"></div>"));
    }

    #[test]
    fn a_quoted_message_brings_its_own_pictures_and_no_others() {
        let address = ContentAddress {
            account: "a".to_owned(),
            mailbox: "Tom & Co".to_owned(),
            uidvalidity: 3,
            uid: 7,
        };
        let mut body: Body = super::super::answer::tests::body();
        body.kind = BodyKind::Html;
        body.html = "<p>x<img src=\"/api/a/a/part?mailbox=Tom+%26+Co&amp;uidvalidity=3&amp;uid=7&amp;view=1&amp;part=1.2\" alt=\"L > R\">\
                     <img alt=\"left out\"><img src=\"/api/a/a/part?mailbox=X&amp;part=9\"></p>"
            .to_owned();
        body.images = vec![Attachment {
            part: "1.2".to_owned(),
            name: "logo.png".to_owned(),
            media_type: "image/png".to_owned(),
            size: 9,
        }];
        let (html, images) = quoted(&body, &address);
        assert_eq!(
            html,
            "<p>x<img src=\"cid:1.2.7.3@roost.invalid\" alt=\"L > R\"></p>"
        );
        assert_eq!(images.len(), 1);
        assert_eq!(
            images[0].content_id.as_deref(),
            Some("1.2.7.3@roost.invalid")
        );
    }
}
