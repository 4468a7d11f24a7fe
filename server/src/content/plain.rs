//! text/plain as a safe fragment: flowed lines joined (RFC 3676), everything escaped, then linkified, quotes folded.
//! The order matters: linkifying first and escaping later has been a hole elsewhere.

use linkify::{LinkFinder, LinkKind};

/// Quotes of more lines than this are folded.
const FOLD_LINES: usize = 6;
/// How many bytes of a plain text are shown; the source has all of it. A line costs many times its length.
const MAX_SHOWN: usize = 2 * 1024 * 1024;
/// Quote levels deeper than this are shown as this deep.
const MAX_QUOTE: usize = 30;

struct Line {
    quote: usize,
    text: String,
}

/// Renders a text as HTML: paragraphs in `div.text`, quotes in nested `blockquote`, long quotes behind a `details`.
pub fn render(text: &str, flowed: bool, delsp: bool) -> String {
    let lines = lines(text, flowed, delsp);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    out.push_str("<div class=\"plain\">");
    render_level(&lines, 0, &mut out);
    out.push_str("</div>");
    out
}

fn lines(text: &str, flowed: bool, delsp: bool) -> Vec<Line> {
    let text = &text[..text.floor_char_boundary(MAX_SHOWN)];
    let mut lines: Vec<Line> = Vec::new();
    // Whether the line before ends in a soft break.
    let mut open = false;
    for raw in text.split('\n') {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        let (quote, rest) = quote_depth(raw, flowed);
        let rest = if flowed {
            rest.strip_prefix(' ').unwrap_or(rest)
        } else {
            rest
        };
        let signature = rest == "-- ";
        let soft = flowed && rest.ends_with(' ') && !signature;
        let content = if soft && delsp {
            &rest[..rest.len() - 1]
        } else {
            rest
        };
        match lines.last_mut() {
            Some(last) if open && last.quote == quote && !signature => last.text.push_str(content),
            _ => lines.push(Line {
                quote,
                text: content.to_owned(),
            }),
        }
        open = soft;
    }
    while lines.last().is_some_and(|line| line.text.trim().is_empty()) {
        lines.pop();
    }
    lines
}

/// How many `>` a line begins with, and what follows them.
fn quote_depth(line: &str, flowed: bool) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line;
    loop {
        // Outside format=flowed people write `> > text`.
        let next = if flowed {
            rest
        } else {
            rest.strip_prefix(' ').unwrap_or(rest)
        };
        match next.strip_prefix('>') {
            Some(after) => {
                depth += 1;
                rest = after;
            }
            None => break,
        }
    }
    if depth > 0 && !flowed {
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    (depth.min(MAX_QUOTE), rest)
}

fn render_level(lines: &[Line], level: usize, out: &mut String) {
    let mut at = 0;
    while at < lines.len() {
        if lines[at].quote <= level {
            render_text(&lines[at].text, out);
            at += 1;
            continue;
        }
        let end = lines[at..]
            .iter()
            .position(|line| line.quote <= level)
            .map_or(lines.len(), |length| at + length);
        let fold = level == 0 && end - at > FOLD_LINES;
        if fold {
            out.push_str("<details class=\"quoted\"><summary>Quoted text</summary>");
        }
        out.push_str("<blockquote>");
        render_level(&lines[at..end], level + 1, out);
        out.push_str("</blockquote>");
        if fold {
            out.push_str("</details>");
        }
        at = end;
    }
}

fn render_text(text: &str, out: &mut String) {
    if text == "-- " || text == "--" {
        out.push_str("<hr class=\"signature\">");
        return;
    }
    out.push_str("<div>");
    if text.trim().is_empty() {
        out.push_str("<br>");
    }
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url, LinkKind::Email]);
    for span in finder.spans(text) {
        let safe = escape(span.as_str());
        let target = match span.kind() {
            Some(LinkKind::Email) => format!("mailto:{safe}"),
            Some(LinkKind::Url)
                if ["http://", "https://"].iter().any(|scheme| {
                    span.as_str()
                        .get(..scheme.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
                }) =>
            {
                safe.clone()
            }
            _ => {
                out.push_str(&safe);
                continue;
            }
        };
        out.push_str(&format!(
            "<a href=\"{target}\" target=\"_blank\" rel=\"noopener noreferrer\">{safe}</a>"
        ));
    }
    out.push_str("</div>");
}

/// Escapes text for content and double-quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_cannot_break_out() {
        let out = render(
            "see https://e.example/\"onmouseover=alert(1)// <b> and javascript:alert(1)",
            false,
            false,
        );
        assert!(
            !out.contains("\"onmouseover") && !out.contains("<b>"),
            "{out}"
        );
        assert!(!out.contains("href=\"javascript"), "{out}");
    }

    #[test]
    fn flowed_lines_are_joined() {
        let out = render("One \r\ntwo\r\n> quoted \r\n> on\r\n-- \r\nme", true, false);
        assert!(out.contains("<div>One two</div>"), "{out}");
        assert!(
            out.contains("<blockquote><div>quoted on</div></blockquote>"),
            "{out}"
        );
        assert!(out.contains("<hr class=\"signature\">"), "{out}");
    }

    #[test]
    fn long_quotes_fold_and_nest() {
        let quote = "> > deep\n> shallow\n".repeat(5);
        let out = render(&format!("hi\n{quote}bye"), false, false);
        assert!(out.contains("<details"), "{out}");
        assert!(out.contains("<blockquote><blockquote>"), "{out}");
        assert_eq!(
            out.matches("<blockquote>").count(),
            out.matches("</blockquote>").count()
        );
    }

    #[test]
    fn a_wall_of_quotes_is_bounded() {
        let out = render(&">".repeat(100_000), false, false);
        assert!(out.len() < 10_000, "{}", out.len());
    }
}
