//! Settings of this device, kept in the browser.

use leptos::prelude::*;
use roost_engine::{Circumstances, Identity, Style};

use crate::device::storage;

const KEY: &str = "roost.prefs";
/// How many senders may be trusted with images.
const MAX_SENDERS: usize = 500;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Density {
    #[default]
    Comfortable,
    Compact,
}

impl Density {
    /// The height of a row in pixels; `style/list.css` has the same numbers.
    pub fn row_height(self) -> f64 {
        match self {
            Self::Comfortable => 76.0,
            Self::Compact => 56.0,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefs {
    pub theme: Theme,
    pub density: Density,
    /// Load images from other hosts without asking.
    pub remote_images: bool,
    /// Senders whose images are loaded, in lower case.
    pub trusted_senders: Vec<String>,
    pub list_width: u32,
    pub notify: bool,
    /// How long a message can be taken back after "Send", in seconds.
    pub hold: u32,
    pub style: Style,
    /// How many of the newest messages are kept on this device: of the inbox, of each other folder.
    pub inbox_depth: u32,
    pub other_depth: u32,
    /// Fetch ahead on a metered line too.
    pub despite_metered: bool,
    /// Who the person writes as; an empty address is the account's own.
    pub identities: Vec<Identity>,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            density: Density::default(),
            remote_images: false,
            trusted_senders: Vec::new(),
            list_width: 400,
            notify: false,
            hold: 10,
            style: Style::default(),
            inbox_depth: Circumstances::default().inbox_depth,
            other_depth: Circumstances::default().other_depth,
            despite_metered: false,
            identities: Vec::new(),
        }
    }
}

impl Prefs {
    /// One `name=value` a line; what is missing or odd has its default.
    pub fn load() -> Self {
        let mut prefs = Self::default();
        let text = storage()
            .and_then(|s| s.get_item(KEY).ok().flatten())
            .unwrap_or_default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match (name, value) {
                ("theme", "light") => prefs.theme = Theme::Light,
                ("theme", "dark") => prefs.theme = Theme::Dark,
                ("density", "compact") => prefs.density = Density::Compact,
                ("images", "on") => prefs.remote_images = true,
                ("hold", seconds) => prefs.hold = seconds.parse().unwrap_or(prefs.hold).min(60),
                ("write", "rich") => prefs.style.rich = true,
                ("signature", "last") => prefs.style.signature_last = true,
                ("identity", identity) => prefs.identities.extend(read(identity)),
                ("inbox", depth) => prefs.inbox_depth = depth.parse().unwrap_or(prefs.inbox_depth),
                ("others", depth) => prefs.other_depth = depth.parse().unwrap_or(prefs.other_depth),
                ("metered", "on") => prefs.despite_metered = true,
                ("notify", "on") => prefs.notify = true,
                ("sender", sender) => prefs.trusted_senders.push(sender.to_owned()),
                ("list-width", width) => {
                    prefs.list_width = width.parse().unwrap_or(prefs.list_width).clamp(280, 720);
                }
                _ => {}
            }
        }
        prefs
    }

    #[inline(never)]
    fn save(&self) {
        let mut text = String::new();
        match self.theme {
            Theme::System => {}
            Theme::Light => text.push_str("theme=light\n"),
            Theme::Dark => text.push_str("theme=dark\n"),
        }
        if self.density == Density::Compact {
            text.push_str("density=compact\n");
        }
        if self.remote_images {
            text.push_str("images=on\n");
        }
        if self.notify {
            text.push_str("notify=on\n");
        }
        text.push_str(&format!("hold={}\n", self.hold));
        if self.style.rich {
            text.push_str("write=rich\n");
        }
        if self.style.signature_last {
            text.push_str("signature=last\n");
        }
        text.push_str(&format!(
            "inbox={}\nothers={}\n",
            self.inbox_depth, self.other_depth
        ));
        if self.despite_metered {
            text.push_str("metered=on\n");
        }
        for identity in &self.identities {
            text.push_str(&format!("identity={}\n", written(identity)));
        }
        text.push_str(&format!("list-width={}\n", self.list_width));
        let skip = self.trusted_senders.len().saturating_sub(MAX_SENDERS);
        for sender in self
            .trusted_senders
            .iter()
            .skip(skip)
            .filter(|s| !s.contains('\n'))
        {
            text.push_str(&format!("sender={sender}\n"));
        }
        if let Some(storage) = storage() {
            let _ = storage.set_item(KEY, &text);
        }
    }

    /// Whether the page is dark now.
    pub fn is_dark(&self) -> bool {
        match self.theme {
            Theme::Light => false,
            Theme::Dark => true,
            Theme::System => window()
                .match_media("(prefers-color-scheme: dark)")
                .ok()
                .flatten()
                .is_some_and(|query| query.matches()),
        }
    }
}

/// An identity on one line: its fields percent-encoded, separated by spaces; those at the end that are empty are left out.
fn written(identity: &Identity) -> String {
    let fields = [
        identity.name.as_str(),
        &identity.email,
        &identity.signature,
        identity.formatted.as_deref().unwrap_or_default(),
        &identity.reply_to,
    ];
    let encoded = |field: &str| String::from(js_sys::encode_uri_component(field));
    let line = fields.map(encoded).join(" ");
    // The first three are always there.
    let least = line
        .match_indices(' ')
        .nth(2)
        .map_or(line.len(), |(at, _)| at);
    let kept = line.trim_end_matches(' ').len().max(least);
    line[..kept].to_owned()
}

fn read(line: &str) -> Option<Identity> {
    let mut fields = line.split(' ').map(|field| {
        js_sys::decode_uri_component(field).map_or_else(|_| String::new(), String::from)
    });
    Some(Identity {
        name: fields.next()?,
        email: fields.next()?,
        signature: fields.next()?,
        formatted: fields.next().filter(|formatted| !formatted.is_empty()),
        reply_to: fields.next().unwrap_or_default(),
    })
}

/// Keeps the page's attributes and the browser's storage in step with the settings.
pub fn apply(prefs: RwSignal<Prefs>) {
    Effect::new(move |before: Option<()>| {
        prefs.with(|prefs| {
            if let Some(root) = document().document_element() {
                let theme = match prefs.theme {
                    Theme::System => "system",
                    Theme::Light => "light",
                    Theme::Dark => "dark",
                };
                let density = match prefs.density {
                    Density::Comfortable => "comfortable",
                    Density::Compact => "compact",
                };
                let _ = root.set_attribute("data-theme", theme);
                let _ = root.set_attribute("data-density", density);
            }
            if before.is_some() {
                prefs.save();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn identities_are_read_as_they_were_written() {
        let identity = |signature: &str, formatted: Option<&str>, reply_to: &str| Identity {
            name: "Ann Ä".to_owned(),
            email: "ann@example.org".to_owned(),
            signature: signature.to_owned(),
            formatted: formatted.map(str::to_owned),
            reply_to: reply_to.to_owned(),
        };
        for identity in [
            identity("", None, ""),
            identity("a\nb = c", None, ""),
            identity("", Some("<div>x</div>"), ""),
            identity("", None, "Desk <desk@example.org>"),
            identity("a", Some("<div>x</div>"), "desk@example.org"),
            Identity::default(),
        ] {
            assert_eq!(read(&written(&identity)), Some(identity));
        }
        // As an earlier version wrote it.
        assert_eq!(
            read("A a%40b.c sig"),
            Some(Identity {
                name: "A".to_owned(),
                email: "a@b.c".to_owned(),
                signature: "sig".to_owned(),
                ..Identity::default()
            })
        );
    }
}
