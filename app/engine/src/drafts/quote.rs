//! A message's text as it is quoted: from the sanitized fragment to lines.

/// How much of a message is quoted, in bytes. What is longer is better forwarded as an attachment.
const MAX_QUOTE: usize = 200 * 1024;

/// The text of a sanitized fragment: blocks become lines, quotations keep their marks, what markup means to nobody is
/// left out.
pub fn text_of(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push(&rest[..at]);
        let Some(end) = rest[at..].find('>') else {
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

#[derive(Default)]
struct Text {
    out: String,
    /// Where the line that is written begins.
    line_start: usize,
    depth: usize,
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
        if self.at_start() && self.depth > 0 {
            self.out.push_str(&">".repeat(self.depth));
            self.out.push(' ');
        }
        self.out.push(c);
    }

    fn newline(&mut self) {
        if self.at_start() && self.depth > 0 {
            self.out.push_str(&">".repeat(self.depth));
        }
        self.out.push('\n');
        self.line_start = self.out.len();
        self.space = false;
    }

    /// Ends the line if one is begun.
    fn line(&mut self) {
        if !self.at_start() {
            self.newline();
        }
    }

    /// Leaves an empty line unless there is one.
    fn paragraph(&mut self) {
        self.line();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.newline();
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
        match name.as_str() {
            "br" => self.newline(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" => {
                self.paragraph();
            }
            "div" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer"
            | "address" | "center" | "figure" | "details" | "summary" => self.line(),
            "td" | "th" if !closing => self.space = !self.at_start(),
            "li" => {
                self.line();
                if !closing {
                    self.character('-');
                    self.character(' ');
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

fn unescape(text: &str) -> String {
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
