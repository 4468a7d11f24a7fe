//! The text of rich text: as it is quoted, and as the text alternative of what is written.

/// How much of a message is quoted, in bytes. What is longer is better forwarded as an attachment.
pub(super) const MAX_QUOTE: usize = 200 * 1024;

/// How deep lists are told apart.
const MAX_DEPTH: usize = 20;

/// The text of a sanitized fragment: blocks become lines, quotations keep their marks, what markup means to nobody is
/// left out.
pub fn text_of(html: &str) -> String {
    render(html, Text::default())
}

/// The same for what the person writes: also says where links lead.
pub fn alternative_of(html: &str) -> String {
    render(
        html,
        Text {
            links: true,
            ..Text::default()
        },
    )
}

fn render(html: &str, mut text: Text) -> String {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push(&rest[..at]);
        let Some(end) = tag_end(&rest[at..]) else {
            break;
        };
        text.tag(&rest[at + 1..at + end]);
        rest = &rest[at + end + 1..];
        if text.out.len() > MAX_QUOTE {
            text.line();
            text.out.push_str("[…]\n");
            return text.finish();
        }
    }
    text.push(rest);
    text.finish()
}

/// Each line with the mark of a quotation (RFC 3676, section 4.5).
pub fn quoted(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| {
            if line.starts_with('>') || line.is_empty() {
                format!(">{line}\n")
            } else {
                format!("> {line}\n")
            }
        })
        .collect()
}

/// Where the tag ends that the text begins with: at the first `>` that stands in no attribute.
pub(super) fn tag_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    })
}

/// The value of an attribute of a tag, as a serializer writes it: in double quotes.
pub(super) fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let start = format!(" {name}=\"");
    let value = &tag[tag.find(&start)? + start.len()..];
    value.split('"').next()
}

#[derive(Default)]
struct Text {
    out: String,
    /// Whether it is said where links lead, and where pictures stand.
    links: bool,
    /// The link that is open: where its text begins, and where it leads.
    link: Option<(usize, String)>,
    /// The lists that are open: the number of the next entry, where they are numbered.
    lists: Vec<Option<u32>>,
    /// Where the line that is written begins.
    line_start: usize,
    depth: usize,
    /// An empty line comes before the next text, quoted at most this deep.
    gap: Option<usize>,
    /// A quotation has begun, and there is no text in it yet.
    fresh: bool,
    /// Where the mark of the latest entry of a list ends.
    marked: usize,
    preformatted: usize,
    /// White space that is only written if more of the line follows.
    space: bool,
}

impl Text {
    fn push(&mut self, text: &str) {
        for c in unescape(text).chars() {
            if self.preformatted > 0 {
                match c {
                    '\n' => self.newline(),
                    c => self.character(c),
                }
            } else if c.is_whitespace() && c != '\u{a0}' {
                self.space = !self.at_start();
            } else {
                if self.space {
                    self.character(' ');
                }
                self.character(if c == '\u{a0}' { ' ' } else { c });
            }
        }
    }

    fn at_start(&self) -> bool {
        self.out.len() == self.line_start
    }

    fn character(&mut self, c: char) {
        self.space = false;
        if self.at_start() {
            if let Some(depth) = self.gap.take()
                && !self.out.is_empty()
            {
                self.out.push_str(&">".repeat(depth.min(self.depth)));
                self.out.push('\n');
                self.line_start = self.out.len();
            }
            if self.depth > 0 {
                self.out.push_str(&">".repeat(self.depth));
                self.out.push(' ');
            }
        }
        self.fresh = false;
        self.out.push(c);
    }

    fn newline(&mut self) {
        if self.at_start() && self.depth > 0 {
            self.out.push_str(&">".repeat(self.depth));
        }
        self.out.push('\n');
        self.line_start = self.out.len();
        self.space = false;
        self.gap = None;
    }

    /// Text as it is, with the marks of its line.
    fn text(&mut self, text: &str) {
        if self.space {
            self.character(' ');
        }
        text.chars().for_each(|c| self.character(c));
    }

    /// Says where a link leads, unless its text says so.
    fn leads_to(&mut self, start: usize, address: &str) {
        let said = self.out.get(start..).unwrap_or_default().trim();
        let bare = |address: &str| -> String {
            let address = address.trim_start_matches("https://");
            let address = address.trim_start_matches("http://");
            address
                .trim_start_matches("mailto:")
                .trim_end_matches('/')
                .to_owned()
        };
        if !address.is_empty() && bare(said) != bare(address) {
            self.text(&format!(" <{address}>"));
        }
    }

    /// Ends the line if one is begun.
    fn line(&mut self) {
        if !self.at_start() {
            self.newline();
        }
    }

    /// Leaves an empty line before what follows, unless there is one or a quotation begins here.
    fn paragraph(&mut self) {
        self.line();
        if !self.fresh && !self.out.ends_with("\n\n") {
            self.gap = Some(self.depth.min(self.gap.unwrap_or(self.depth)));
        }
    }

    fn tag(&mut self, tag: &str) {
        let closing = tag.starts_with('/');
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        // An entry of a list may hold blocks: the first of them stands beside its mark.
        if !closing && self.marked == self.out.len() && matches!(name.as_str(), "div" | "p") {
            return;
        }
        match name.as_str() {
            "br" => self.newline(),
            "ul" | "ol" => {
                if closing {
                    self.lists.pop();
                } else if self.lists.len() < MAX_DEPTH {
                    self.lists.push((name == "ol").then_some(1));
                }
                // A list within a list goes on in the next line.
                match self.lists.len() - usize::from(!closing && !self.lists.is_empty()) {
                    0 => self.paragraph(),
                    _ => self.line(),
                }
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" => self.paragraph(),
            "a" if self.links => match self.link.take() {
                Some((start, address)) if closing => self.leads_to(start, &address),
                _ => {
                    let address = attribute(tag, "href").map(unescape);
                    self.link = address.map(|address| (self.out.len(), address));
                }
            },
            "img" if self.links => {
                let name = attribute(tag, "alt").map(unescape).unwrap_or_default();
                if !name.trim().is_empty() {
                    self.text(&format!("[{}]", name.trim()));
                }
            }
            "div" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer"
            | "address" | "center" | "figure" | "details" | "summary" => self.line(),
            "td" | "th" if !closing => self.space = !self.at_start(),
            "li" => {
                self.line();
                if !closing {
                    for _ in 1..self.lists.len() {
                        self.text("  ");
                    }
                    let mark = match self.lists.last_mut() {
                        Some(Some(number)) => {
                            *number += 1;
                            format!("{}. ", *number - 1)
                        }
                        _ => "- ".to_owned(),
                    };
                    self.text(&mark);
                    self.marked = self.out.len();
                }
            }
            "hr" => {
                self.line();
                self.push("---");
                self.newline();
            }
            "pre" => {
                self.line();
                self.preformatted = if closing {
                    self.preformatted.saturating_sub(1)
                } else {
                    self.preformatted + 1
                };
            }
            "blockquote" => {
                self.line();
                self.fresh = !closing;
                self.depth = if closing {
                    self.depth.saturating_sub(1)
                } else {
                    self.depth + 1
                };
            }
            _ => {}
        }
    }

    fn finish(self) -> String {
        let mut text = self.out.trim_end().to_owned();
        text.push('\n');
        text
    }
}

pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|&(_, c)| c == ';');
        let known = end.and_then(|(end, _)| Some((entity(&rest[1..end])?, end)));
        match known {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// What the sanitizer writes as an entity.
fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "nbsp" => '\u{a0}',
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines_and_quotations_keep_their_marks() {
        let html = "<p>Dear&nbsp;<b>Bob</b>,</p>\n<p>one<br>two &lt;three&gt;</p><ul><li>a</li><li>b</li></ul>\
                    <blockquote>said<blockquote>before</blockquote></blockquote><div>Bye</div>";
        assert_eq!(
            text_of(html),
            "Dear Bob,\n\none\ntwo <three>\n\n- a\n- b\n\n> said\n>> before\nBye\n"
        );
    }

    #[test]
    fn what_is_written_keeps_its_links_and_numbers_as_text() {
        let html = "<div dir=\"auto\">See <a href=\"https://example.org/a?b=1&amp;c=2\">this</a> or \
                    <a href=\"https://example.org/\">example.org</a><img src=\"cid:1\" alt=\"a > b\"></div>\
                    <ol><li><div>one</div></li><li>two<ul><li>inner</li></ul></li></ol><div>end</div>";
        assert_eq!(
            alternative_of(html),
            "See this <https://example.org/a?b=1&c=2> or example.org[a > b]\n\n\
             1. one\n2. two\n  - inner\n\nend\n"
        );
    }

    #[test]
    fn quoting_again_adds_a_mark() {
        assert_eq!(quoted("a\n\n> b\n"), "> a\n>\n>> b\n");
    }

    #[test]
    fn preformatted_text_keeps_its_spaces() {
        assert_eq!(text_of("<pre>a  b\n  c</pre>d"), "a  b\n  c\nd\n");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "<p>word</p>".repeat(100_000);
        let text = text_of(&long);
        assert!(text.len() < MAX_QUOTE + 1_000);
        assert!(text.ends_with("[…]\n"));
    }
}
