//! Who a message is from.

use leptos::prelude::*;
use roost_engine::Identity;
use roost_wire::Address;

use crate::ui::live::heard;
use web_sys::Event;

/// Is told who a message was from, where that is known, and who it is from now.
pub type WriteAs = Box<dyn Fn(Option<&Identity>, &Identity)>;

/// Chooses who it is from; `write_as` is told who it was from, where that is known, and who it is from now.
#[component]
pub fn From(
    from: RwSignal<Address>,
    identities: Vec<Identity>,
    write_as: WriteAs,
) -> impl IntoView {
    let now = from.get_untracked();
    let same = |identity: &Identity| identity.email.eq_ignore_ascii_case(&now.email);
    let current = identities
        .iter()
        .position(|identity| same(identity) && identity.name == now.name)
        .or_else(|| identities.iter().position(same));
    // Begun on another device, as somebody this one does not know.
    let unknown = current.is_none().then(|| now.to_string());
    let names: Vec<String> = identities
        .iter()
        .map(|identity| identity.address().to_string())
        .collect();
    let current = StoredValue::new(current);
    view! {
        <label class="line">
            <span>"From"</span>
            <select on:change=heard(move |event: Event| {
                let chosen = event_target_value(&event).parse::<usize>().ok();
                if let Some(new) = chosen.and_then(|chosen| identities.get(chosen)) {
                    let old = current.get_value().and_then(|current| identities.get(current));
                    write_as(old, new);
                    current.set_value(chosen);
                }
            })>
                {unknown.map(|unknown| view! { <option selected=true>{unknown}</option> })}
                {names.into_iter().enumerate().map(|(index, name)| {
                    let selected = current.get_value() == Some(index);
                    view! { <option value=index.to_string() selected=selected>{name}</option> }
                }).collect_view()}
            </select>
        </label>
    }
}
