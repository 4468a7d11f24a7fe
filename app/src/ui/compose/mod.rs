//! Messages being written: a form each, beside one another on a wide screen, over everything on a phone.

mod banners;
mod checks;
mod enclosures;
mod fields;
mod form;
mod forms;
mod from;
mod later;
mod offers;
mod recipients;
pub mod rich;

use leptos::prelude::*;
use roost_engine::DraftPhase;

use crate::ui::compose::form::Form;
pub use crate::ui::compose::forms::Forms;
pub use crate::ui::compose::offers::{Offers, offer};
use crate::ui::live::{each, effect, memo};
use crate::ui::state::Ui;

/// All forms of this tab.
#[component]
pub fn Compose() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let forms = expect_context::<Forms>();
    let open = move || {
        let sending = ui.device.drafts.with(|drafts| {
            let sending = drafts
                .iter()
                .filter(|draft| draft.phase == DraftPhase::Sending);
            sending.map(|draft| draft.id.clone()).collect::<Vec<_>>()
        });
        ui.device.forms.with(|forms| {
            let shown = forms.iter().filter(|(_, form)| !sending.contains(&form.id));
            shown.cloned().collect::<Vec<_>>()
        })
    };
    let ids = memo(move || {
        let ids = open().into_iter().map(|(_, form)| form.id);
        ids.collect::<Vec<_>>()
    });
    effect(move || {
        forms.track();
        ids.with(|ids| forms.keep(ids));
    });
    on_cleanup(move || forms.keep(&[]));
    let resized = window_event_listener_untyped("resize", move |_| forms.fit());
    on_cleanup(move || resized.remove());
    view! {
        <div class="composers">
            {each(open, |(number, form)| (*number, form.id.clone()), |(_, form)| view! { <Form form /> })}
        </div>
    }
}
