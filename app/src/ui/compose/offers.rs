//! What the engine offers to who writes: people and templates.

use leptos::prelude::*;
use roost_engine::{Template, View};
use roost_wire::{Address, Composed};

/// What is offered to who writes.
#[derive(Default)]
pub struct Offers {
    /// Whom what is typed of a recipient may mean.
    pub people: Vec<Address>,
    /// The templates that can be put into a message, the newest first.
    pub templates: Vec<Template>,
    /// One of them on its way into the form of its id.
    pub chosen: Option<Composed>,
}

/// Takes in what is offered now.
pub fn offer(offers: RwSignal<Offers>, view: View) {
    offers.update(|offers| match view {
        View::People(people) => offers.people = people,
        View::Templates(templates) => offers.templates = templates,
        View::Insert(message) => offers.chosen = Some(*message),
        _ => {}
    });
}
