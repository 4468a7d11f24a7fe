//! Which forms a tab has open and which are minimized. A page that is loaded anew has them as they were.

use leptos::prelude::*;
use roost_engine::{Intent, Write};
use web_sys::Storage;

use crate::ui::state::{Ui, is_narrow};

/// In the storage of the tab: a line for each form, with a mark before its id.
const KEY: &str = "roost.forms";
const OPEN: char = '+';
const MINIMIZED: char = '-';

/// A form of this tab.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Form {
    id: String,
    minimized: bool,
}

/// The forms of this tab, the one in front last.
#[derive(Clone, Copy)]
pub struct Forms {
    all: RwSignal<Vec<Form>>,
    /// Those of the page before that are not drawn yet.
    returning: StoredValue<Vec<String>>,
    /// The one that is to close, as if its own button were pressed.
    closing: RwSignal<Option<String>>,
}

impl Forms {
    /// As the page had them before it was loaded anew.
    pub fn recall() -> Self {
        let kept = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
        let forms = read(&kept.unwrap_or_default());
        let ids = forms.iter().map(|form| form.id.clone()).collect();
        Self {
            all: RwSignal::new(forms),
            returning: StoredValue::new(ids),
            closing: RwSignal::new(None),
        }
    }

    /// Those that the page had before and that are not drawn yet.
    pub fn returning(self) -> Vec<String> {
        self.returning.get_value()
    }

    /// What has not come back by now does not.
    pub fn forget_returning(self) {
        self.returning.set_value(Vec::new());
        self.all.notify();
    }

    /// Notes a dependency on all of it.
    pub fn track(self) {
        self.all.track();
    }

    /// Keeps them for the next page; `shown` are the ids of those that there are.
    pub fn keep(self, shown: &[String]) {
        let returning = self.returning.get_value();
        let there = |form: &Form| shown.contains(&form.id) || returning.contains(&form.id);
        if self.all.with_untracked(|all| !all.iter().all(there)) {
            self.all.update(|all| all.retain(there));
        }
        self.write();
    }

    /// Asks a form to close: it takes what stands in its fields, and may have a question first.
    pub fn ask_to_close(self, id: String) {
        self.closing.set(Some(id));
    }

    /// Takes what a form was asked: whether it is to close.
    pub fn take_close(self, id: &str) -> bool {
        let asked = self.closing.with(|closing| closing.as_deref() == Some(id));
        if asked {
            self.closing.set(None);
        }
        asked
    }

    /// Closes a form: what was written is kept in Drafts. The next page does not ask for it, however soon that is loaded.
    pub fn close(self, ui: Ui, id: String) {
        self.all.update(|all| all.retain(|form| form.id != id));
        self.write();
        ui.device.send(Intent::Write(Write::Close(id)));
    }

    fn write(self) {
        if let Some(storage) = storage() {
            let _ = storage.set_item(KEY, &self.all.with_untracked(|all| written(all)));
        }
    }

    /// A form is drawn: as it was, or in front of the others.
    pub fn drawn(self, id: &str) {
        let known = self.returning.try_update_value(|returning| {
            let before = returning.len();
            returning.retain(|known| known != id);
            returning.len() < before
        });
        if known != Some(true) {
            self.raise(id);
        }
    }

    /// Shows a form in front of the others.
    pub fn raise(self, id: &str) {
        if self.front_untracked().is_some_and(|front| front == id) {
            return;
        }
        self.all.update(|all| {
            all.retain(|form| form.id != id);
            all.push(Form {
                id: id.to_owned(),
                minimized: false,
            });
        });
        self.fit();
    }

    pub fn minimize(self, id: &str) {
        self.all.update(|all| {
            for form in all.iter_mut().filter(|form| form.id == id) {
                form.minimized = true;
            }
        });
    }

    /// As many are open as the screen has room for: two, on a phone one. The others are minimized.
    pub fn fit(self) {
        let room = if is_narrow() { 1 } else { 2 };
        let open = |form: &&mut Form| !form.minimized;
        let many = self
            .all
            .with_untracked(|all| all.iter().filter(|form| !form.minimized).count() > room);
        if many {
            self.all.update(|all| {
                for form in all.iter_mut().rev().filter(open).skip(room) {
                    form.minimized = true;
                }
            });
        }
    }

    pub fn is_minimized(self, id: &str) -> bool {
        self.all
            .with(|all| all.iter().any(|form| form.id == id && form.minimized))
    }

    /// The one in front, of those that are `shown`.
    pub fn front(self, shown: &[String]) -> Option<String> {
        self.all.with(|all| {
            let mut open = all.iter().rev().filter(|form| !form.minimized);
            open.find(|form| shown.contains(&form.id))
                .map(|form| form.id.clone())
        })
    }

    fn front_untracked(self) -> Option<String> {
        self.all.with_untracked(|all| {
            let front = all.last().filter(|form| !form.minimized);
            front.map(|form| form.id.clone())
        })
    }

    /// Whether this one is in front now.
    pub fn is_front(self, id: &str) -> bool {
        self.front_untracked().is_some_and(|front| front == id)
    }
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

fn written(forms: &[Form]) -> String {
    let line = |form: &Form| {
        let mark = if form.minimized { MINIMIZED } else { OPEN };
        format!("{mark}{}\n", form.id)
    };
    forms.iter().map(line).collect()
}

fn read(text: &str) -> Vec<Form> {
    let form = |line: &str| {
        let id = line.strip_prefix([OPEN, MINIMIZED])?;
        Some(Form {
            id: id.to_owned(),
            minimized: line.starts_with(MINIMIZED),
        })
    };
    text.lines().filter_map(form).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn forms_are_read_as_they_were_written() {
        let form = |id: &str, minimized| Form {
            id: id.to_owned(),
            minimized,
        };
        let forms = [form("1.roost@a-b.example", true), form("-2@x", false)];
        assert_eq!(read(&written(&forms)), forms);
        assert_eq!(read("nonsense\n\n"), []);
    }
}
