//! What is said or asked before a message goes.

use roost_engine::DraftView;

use crate::ui::compose::enclosures;
use crate::ui::message::size;

pub const UPLOADING: &str = "An attachment is still being uploaded. Wait for it, or remove it.";
pub const FORMATTED: &str =
    "As plain text the message loses its formatting and the pictures in its text.";
pub const FORGOTTEN: &str = "You write of an attachment, but there is none.";

/// What is to be said where the mail server will not take it.
pub fn too_large(view: &DraftView) -> Option<String> {
    let limit = view.limit.filter(|&limit| view.size > limit)?;
    Some(format!(
        "The message is too large to be sent: it has {} on its way, where attachments grow by a third, and the mail server takes {}. Remove an attachment.",
        size(view.size),
        size(limit)
    ))
}

pub fn has_none(view: &Option<DraftView>) -> bool {
    view.as_ref()
        .is_none_or(|view| !view.enclosures.iter().any(enclosures::is_attached))
}

/// Whether what the person wrote (not what is quoted) names an attachment.
pub fn speaks_of_attachment(text: &str) -> bool {
    text.lines()
        .take_while(|line| *line != "-- " && !line.starts_with("----------"))
        .filter(|line| !line.starts_with('>'))
        .any(|line| {
            let line = line.to_lowercase();
            [
                "attached",
                "attachment",
                "enclosed",
                "anhang",
                "angehängt",
                "ci-joint",
                "adjunt",
                "allegat",
            ]
            .iter()
            .any(|word| line.contains(word))
        })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn only_what_the_person_wrote_speaks_of_attachments() {
        assert!(super::speaks_of_attachment("See the attached file"));
        assert!(!super::speaks_of_attachment(
            "Thanks\n> see the attached file"
        ));
        assert!(!super::speaks_of_attachment(
            "Hello\n-- \nattached to my work"
        ));
    }
}
