//! What the keys do.

use leptos::prelude::*;

const KEYS: &[(&str, &str)] = &[
    ("j / k", "Next / previous message"),
    ("o or Enter", "Open"),
    ("Esc", "Back to the list; clear the selection"),
    ("c", "Write a message"),
    ("r / a / f", "Reply, reply to all, forward"),
    ("Ctrl Enter", "Send"),
    ("Alt F10", "From rich text to its toolbar; Esc back"),
    (
        "Alt ↑ / Alt ↓",
        "On a recipient: to the field above or below",
    ),
    ("e", "Archive"),
    ("#", "Delete"),
    ("!", "Junk, or not junk"),
    ("s", "Star"),
    ("u", "Mark as unread or read"),
    ("v", "Move to a folder"),
    ("x", "Select; with Shift up to here"),
    ("Ctrl A", "Select all"),
    ("/", "Search"),
    (
        "g then i, d, t, a, !, #",
        "Go to Inbox, Drafts, Sent, Archive, Junk, Trash",
    ),
    ("?", "This help"),
];

#[component]
pub fn Help() -> impl IntoView {
    view! {
        <dl class="keys">
            {KEYS.iter().map(|(keys, what)| view! {
                <div><dt><kbd>{*keys}</kbd></dt><dd>{*what}</dd></div>
            }).collect_view()}
        </dl>
    }
}
