//! Signatures: put into a message that is begun, and exchanged when the person writes it as somebody else.

use roost_wire::Composed;

use super::{quote, rich};
use crate::intent::{Identity, Style};

/// What stands above a message that is forwarded inline.
pub const FORWARDED: &str = "---------- Forwarded message ----------";

/// What is quoted, in the form that the message is written in.
#[derive(Default)]
pub struct Quoted {
    pub text: String,
    pub html: String,
}

impl Quoted {
    pub fn rich(html: String) -> Self {
        Self {
            html,
            ..Self::default()
        }
    }
}

/// Puts what the person wrote already, the signature and what is quoted in their order: the signature stands above what
/// is quoted, where it belongs to what the person writes (RFC 3676, section 4.3), or at the end.
pub fn sign(message: &mut Composed, identity: &Identity, quoted: &Quoted, style: Style) {
    if style.rich {
        let own = rich::html_of(&message.text);
        let signature = signature_html(identity).unwrap_or_default();
        let gap = if quoted.html.is_empty() {
            String::new()
        } else {
            rich::html_of("")
        };
        message.html = Some(if style.signature_last {
            format!("{own}{gap}{}{signature}", quoted.html)
        } else {
            format!("{own}{signature}{gap}{}", quoted.html)
        });
        rich::complete(message);
        return;
    }
    let signature = match signature_text(identity) {
        Some(signature) => format!("\n\n{signature}"),
        None => String::new(),
    };
    let mut quotation = String::new();
    if !quoted.text.is_empty() {
        quotation = format!("\n\n{}", quoted.text);
    }
    message.text.push_str(&if style.signature_last {
        quotation + &signature
    } else {
        signature + &quotation
    });
}

/// The person writes as `new` from now on: what stands of `old` is exchanged, while it stands as it was put there. One
/// that was changed, or taken out, is the person's own text by now. Where `old` has none, that of `new` is put where it
/// would be in a message that is begun.
pub fn exchange(message: &mut Composed, old: &Identity, new: &Identity, style: Style) {
    let last = style.signature_last;
    match &message.html {
        Some(html) => {
            if let Some(html) = exchange_html(html, old, new, last) {
                message.html = Some(html);
                rich::complete(message);
            }
        }
        None => {
            if let Some(text) = exchange_text(&message.text, old, new, last) {
                message.text = text;
            }
        }
    }
}

/// With the mark above it (RFC 3676, section 4.3); `None` where the identity has no signature.
fn signature_text(identity: &Identity) -> Option<String> {
    let own = identity.text();
    (!own.trim().is_empty()).then(|| format!("-- \n{}\n", own.trim_end()))
}

/// The same as rich text, with an empty line before it.
fn signature_html(identity: &Identity) -> Option<String> {
    let text = identity.text();
    if text.trim().is_empty() {
        return None;
    }
    let own = match &identity.formatted {
        Some(html) => html.clone(),
        None => rich::html_of(text.trim_end()),
    };
    Some(format!("{}{own}", rich::html_of("\n-- ")))
}

fn exchange_text(text: &str, old: &Identity, new: &Identity, last: bool) -> Option<String> {
    let new = signature_text(new);
    let Some(old) = signature_text(old) else {
        let at = if last { text.len() } else { quote_in(text) };
        let (before, after) = text.split_at(at);
        let after = match after {
            "" => String::new(),
            quoted => format!("\n\n{quoted}"),
        };
        let before = before
            .strip_suffix("\n\n")
            .filter(|_| !after.is_empty())
            .unwrap_or(before);
        return Some(format!("{before}\n\n{}{after}", new?));
    };
    let start = text_signature(text, old.trim_end(), last)?;
    let (before, after) = text.split_at(start);
    let after = &after[old.trim_end().len()..];
    let after = after.strip_prefix('\n').unwrap_or(after);
    Some(match new {
        Some(new) => format!("{before}{new}{after}"),
        None => {
            let before = before.strip_suffix('\n').unwrap_or(before);
            format!("{}{after}", before.strip_suffix('\n').unwrap_or(before))
        }
    })
}

/// Where the signature stands: in what the person wrote, or at the very end. What is forwarded may end in the same.
fn text_signature(text: &str, signature: &str, last: bool) -> Option<usize> {
    let forwarded = line_starts(text).find(|&at| text[at..].starts_with(FORWARDED));
    let stands = |&at: &usize| {
        let after = text[at..].strip_prefix(signature);
        after.is_some_and(|after| {
            let mut lines = after.split('\n');
            lines.next() == Some("") && lines.next().unwrap_or_default().trim().is_empty()
        })
    };
    let own = line_starts(text)
        .take_while(|&at| forwarded.is_none_or(|forwarded| at < forwarded))
        .filter(stands)
        .last();
    let at_the_end = |&at: &usize| text[at + signature.len()..].trim().is_empty();
    own.or_else(|| {
        let mut all = line_starts(text).filter(|_| last).filter(stands);
        all.find(at_the_end)
    })
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks)
}

/// Where what is quoted begins, with the line above it; the end of the text where nothing is.
fn quote_in(text: &str) -> usize {
    let mut before = 0;
    for at in line_starts(text) {
        let line = &text[at..];
        if line.starts_with(FORWARDED) {
            return at;
        }
        if line.starts_with('>') {
            let above = text[before..at].trim_end();
            return if above.ends_with("wrote:") {
                before
            } else {
                at
            };
        }
        before = at;
    }
    text.len()
}

fn exchange_html(html: &str, old: &Identity, new: &Identity, last: bool) -> Option<String> {
    let tokens = tokens(html);
    let new = signature_html(new);
    if signature_html(old).is_none() {
        let at = if last {
            tokens.len()
        } else {
            quote_among(&tokens)
        };
        // The empty line above what is quoted stays there.
        let gap = at.checked_sub(2).filter(|&gap| is_empty(&tokens[gap..at]));
        let cut = tokens
            .get(gap.unwrap_or(at))
            .map_or(html.len(), |t| t.start);
        let between = if at == tokens.len() || gap.is_some() {
            String::new()
        } else {
            rich::html_of("")
        };
        let (before, after) = if at == tokens.len() {
            (html, "")
        } else {
            html.split_at(cut)
        };
        return Some(format!("{before}{}{between}{after}", new?));
    }
    // It may have been put in as text, before the message was written with formatting.
    let bodies = [
        old.formatted.clone(),
        Some(rich::html_of(old.text().trim_end())),
    ];
    let range = bodies.iter().flatten().find_map(|body| {
        let body = self::tokens(body);
        html_signature(&tokens, &body, last)
    })?;
    let (start, end) = (tokens[range.start].start, tokens[range.end - 1].end);
    let new = new.unwrap_or_default();
    let html = format!("{}{new}{}", &html[..start], &html[end..]);
    // There is a line to write in, always.
    Some(if html.is_empty() {
        rich::html_of("")
    } else {
        html
    })
}

/// Where the signature stands, with its mark and the empty line above: see [`text_signature`]. What is answered stands in
/// a quotation, and is not looked at.
fn html_signature(
    tokens: &[Token],
    signature: &[Token],
    last: bool,
) -> Option<std::ops::Range<usize>> {
    let forwarded = tokens.iter().position(|token| token.is(FORWARDED));
    let mut depth = 0_usize;
    let mut found = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.what.as_str() {
            "<blockquote" => depth += 1,
            "</blockquote" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Some(after) = tokens.get(at + 3..).filter(|_| depth == 0) else {
            continue;
        };
        let marked = token.is_block() && tokens[at + 1].is("--") && tokens[at + 2].is_end();
        let stands = after.len() >= signature.len()
            && after.iter().zip(signature).all(|(a, b)| a.what == b.what);
        if !marked || !stands {
            continue;
        }
        let rest = &after[signature.len()..];
        let ends = rest.is_empty()
            || rest
                .first()
                .is_some_and(|token| token.is_start("<blockquote"))
            || rest.get(..2).is_some_and(is_empty);
        let own = forwarded.is_none_or(|forwarded| at < forwarded);
        if ends && (own || (last && rest.is_empty())) {
            let gap = at.checked_sub(2).filter(|&gap| is_empty(&tokens[gap..at]));
            found = Some(gap.unwrap_or(at)..at + 3 + signature.len());
        }
    }
    found
}

/// Where what is quoted begins, with the line above it; the end where nothing is.
fn quote_among(tokens: &[Token]) -> usize {
    let above = |at: usize, is: fn(&Token) -> bool| {
        at.checked_sub(3).filter(|&line| {
            tokens[line].is_block() && is(&tokens[line + 1]) && tokens[line + 2].is_end()
        })
    };
    for (at, token) in tokens.iter().enumerate() {
        if token.is_start("<blockquote") {
            return above(at, |token| token.what.trim_end().ends_with("wrote:")).unwrap_or(at);
        }
        if token.is(FORWARDED) {
            return at.saturating_sub(1);
        }
    }
    tokens.len()
}

/// A tag or a text of a fragment, as far as it matters to whether two look the same, and where it stands.
struct Token {
    what: String,
    start: usize,
    end: usize,
}

impl Token {
    fn is(&self, text: &str) -> bool {
        self.what.trim() == text
    }

    fn is_start(&self, tag: &str) -> bool {
        self.what == tag
    }

    fn is_block(&self) -> bool {
        matches!(self.what.as_str(), "<div" | "<p")
    }

    fn is_end(&self) -> bool {
        matches!(self.what.as_str(), "</div" | "</p")
    }
}

/// Whether these two are a line without anything in it.
fn is_empty(tokens: &[Token]) -> bool {
    matches!(tokens, [start, end] if start.is_block() && end.is_end())
}

/// Editor and sanitizer write attributes, white space and the break that keeps an empty line open each in their way: these
/// are left out.
fn tokens(html: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < html.len() {
        let rest = &html[at..];
        let (what, length) = if rest.starts_with('<') {
            let length = quote::tag_end(rest).map_or(rest.len(), |end| end + 1);
            (tag(&rest[..length]), length)
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            (text(&rest[..length]), length)
        };
        let (start, end) = (at, at + length);
        at = end;
        if what.starts_with("</") && tokens.last().is_some_and(|before| before.is_start("<br")) {
            tokens.pop();
        }
        if !what.trim().is_empty() {
            tokens.push(Token { what, start, end });
        }
    }
    tokens
}

/// Its name, and where it leads to or what it shows. Text never begins with `<` itself.
fn tag(tag: &str) -> String {
    let name = |c: &char| c.is_ascii_alphanumeric() || "</".contains(*c);
    let mut what: String = tag.chars().take_while(name).collect();
    what.make_ascii_lowercase();
    for attribute in ["href", "src"] {
        if let Some(value) = quote::attribute(tag, attribute) {
            what.push(' ');
            what.push_str(value);
        }
    }
    what
}

fn text(text: &str) -> String {
    let text = quote::unescape(text);
    let mut out = String::with_capacity(text.len() + 1);
    // A text that looks like a tag is none.
    if text.starts_with('<') {
        out.push('\u{200b}');
    }
    for c in text.chars() {
        match c {
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOVE: Style = Style {
        rich: false,
        signature_last: false,
    };
    const BELOW: Style = Style {
        signature_last: true,
        ..ABOVE
    };

    fn identity(signature: &str, formatted: Option<&str>) -> Identity {
        Identity {
            signature: signature.to_owned(),
            formatted: formatted.map(str::to_owned),
            ..Identity::default()
        }
    }

    fn quoted() -> Quoted {
        let html = "<div dir=\"auto\">ann@example.org wrote:</div><blockquote><p>Hello</p>\
                    <div>--&nbsp;</div><div>Work<br></div></blockquote>";
        Quoted {
            text: "ann@example.org wrote:\n> Hello\n> --\u{20}\n> Work\n".to_owned(),
            html: html.to_owned(),
        }
    }

    fn forwarded() -> Quoted {
        let text = format!("{FORWARDED}\nFrom: ann@example.org\n\nHello\n-- \nWork\n");
        Quoted {
            html: rich::html_of(&text),
            text,
        }
    }

    /// A message begun as somebody.
    fn begun(identity: &Identity, quoted: &Quoted, style: Style) -> Composed {
        let mut message = Composed {
            text: "Mine".to_owned(),
            ..Composed::default()
        };
        sign(&mut message, identity, quoted, style);
        message
    }

    fn all() -> Vec<Identity> {
        vec![
            identity("Work", None),
            identity("Me\n\nat home", None),
            identity("", None),
            identity("", Some("<div dir=\"auto\">Me <b>in bold</b></div>")),
        ]
    }

    #[test]
    fn whoever_a_message_is_begun_as_it_becomes_one_begun_as_the_other() {
        for rich in [false, true] {
            for style in [ABOVE, BELOW].map(|style| Style { rich, ..style }) {
                for quoted in [Quoted::default(), quoted(), forwarded()] {
                    for old in all() {
                        for new in all() {
                            let mut message = begun(&old, &quoted, style);
                            exchange(&mut message, &old, &new, style);
                            let other = begun(&new, &quoted, style);
                            assert_eq!(message.html, other.html, "{style:?}");
                            assert_eq!(message.text, other.text, "{style:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_signature_that_was_changed_is_the_persons_own_text() {
        let [old, new, ..] = &all()[..] else {
            unreachable!("there are four")
        };
        for text in [
            "Hello\n\n-- \nWork, mostly\n",
            "Hello\n\n-- \nWork\nand more\n",
            "Hello\n\n-- \nAt Work\n",
            "Hello\n\nWork\n",
            "Hello\n\n> -- \n> Work\n",
            "Hello",
        ] {
            for style in [ABOVE, BELOW] {
                let plain = Composed {
                    text: text.to_owned(),
                    ..Composed::default()
                };
                let rich = Composed {
                    html: Some(rich::html_of(text)),
                    ..plain.clone()
                };
                for before in [plain, rich] {
                    let mut message = before.clone();
                    exchange(&mut message, old, new, style);
                    assert_eq!(message, before);
                }
            }
        }
    }

    #[test]
    fn what_is_forwarded_keeps_its_signature() {
        let [old, new, ..] = &all()[..] else {
            unreachable!("there are four")
        };
        let text = format!("Mine\n\n{}", forwarded().text);
        for message in [
            Composed {
                text: text.clone(),
                ..Composed::default()
            },
            Composed {
                html: Some(rich::html_of(&text)),
                ..Composed::default()
            },
        ] {
            let mut other = message.clone();
            exchange(&mut other, old, new, ABOVE);
            assert_eq!(other, message);
        }
    }

    #[test]
    fn the_same_signature_is_known_as_editor_and_sanitizer_write_it() {
        let old = identity(
            "",
            Some("<div dir=\"auto\">Me <a href=\"https://example.org/\">here</a></div>"),
        );
        let new = identity("Home", None);
        let html = "<div>Hello</div><div><br></div><div dir=\"auto\">-- <br></div>\
                    <DIV>Me <a rel=\"noopener\" href=\"https://example.org/\">here</a><br></DIV>";
        let written = |html: &str| Composed {
            html: Some(html.to_owned()),
            ..Composed::default()
        };
        let mut message = written(html);
        exchange(&mut message, &old, &new, ABOVE);
        assert_eq!(
            message.html,
            Some(format!("<div>Hello</div>{}", rich::html_of("\n-- \nHome")))
        );
        assert_eq!(message.text, "Hello\n\n-- \nHome\n");
        // A link to elsewhere is another signature.
        let before = written(&html.replace("example.org/", "example.com/"));
        let mut message = before.clone();
        exchange(&mut message, &old, &new, ABOVE);
        assert_eq!(message, before);
        // It was put in as text, and the message written with formatting later.
        let mut message = written(&rich::html_of(&format!("Hello\n\n-- \n{}", old.text())));
        exchange(&mut message, &old, &new, ABOVE);
        assert_eq!(message.text, "Hello\n\n-- \nHome\n");
    }
}
