//! Where what is shown was looked for: on this device, on the mail server, or both.

use leptos::prelude::*;
use roost_engine::{Filter, ListState, ListView, Reach};

use crate::ui::live::{When, live, memo, shown};
use crate::ui::state::Ui;

#[component]
pub fn Reached() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let text = memo(move || {
        ui.device.list.with(|list| {
            let list = list.as_ref()?;
            let narrowed = list.filter != Filter::All || !list.search.is_empty();
            narrowed.then(|| sentence(list)).flatten()
        })
    });
    view! {
        <When test=live(move || text.with(Option::is_some))>
            <p class="hint reached" role="status" aria-label="Search">{shown(move || text.get())}</p>
        </When>
    }
}

fn sentence(list: &ListView) -> Option<String> {
    if let Reach::Device(count) = list.reach {
        return Some(format!(
            "No connection: only what is on this device was searched ({count} of this folder)."
        ));
    }
    // A quick filter has nothing more to say.
    if list.search.is_empty() || matches!(list.state, ListState::Failed(_)) {
        return None;
    }
    Some(match (list.reach, list.remote) {
        (Reach::Asking, _) => "Found on this device. Asking the mail server …".to_owned(),
        (_, 0) => "Searched here and on the mail server.".to_owned(),
        (_, 1) => "1 of these was found by the mail server only.".to_owned(),
        (_, remote) => format!("{remote} of these were found by the mail server only."),
    })
}
