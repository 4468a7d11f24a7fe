//! HTML mail made safe to look at. `ammonia` is the wall; [`super::css`] is its ladder for styles; the frame's own
//! sandbox and policy stand behind both (ARCHITECTURE.md, "Hostile mail").

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ammonia::{Builder, UrlRelative};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states,
};

use super::css::CssFilter;

const TAGS: &[&str] = &[
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];
const GENERIC_ATTRIBUTES: &[&str] = &[
    "align", "bgcolor", "border", "class", "color", "dir", "height", "id", "lang", "style",
    "title", "valign", "width",
];
const TAG_ATTRIBUTES: &[(&str, &[&str])] = &[
    ("a", &["href", "name"]),
    ("font", &["face", "size"]),
    ("img", &["src", "alt"]),
    ("li", &["value"]),
    ("ol", &["start", "type", "reversed"]),
    ("ul", &["type"]),
    ("table", &["cellpadding", "cellspacing", "background"]),
    ("td", &["colspan", "rowspan", "nowrap", "background"]),
    (
        "th",
        &["colspan", "rowspan", "nowrap", "background", "scope"],
    ),
    ("tr", &["background"]),
    ("col", &["span"]),
    ("colgroup", &["span"]),
    ("time", &["datetime"]),
];
/// Elements that go with everything inside.
const WITHOUT_CONTENT: &[&str] = &[
    "script",
    "style",
    "title",
    "head",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "embed",
    "applet",
    "select",
    "textarea",
    "audio",
    "video",
    "canvas",
    "noembed",
    "noframes",
    "xmp",
    "plaintext",
];
/// Image types that hold no script and that browsers decode in a sandbox.
const IMAGE_DATA: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/jpg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
];

/// What images may be shown.
#[derive(Debug)]
pub struct Images<'a> {
    /// Whether the person asked for images from other hosts.
    pub remote: bool,
    /// Addresses of the message's own images by content id.
    pub inline: &'a HashMap<String, String>,
}

/// Sanitized HTML.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Clean {
    pub html: String,
    pub css: String,
    /// How many remote images were left out.
    pub blocked: u32,
    /// Content ids that the text shows.
    pub shown: HashSet<String>,
    /// Its markup would take too much to build: only the text is shown.
    pub cut: bool,
}

/// Makes a document or fragment safe. Runs in time and memory proportional to its length.
pub fn sanitize(html: &str, images: &Images<'_>) -> Clean {
    let mut css = CssFilter {
        images: images.remote,
        blocked: 0,
    };
    let survey = survey(html);
    if super::cost::is_too_large(html) {
        return Clean {
            html: super::plain::render(&survey.text, false, false),
            cut: true,
            ..Clean::default()
        };
    }
    let styles = css.stylesheet(&survey.css);
    // `ammonia` wants its callback to be `Sync` and to borrow nothing; nobody else ever holds this lock.
    let found = Arc::new(Mutex::new(Found {
        remote: images.remote,
        inline: images.inline.clone(),
        css,
        blocked: 0,
        shown: HashSet::new(),
    }));
    let filter = Arc::clone(&found);

    let mut builder: Builder<'_> = Builder::empty();
    builder
        .tags(TAGS.iter().copied().collect())
        .clean_content_tags(WITHOUT_CONTENT.iter().copied().collect())
        .generic_attributes(GENERIC_ATTRIBUTES.iter().copied().collect())
        .tag_attributes(
            TAG_ATTRIBUTES
                .iter()
                .map(|(tag, attributes)| (*tag, attributes.iter().copied().collect()))
                .collect(),
        )
        .url_schemes(["http", "https", "mailto", "tel", "cid", "data"].into())
        // The filter below lets no relative address through but those of inline images.
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .strip_comments(true)
        .attribute_filter(move |element, attribute, value| {
            let found = &mut *filter.lock().unwrap_or_else(PoisonError::into_inner);
            match (element, attribute) {
                (_, "style") => {
                    let kept = found.css.declarations(value);
                    (!kept.is_empty()).then_some(Cow::Owned(kept))
                }
                ("a", "href") => has_scheme(value, &["http", "https", "mailto", "tel"])
                    .then_some(Cow::Borrowed(value)),
                ("img", "src") => found.image(value),
                (_, "background") => {
                    if !found.remote && has_scheme(value, &["http", "https"]) {
                        found.blocked += 1;
                    }
                    None
                }
                (_, "src" | "href") => None,
                _ => Some(Cow::Borrowed(value)),
            }
        });
    let html = builder.clean(html).to_string();
    drop(builder);
    let found = &mut *found.lock().unwrap_or_else(PoisonError::into_inner);
    Clean {
        html,
        css: styles,
        blocked: found.blocked + found.css.blocked,
        shown: std::mem::take(&mut found.shown),
        cut: false,
    }
}

/// What the attribute filter came across.
struct Found {
    remote: bool,
    inline: HashMap<String, String>,
    css: CssFilter,
    blocked: u32,
    shown: HashSet<String>,
}

impl Found {
    /// The address an image may keep.
    fn image<'v>(&mut self, value: &'v str) -> Option<Cow<'v, str>> {
        let value = value.trim();
        if let Some(content_id) = value
            .get(..4)
            .filter(|s| s.eq_ignore_ascii_case("cid:"))
            .map(|_| &value[4..])
        {
            let content_id = percent_decode(content_id);
            let address = self.inline.get(&content_id)?;
            self.shown.insert(content_id);
            return Some(Cow::Owned(address.clone()));
        }
        if let Some(data) = value
            .get(..5)
            .filter(|s| s.eq_ignore_ascii_case("data:"))
            .map(|_| &value[5..])
        {
            let media_type = data
                .split([';', ','])
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            return IMAGE_DATA
                .contains(&media_type.as_str())
                .then_some(Cow::Borrowed(value));
        }
        if !has_scheme(value, &["http", "https"]) {
            return None;
        }
        if self.remote {
            return Some(Cow::Borrowed(value));
        }
        self.blocked += 1;
        None
    }
}

fn has_scheme(url: &str, schemes: &[&str]) -> bool {
    url.trim_start().split_once(':').is_some_and(|(scheme, _)| {
        schemes
            .iter()
            .any(|allowed| scheme.eq_ignore_ascii_case(allowed))
    })
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a real HTML tokenizer finds in a message before the tree is built.
#[derive(Default)]
struct Survey {
    /// The text of all `style` elements.
    css: String,
    /// The text, for messages whose tree would be too large.
    text: String,
    inside_style: bool,
}

/// How much text is shown of a message whose tree would be too large.
const MAX_SURVEY_TEXT: usize = 1024 * 1024;

fn survey(html: &str) -> Survey {
    #[derive(Default)]
    struct Sink(RefCell<Survey>);
    impl TokenSink for Sink {
        type Handle = ();
        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            let survey = &mut *self.0.borrow_mut();
            match token {
                Token::TagToken(tag) if tag.kind == TagKind::StartTag => match &*tag.name {
                    "style" => {
                        survey.inside_style = true;
                        return TokenSinkResult::RawData(states::RawKind::Rawtext);
                    }
                    "script" => return TokenSinkResult::RawData(states::RawKind::ScriptData),
                    "title" | "textarea" => {
                        return TokenSinkResult::RawData(states::RawKind::Rcdata);
                    }
                    "xmp" | "iframe" | "noembed" | "noframes" => {
                        return TokenSinkResult::RawData(states::RawKind::Rawtext);
                    }
                    _ => {}
                },
                Token::TagToken(tag) if &*tag.name == "style" => {
                    survey.inside_style = false;
                    survey.css.push('\n');
                }
                Token::CharacterTokens(text) => {
                    let (kept, limit) = if survey.inside_style {
                        (&mut survey.css, super::css::MAX_CSS)
                    } else {
                        (&mut survey.text, MAX_SURVEY_TEXT)
                    };
                    if kept.len() + text.len() <= limit {
                        kept.push_str(&text);
                    }
                }
                _ => {}
            }
            TokenSinkResult::Continue
        }
    }
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(html: &str) -> Clean {
        sanitize(
            html,
            &Images {
                remote: false,
                inline: &HashMap::from([("logo@x".to_owned(), "/api/inline/1".to_owned())]),
            },
        )
    }

    #[test]
    fn a_newsletter_keeps_its_looks() {
        let out = clean(concat!(
            "<html><head><title>x</title><style>.b{color:red} @import 'https://e.example';</style></head>",
            "<body><table width=600 bgcolor='#eee'><tr><td class=b style='padding:4px;position:fixed'>Hi ",
            "<a href='https://e.example/?a=1&b=2'>there</a><img src='cid:logo%40x' alt=Logo>",
            "<img src=https://e.example/pixel.gif></td></tr></table>",
        ));
        assert_eq!(out.css, ".b{color:red;}");
        assert_eq!(out.blocked, 1);
        assert!(out.shown.contains("logo@x"));
        assert!(out.html.contains("src=\"/api/inline/1\""));
        assert!(out.html.contains("padding:4px;") && !out.html.contains("position"));
        assert!(
            out.html.contains("rel=\"noopener noreferrer\"")
                && out.html.contains("target=\"_blank\"")
        );
        assert!(!out.html.contains("pixel.gif"));
    }

    #[test]
    fn scripts_and_addresses_go() {
        for html in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg><script>alert(1)</script></svg>",
            "<a href='javascript:alert(1)'>x</a>",
            "<a href='  JaVaScRiPt:alert(1)'>x</a>",
            "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
            "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
            "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
            "<form action=https://e.example><button>x</button></form>",
            "<base href=https://e.example/>",
            "<meta http-equiv=refresh content='0;url=https://e.example'>",
            "<link rel=stylesheet href=https://e.example>",
            "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
            "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        ] {
            let out = clean(html);
            for bad in [
                "alert",
                "e.example",
                "javascript",
                "<form",
                "<iframe",
                "<svg",
            ] {
                assert!(
                    !out.html.contains(bad) || out.html.contains("&lt;"),
                    "{html} became {}",
                    out.html
                );
            }
        }
    }

    #[test]
    fn markup_that_would_explode_is_shown_as_text() {
        let many: String = (0..5_000).map(|n| format!("<b id={n}>")).collect();
        let bomb = format!("<p>{many}</p>{}the end", "<p>x".repeat(12_500));
        let out = clean(&bomb);
        assert!(out.cut && out.html.contains("the end"));
        assert!(clean(&"<div>".repeat(100_000)).cut);
        let table = "<tr><td><b>x</b></td><td>y</td></tr>".repeat(50_000);
        assert!(!clean(&format!("<table>{table}</table>")).cut);
    }

    #[test]
    fn ten_thousand_levels_are_survived() {
        let out = clean(&"<div>".repeat(10_000));
        assert!(out.html.len() <= 10_000 * 11);
    }
}
