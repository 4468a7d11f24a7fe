//! What it costs to build the tree of a message: found by building it with the builder that `ammonia` uses, keeping nothing.
//!
//! A small message can make an enormous tree (formatting elements that stay open are opened again in every block), and a
//! flat one can take quadratic time (every tag looks through all open elements). Nothing that only looks at tags can tell:
//! the builder ignores some of them.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use html5ever::interface::{Attribute, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};

/// How many elements a tree may have: `ammonia` takes some 300 bytes for each.
const MAX_ELEMENTS: usize = 500_000;
/// How many elements may be looked at while it is built.
const MAX_STEPS: usize = 50_000_000;
/// The builder is stopped between pieces of this many bytes.
const PIECE: usize = 1024;

/// Whether the tree of a document or fragment would take too much.
pub fn is_too_large(html: &str) -> bool {
    let mut parser = parse_fragment(
        Cost::default(),
        ParseOpts::default(),
        QualName::new(None, ns!(html), local_name!("div")),
        Vec::new(),
        false,
    );
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        rest = after;
        parser.process(StrTendril::from(piece));
        let cost = &parser.tokenizer.sink.sink;
        if cost.elements.get() > MAX_ELEMENTS || cost.steps.get() > MAX_STEPS {
            return true;
        }
    }
    false
}

/// A tree that is not kept.
#[derive(Default)]
struct Cost {
    elements: Cell<usize>,
    steps: Cell<usize>,
    formatting: Rc<Cell<usize>>,
}

#[derive(Clone)]
struct Element(Rc<Node>);

struct Node {
    name: QualName,
    flags: ElementFlags,
    /// Of a formatting element: counts those that the builder still holds, which are open or are opened again.
    held: Option<Rc<Cell<usize>>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.set(held.get() - 1);
        }
    }
}

impl Element {
    /// What is no element, and is asked for nothing.
    fn other() -> Self {
        Self(Rc::new(Node {
            name: QualName::new(None, ns!(), local_name!("")),
            flags: ElementFlags::default(),
            held: None,
        }))
    }
}

/// HTML, section 13.2.4.3.
fn is_formatting(name: &QualName) -> bool {
    const FORMATTING: [&str; 14] = [
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
        "u",
    ];
    FORMATTING.contains(&&*name.local)
}

impl Cost {
    fn step(&self, elements: usize) {
        self.steps.set(self.steps.get() + elements);
    }

    /// The tree looks for a node among its siblings: comparing them is cheap, and there may be as many as elements.
    fn step_through_siblings(&self) {
        self.step(1 + self.elements.get() / 8);
    }
}

impl TreeSink for Cost {
    type Handle = Element;
    type Output = ();
    type ElemName<'a> = &'a QualName;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Element {
        Element::other()
    }

    fn elem_name<'a>(&'a self, target: &'a Element) -> &'a QualName {
        self.step(1);
        &target.0.name
    }

    fn create_element(&self, name: QualName, _: Vec<Attribute>, flags: ElementFlags) -> Element {
        self.elements.set(self.elements.get() + 1);
        self.step(1);
        let held = is_formatting(&name).then(|| {
            // It is compared with each of the others, attribute by attribute.
            let held = self.formatting.get();
            self.step(10 * held);
            self.formatting.set(held + 1);
            Rc::clone(&self.formatting)
        });
        Element(Rc::new(Node { name, flags, held }))
    }

    fn create_comment(&self, _: StrTendril) -> Element {
        self.elements.set(self.elements.get() + 1);
        Element::other()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Element {
        Element::other()
    }

    fn append(&self, _: &Element, _: NodeOrText<Element>) {}

    fn append_based_on_parent_node(&self, _: &Element, _: &Element, _: NodeOrText<Element>) {
        self.step_through_siblings();
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Element) -> Element {
        target.clone()
    }

    fn same_node(&self, x: &Element, y: &Element) -> bool {
        self.step(1);
        Rc::ptr_eq(&x.0, &y.0)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, _: &Element, _: NodeOrText<Element>) {
        self.step_through_siblings();
    }

    fn add_attrs_if_missing(&self, _: &Element, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &Element) {
        self.step_through_siblings();
    }

    fn reparent_children(&self, _: &Element, _: &Element) {
        self.step_through_siblings();
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &Element) -> bool {
        target.0.flags.mathml_annotation_xml_integration_point
    }
}

#[cfg(test)]
mod tests {
    use super::is_too_large;

    /// Text that follows from numbers.
    fn each(count: usize, text: impl Fn(usize) -> String) -> String {
        (0..count).map(text).collect()
    }

    #[test]
    fn what_stays_open_though_it_was_closed_is_counted() {
        let open = each(6_000, |n| format!("<b id={n}><object></b></object>"));
        assert!(is_too_large(&format!(
            "<div>{open}</div>{}",
            "<p>x</p>".repeat(6_000)
        )));
    }

    #[test]
    fn tags_that_look_through_all_open_elements_are_counted() {
        assert!(is_too_large(&"<q></x>".repeat(100_000)));
        assert!(is_too_large(&"<div>".repeat(100_000)));
    }

    #[test]
    fn formatting_that_is_never_closed_is_counted() {
        assert!(is_too_large(&each(50_000, |n| format!("<b id={n}>"))));
        assert!(is_too_large(&"<!>".repeat(1_000_000)));
        let closed = each(100_000, |n| format!("<b id={n}>x</b>"));
        assert!(!is_too_large(&closed));
    }

    #[test]
    fn what_is_moved_out_of_a_table_is_counted() {
        assert!(is_too_large(&format!("<table>{}", "<br>".repeat(200_000))));
    }

    #[test]
    fn what_people_send_is_not_too_large() {
        let table = "<tr><td><b>x</b></td><td>y</td></tr>".repeat(50_000);
        assert!(!is_too_large(&format!("<table>{table}</table>")));
        let quotes = "<blockquote>".repeat(200);
        assert!(!is_too_large(&quotes.repeat(10)));
        let text = "<p><b>é</b> <i>ü</i> text &amp; more<br>".repeat(20_000);
        assert!(!is_too_large(&text));
        let misplaced = each(2_000, |_| "<tr>text<td>cell</td></tr>".to_owned());
        assert!(!is_too_large(&format!("<table>{misplaced}</table>")));
    }
}
