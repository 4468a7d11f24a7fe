//! The address bar: `/` is the inbox, `/m/NAME` a mailbox, `/m/NAME/UID` a message in it, `/compose/ID` a message being
//! written, `/compose?mailto=…` one to be begun. Back and forward work.

use std::time::Duration;

use leptos::prelude::*;
use roost_engine::{DraftPhase, Intent, ListState, Write, addresses};
use roost_wire::{Composed, Uid};
use wasm_bindgen::JsValue;

use crate::ui::compose::Forms;
use crate::ui::live::{effect, memo};
use crate::ui::state::{Pane, Ui};

/// How long forms of the page before are waited for.
const RETURNING: Duration = Duration::from_secs(15);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    mailbox: String,
    uid: Option<Uid>,
}

impl Place {
    fn of(path: &str) -> Self {
        let mut parts = path.trim_matches('/').split('/');
        let mailbox = match (parts.next(), parts.next()) {
            (Some("m"), Some(name)) => {
                js_sys::decode_uri_component(name).map_or_else(|_| "INBOX".to_owned(), String::from)
            }
            _ => "INBOX".to_owned(),
        };
        Self {
            mailbox,
            uid: parts.next().and_then(|uid| uid.parse().ok()),
        }
    }

    fn path(&self) -> String {
        let name = String::from(js_sys::encode_uri_component(&self.mailbox));
        match (self.mailbox.as_str(), self.uid) {
            ("INBOX", None) => "/".to_owned(),
            (_, None) => format!("/m/{name}"),
            (_, Some(uid)) => format!("/m/{name}/{uid}"),
        }
    }
}

/// The message being written that an address names.
fn draft_of(path: &str) -> Option<String> {
    let id = path.strip_prefix("/compose/")?;
    js_sys::decode_uri_component(id).ok().map(String::from)
}

/// Begins what a `mailto:` link asks for (RFC 6068). Roost can be registered for such links in its settings.
#[inline(never)]
fn begin_mailto(ui: Ui) {
    let search = window().location().search().unwrap_or_default();
    let decoded = |text: &str| {
        js_sys::decode_uri_component(text).map_or_else(|_| String::new(), String::from)
    };
    let Some(link) = search.strip_prefix("?mailto=").map(decoded) else {
        return;
    };
    let link = link.strip_prefix("mailto:").unwrap_or(&link).to_owned();
    let (to, fields) = link.split_once('?').unwrap_or((&link, ""));
    let field = |name: &str| {
        let found = fields.split('&').filter_map(|field| field.split_once('='));
        found
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| decoded(value))
            .collect::<Vec<_>>()
            .join(",")
    };
    ui.compose(Composed {
        to: addresses(&format!("{},{}", decoded(to), field("to"))),
        cc: addresses(&field("cc")),
        bcc: addresses(&field("bcc")),
        subject: field("subject"),
        text: field("body").replace("\r\n", "\n"),
        ..Composed::default()
    });
}

/// Goes where the address says, and keeps the address in step from then on.
pub fn follow(ui: Ui) {
    let forms = expect_context::<Forms>();
    let path = || window().location().pathname().unwrap_or_default();
    // A message can be opened once its mailbox is known.
    let wanted = StoredValue::new(None::<Place>);
    // It was asked for, and is not on screen yet.
    let coming = StoredValue::new(None::<Place>);
    let go = move |place: Place| {
        let shown = ui
            .device
            .list
            .with_untracked(|list| list.as_ref().map(|list| list.mailbox.clone()));
        if shown.as_ref() != Some(&place.mailbox) {
            ui.device.send(Intent::OpenMailbox(place.mailbox.clone()));
        }
        if place.uid.is_none() {
            ui.device.send(Intent::CloseMessage);
            ui.pane.set(Pane::List);
        }
        let ready = ui.device.list.with_untracked(|list| {
            list.as_ref()
                .is_some_and(|list| list.mailbox == place.mailbox && list.state == ListState::Ready)
        });
        match place.uid {
            Some(uid) if ready => ui.open(uid),
            Some(_) => wanted.set_value(Some(place)),
            None => wanted.set_value(None),
        }
    };
    // The page is loaded anew: it has its forms again. The one that the address names is shown wherever it was.
    let before = forms.returning();
    let named = draft_of(&path());
    if !before.is_empty() {
        ui.device.send(Intent::Write(Write::Reopen(before)));
        set_timeout(move || forms.forget_returning(), RETURNING);
    }
    match named {
        Some(id) => ui.device.send(Intent::Write(Write::Resume(id))),
        None => go(Place::of(&path())),
    }
    if path() == "/compose" {
        begin_mailto(ui);
    }
    let shown = memo(move || {
        ui.device.drafts.with(|drafts| {
            let shown = drafts
                .iter()
                .filter(|draft| draft.phase != DraftPhase::Sending);
            shown.map(|draft| draft.id.clone()).collect::<Vec<_>>()
        })
    });
    let writing = memo(move || shown.with(|shown| forms.front(shown)));
    let popstate = window_event_listener_untyped("popstate", move |_| match draft_of(&path()) {
        Some(id) if shown.with_untracked(|shown| shown.contains(&id)) => forms.raise(&id),
        Some(id) => ui.device.send(Intent::Write(Write::Resume(id))),
        // Back from a message being written closes it: it is kept in Drafts.
        None => match writing.get_untracked() {
            Some(id) => forms.ask_to_close(id),
            None => go(Place::of(&path())),
        },
    });
    on_cleanup(move || popstate.remove());
    effect(move || {
        ui.device.list.with(|list| {
            let Some(list) = list.as_ref().filter(|list| list.state == ListState::Ready) else {
                return;
            };
            if let Some(place) = wanted
                .get_value()
                .filter(|place| place.mailbox == list.mailbox)
            {
                wanted.set_value(None);
                if let Some(uid) = place.uid {
                    ui.open(uid);
                    coming.set_value(Some(place));
                }
            }
        });
    });
    let here = memo(move || {
        let mailbox = ui
            .device
            .list
            .with(|list| list.as_ref().map(|list| list.mailbox.clone()))?;
        // The list may be of another mailbox already than the message that is still open.
        let uid = ui.device.message.with(|m| {
            m.as_ref()
                .filter(|m| m.address.mailbox == mailbox)
                .map(|m| m.address.uid)
        });
        Some(Place { mailbox, uid })
    });
    Effect::new(move |before: Option<Option<Place>>| {
        let place = here.get();
        if let Some(id) = writing.get() {
            coming.set_value(None);
            let path_of = format!(
                "/compose/{}",
                String::from(js_sys::encode_uri_component(&id))
            );
            if path_of != path()
                && let Ok(history) = window().history()
            {
                let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&path_of));
            }
            return place;
        }
        // Its list alone is no step that anybody made.
        let mailbox = place.as_ref().filter(|place| place.uid.is_none());
        let mailbox = mailbox.map(|place| place.mailbox.as_str());
        if coming
            .with_value(|coming| coming.as_ref().map(|place| place.mailbox.as_str()) != mailbox)
        {
            coming.set_value(None);
        }
        let waiting = wanted.with_value(Option::is_some) || coming.with_value(Option::is_some);
        if let (Some(place), false) = (&place, waiting)
            && place.path() != path()
            && let Ok(history) = window().history()
        {
            let from_message = before.flatten().is_some_and(|before| before.uid.is_some());
            // Stepping through messages is one step back, not twenty; a message that was written is none.
            let written = path().starts_with("/compose/");
            let _ = if from_message && place.uid.is_some() || written {
                history.replace_state_with_url(&JsValue::NULL, "", Some(&place.path()))
            } else {
                history.push_state_with_url(&JsValue::NULL, "", Some(&place.path()))
            };
        }
        place
    });
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn places_and_addresses_are_each_other() {
        for (path, mailbox, uid) in [
            ("/", "INBOX", None),
            ("/m/INBOX/7", "INBOX", Some(7)),
            ("/m/Reisen%20%26%20Pl%C3%A4ne", "Reisen & Pläne", None),
            ("/m/a%2Fb/12", "a/b", Some(12)),
        ] {
            let place = Place {
                mailbox: mailbox.to_owned(),
                uid,
            };
            assert_eq!(Place::of(path), place);
            assert_eq!(place.path(), path);
        }
        for odd in ["/nowhere", "/m", "/m/%ff", "//"] {
            assert_eq!(Place::of(odd).mailbox, "INBOX");
        }
    }
}
