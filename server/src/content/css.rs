//! A message's own styles, reduced to what cannot hurt: known properties, known functions, no addresses but images the
//! person asked for. The output is written anew from tokens, so escapes and comments in the input cannot hide anything.

use cssparser::{
    AtRuleParser, CowRcStr, DeclarationParser, ParseError, Parser, ParserInput, ParserState,
    QualifiedRuleParser, RuleBodyItemParser, RuleBodyParser, StyleSheetParser, ToCss as _, Token,
};

/// How many bytes of styles a message may have.
pub const MAX_CSS: usize = 256 * 1024;
/// How deep functions and blocks may nest in a value.
const MAX_DEPTH: usize = 8;

/// Properties that lay out and colour text. Left out: everything that places boxes over others (`position`,
/// `z-index`), moves, animates, generates content, or fetches.
const PROPERTIES: &[&str] = &[
    "background",
    "background-color",
    "background-image",
    "background-position",
    "background-repeat",
    "background-size",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-left-radius",
    "border-bottom-right-radius",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-left-radius",
    "border-top-right-radius",
    "border-top-style",
    "border-top-width",
    "border-width",
    "box-shadow",
    "box-sizing",
    "caption-side",
    "clear",
    "color",
    "direction",
    "display",
    "empty-cells",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style",
    "list-style-position",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "mso-hide",
    "opacity",
    "overflow",
    "overflow-wrap",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-decoration-color",
    "text-indent",
    "text-overflow",
    "text-shadow",
    "text-transform",
    "unicode-bidi",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
];
const IMAGE_PROPERTIES: &[&str] = &["background", "background-image"];
/// Functions without addresses or references.
const FUNCTIONS: &[&str] = &[
    "rgb",
    "rgba",
    "hsl",
    "hsla",
    "calc",
    "min",
    "max",
    "clamp",
    "linear-gradient",
    "radial-gradient",
];

/// Filters styles and counts the remote images it leaves out.
#[derive(Debug)]
pub struct CssFilter {
    /// Whether images from `http` and `https` addresses stay.
    pub images: bool,
    /// How many were left out.
    pub blocked: u32,
}

#[derive(Debug)]
struct Refused;
type Result<'i, T> = std::result::Result<T, ParseError<'i, Refused>>;

impl CssFilter {
    /// The value of a `style` attribute.
    pub fn declarations(&mut self, css: &str) -> String {
        if css.len() > MAX_CSS {
            return String::new();
        }
        let mut input = ParserInput::new(css);
        self.body(&mut Parser::new(&mut input))
    }

    /// The text of a `style` element.
    pub fn stylesheet(&mut self, css: &str) -> String {
        if css.len() > MAX_CSS {
            return String::new();
        }
        let css = css.replace("<!--", " ").replace("-->", " ");
        let mut input = ParserInput::new(&css);
        let mut parser = Parser::new(&mut input);
        let mut rules = Rules { filter: self };
        let kept: Vec<String> = StyleSheetParser::new(&mut parser, &mut rules)
            .flatten()
            .collect();
        kept.concat()
    }

    fn body(&mut self, input: &mut Parser<'_, '_>) -> String {
        let mut declarations = Declarations { filter: self };
        RuleBodyParser::new(input, &mut declarations)
            .flatten()
            .collect::<Vec<String>>()
            .concat()
    }

    fn value(
        &mut self,
        input: &mut Parser<'_, '_>,
        property: &str,
        depth: usize,
        out: &mut String,
    ) -> std::result::Result<(), Refused> {
        if depth > MAX_DEPTH {
            return Err(Refused);
        }
        while let Ok(token) = input.next_including_whitespace_and_comments().cloned() {
            match &token {
                Token::Comment(_) | Token::WhiteSpace(_) => out.push(' '),
                Token::UnquotedUrl(url) => self.url(url, property, out)?,
                Token::Function(name) if name.eq_ignore_ascii_case("url") => {
                    let mut address = None;
                    let _ = input.parse_nested_block(|inner| -> Result<'_, ()> {
                        if let Ok(text) = inner.expect_string() {
                            address = Some(text.to_string());
                        }
                        Ok(())
                    });
                    self.url(&address.ok_or(Refused)?, property, out)?;
                }
                Token::Function(name) => {
                    if !FUNCTIONS
                        .iter()
                        .any(|allowed| name.eq_ignore_ascii_case(allowed))
                    {
                        return Err(Refused);
                    }
                    let mut inside = String::new();
                    let mut result = Err(Refused);
                    let _ = input.parse_nested_block(|inner| -> Result<'_, ()> {
                        result = self.value(inner, property, depth + 1, &mut inside);
                        Ok(())
                    });
                    result?;
                    token.to_css(out).map_err(|_| Refused)?;
                    out.push_str(&inside);
                    out.push(')');
                }
                Token::Ident(_)
                | Token::Hash(_)
                | Token::IDHash(_)
                | Token::QuotedString(_)
                | Token::Number { .. }
                | Token::Percentage { .. }
                | Token::Dimension { .. }
                | Token::Comma
                | Token::Delim('!' | '/' | '+' | '-' | '*') => {
                    token.to_css(out).map_err(|_| Refused)?
                }
                _ => return Err(Refused),
            }
        }
        Ok(())
    }

    fn url(
        &mut self,
        url: &str,
        property: &str,
        out: &mut String,
    ) -> std::result::Result<(), Refused> {
        let remote = url
            .get(..4)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        if !remote || !IMAGE_PROPERTIES.contains(&property) {
            return Err(Refused);
        }
        if !self.images {
            self.blocked += 1;
            return Err(Refused);
        }
        out.push_str("url(");
        cssparser::serialize_string(url, out).map_err(|_| Refused)?;
        out.push(')');
        Ok(())
    }
}

struct Declarations<'f> {
    filter: &'f mut CssFilter,
}

impl<'i> DeclarationParser<'i> for Declarations<'_> {
    type Declaration = String;
    type Error = Refused;

    fn parse_value<'t>(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i, 't>,
        _start: &ParserState,
    ) -> Result<'i, String> {
        let property = name.to_ascii_lowercase();
        if !PROPERTIES.contains(&property.as_str()) {
            return Err(input.new_custom_error(Refused));
        }
        let mut value = String::new();
        self.filter
            .value(input, &property, 0, &mut value)
            .map_err(|refused| input.new_custom_error(refused))?;
        Ok(format!("{property}:{};", value.trim()))
    }
}

impl<'i> AtRuleParser<'i> for Declarations<'_> {
    type Prelude = ();
    type AtRule = String;
    type Error = Refused;
}

impl<'i> QualifiedRuleParser<'i> for Declarations<'_> {
    type Prelude = ();
    type QualifiedRule = String;
    type Error = Refused;
}

impl<'i> RuleBodyItemParser<'i, String, Refused> for Declarations<'_> {
    fn parse_declarations(&self) -> bool {
        true
    }
    fn parse_qualified(&self) -> bool {
        false
    }
}

struct Rules<'f> {
    filter: &'f mut CssFilter,
}

/// A selector or media query, written anew.
fn prelude<'i>(input: &mut Parser<'i, '_>, depth: usize, out: &mut String) -> Result<'i, ()> {
    if depth > MAX_DEPTH {
        return Err(input.new_custom_error(Refused));
    }
    while let Ok(token) = input.next_including_whitespace_and_comments().cloned() {
        let close = match &token {
            Token::Comment(_) | Token::WhiteSpace(_) => {
                out.push(' ');
                continue;
            }
            Token::ParenthesisBlock => ")",
            Token::SquareBracketBlock => "]",
            Token::Function(name)
                if ["not", "nth-child", "is", "where"]
                    .iter()
                    .any(|f| name.eq_ignore_ascii_case(f)) =>
            {
                ")"
            }
            Token::Function(_)
            | Token::CurlyBracketBlock
            | Token::UnquotedUrl(_)
            | Token::BadUrl(_)
            | Token::BadString(_)
            | Token::AtKeyword(_)
            | Token::Delim('<') => return Err(input.new_custom_error(Refused)),
            _ => {
                let _ = token.to_css(out);
                continue;
            }
        };
        let _ = token.to_css(out);
        input.parse_nested_block(|inner| prelude(inner, depth + 1, out))?;
        out.push_str(close);
    }
    Ok(())
}

impl<'i> QualifiedRuleParser<'i> for Rules<'_> {
    type Prelude = String;
    type QualifiedRule = String;
    type Error = Refused;

    fn parse_prelude<'t>(&mut self, input: &mut Parser<'i, 't>) -> Result<'i, String> {
        let mut selector = String::new();
        prelude(input, 0, &mut selector)?;
        Ok(selector.trim().to_owned())
    }

    fn parse_block<'t>(
        &mut self,
        selector: String,
        _start: &ParserState,
        input: &mut Parser<'i, 't>,
    ) -> Result<'i, String> {
        Ok(format!("{selector}{{{}}}", self.filter.body(input)))
    }
}

impl<'i> AtRuleParser<'i> for Rules<'_> {
    type Prelude = String;
    type AtRule = String;
    type Error = Refused;

    fn parse_prelude<'t>(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i, 't>,
    ) -> Result<'i, String> {
        if !name.eq_ignore_ascii_case("media") {
            return Err(input.new_custom_error(Refused));
        }
        let mut query = String::new();
        prelude(input, 0, &mut query)?;
        Ok(query.trim().to_owned())
    }

    fn parse_block<'t>(
        &mut self,
        query: String,
        _start: &ParserState,
        input: &mut Parser<'i, 't>,
    ) -> Result<'i, String> {
        let mut nested = NestedRules(Rules {
            filter: self.filter,
        });
        let kept: Vec<String> = RuleBodyParser::new(input, &mut nested).flatten().collect();
        Ok(format!("@media {query}{{{}}}", kept.concat()))
    }
}

/// Rules inside `@media`: no further at-rules.
struct NestedRules<'f>(Rules<'f>);

impl<'i> QualifiedRuleParser<'i> for NestedRules<'_> {
    type Prelude = String;
    type QualifiedRule = String;
    type Error = Refused;

    fn parse_prelude<'t>(&mut self, input: &mut Parser<'i, 't>) -> Result<'i, String> {
        QualifiedRuleParser::parse_prelude(&mut self.0, input)
    }

    fn parse_block<'t>(
        &mut self,
        selector: String,
        start: &ParserState,
        input: &mut Parser<'i, 't>,
    ) -> Result<'i, String> {
        QualifiedRuleParser::parse_block(&mut self.0, selector, start, input)
    }
}

impl<'i> AtRuleParser<'i> for NestedRules<'_> {
    type Prelude = ();
    type AtRule = String;
    type Error = Refused;
}

impl<'i> DeclarationParser<'i> for NestedRules<'_> {
    type Declaration = String;
    type Error = Refused;
}

impl<'i> RuleBodyItemParser<'i, String, Refused> for NestedRules<'_> {
    fn parse_declarations(&self) -> bool {
        false
    }
    fn parse_qualified(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::CssFilter;

    fn filter(images: bool) -> CssFilter {
        CssFilter { images, blocked: 0 }
    }

    #[test]
    fn layout_stays() {
        let mut css = filter(false);
        assert_eq!(
            css.declarations("color: #336699; margin:0 auto !important;font-family: 'A B', serif"),
            "color:#336699;margin:0 auto !important;font-family:\"A B\", serif;"
        );
        assert_eq!(
            css.stylesheet(
                "@media (max-width: 600px) { .a > b { width: 100% !important } } p{color:red}"
            ),
            "@media (max-width: 600px){.a > b{width:100% !important;}}p{color:red;}"
        );
    }

    #[test]
    fn nothing_is_fetched_or_escapes() {
        for css in [
            "background:url(https://e.example/x)",
            "background:u\\72l(https://e.example/x)",
            "background-image:image-set('https://e.example/x' 1x)",
            "background:/**/url('https://e.example/x')",
            "--x:url(https://e.example/x);background:var(--x)",
            "list-style:url(https://e.example/x)",
            "behavior:url(x.htc)",
            "width:expression(alert(1))",
            "position:fixed;top:0",
            "content:attr(x)",
            "background:url(//e.example/x)",
            "background:url(javascript:alert(1))",
            "background:cross-fade(url(https://e.example/x),red)",
            "background:element(#x)",
            "font:1px url(https://e.example/x)",
        ] {
            let out = filter(false).declarations(css);
            assert!(
                !out.contains("e.example") && !out.contains("url"),
                "{css} became {out}"
            );
            assert!(
                !out.contains("fixed") && !out.contains("expression"),
                "{css} became {out}"
            );
        }
        for css in [
            "@import url(https://e.example/x);",
            "@import 'https://e.example/x';",
            "@font-face{font-family:x;src:url(https://e.example/x)}",
            "</style><img src=https://e.example/x onerror=alert(1)>",
            "a{color:red}</style><script>e.example</script>",
            "@media screen{@import url(https://e.example/x);}",
            "a[href^='</style><img src=https://e.example>']{color:red}",
        ] {
            let out = filter(false).stylesheet(css);
            assert!(
                !out.contains("https://e.example/x") && !out.contains("@import"),
                "{css} became {out}"
            );
        }
    }

    #[test]
    fn remote_images_are_counted_or_kept() {
        let css = "background: red url(https://e.example/x.png)";
        let mut blocking = filter(false);
        assert_eq!(blocking.declarations(css), "");
        assert_eq!(blocking.blocked, 1);
        assert_eq!(
            filter(true).declarations(css),
            "background:red url(\"https://e.example/x.png\");"
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("width:{}1px{}", "calc(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(filter(false).declarations(&deep), "");
    }
}
