//! What stands in the fields of a form, and what is done to several of them at once.

use leptos::prelude::*;
use roost_engine::{Identity, Style, alternative_of, exchange_signature};
use roost_wire::{Address, Composed};
use web_sys::{HtmlInputElement, HtmlTextAreaElement};

use crate::ui::compose::recipients::add;
use crate::ui::compose::rich::Editor;

/// The fields of a form.
#[derive(Clone, Copy)]
pub struct Fields {
    pub from: RwSignal<Address>,
    /// Where answers go, as the one it is from has it.
    pub reply_to: RwSignal<Vec<Address>>,
    pub to: RwSignal<Vec<Address>>,
    pub cc: RwSignal<Vec<Address>>,
    pub bcc: RwSignal<Vec<Address>>,
    pub subject: RwSignal<String>,
    pub text: RwSignal<String>,
    /// With formatting: what the editor was last filled with; what is written is asked of it.
    pub html: RwSignal<Option<String>>,
    pub editor: StoredValue<Option<Editor>, LocalStorage>,
    pub important: RwSignal<bool>,
    pub receipt: RwSignal<bool>,
    pub delivery: RwSignal<bool>,
}

impl Fields {
    pub fn of(form: &Composed) -> Self {
        Self {
            from: RwSignal::new(form.from.clone()),
            reply_to: RwSignal::new(form.reply_to.clone()),
            to: RwSignal::new(form.to.clone()),
            cc: RwSignal::new(form.cc.clone()),
            bcc: RwSignal::new(form.bcc.clone()),
            subject: RwSignal::new(form.subject.clone()),
            text: RwSignal::new(form.text.clone()),
            html: RwSignal::new(form.html.clone()),
            editor: StoredValue::new_local(None),
            important: RwSignal::new(form.important),
            receipt: RwSignal::new(form.receipt),
            delivery: RwSignal::new(form.delivery),
        }
    }

    pub fn composed(self, id: &str) -> Composed {
        Composed {
            id: id.to_owned(),
            from: self.from.get_untracked(),
            reply_to: self.reply_to.get_untracked(),
            to: self.to.get_untracked(),
            cc: self.cc.get_untracked(),
            bcc: self.bcc.get_untracked(),
            subject: self.subject.get_untracked(),
            text: self.text.get_untracked(),
            html: self.html(),
            important: self.important.get_untracked(),
            receipt: self.receipt.get_untracked(),
            delivery: self.delivery.get_untracked(),
            ..Composed::default()
        }
    }

    /// The rich text as it is now.
    pub fn html(self) -> Option<String> {
        let before = self.html.get_untracked()?;
        let editor = self.editor.try_get_value().flatten();
        Some(editor.and_then(|editor| editor.html()).unwrap_or(before))
    }

    /// The text as it is now, without formatting.
    pub fn plain(self) -> String {
        match self.html() {
            Some(html) => alternative_of(&html),
            None => self.text.get_untracked(),
        }
    }

    /// Notes a dependency on every field.
    pub fn track(self) {
        self.from.track();
        self.reply_to.track();
        self.to.track();
        self.cc.track();
        self.bcc.track();
        self.subject.track();
        self.text.track();
        self.html.track();
        self.important.track();
        self.receipt.track();
        self.delivery.track();
    }

    pub fn recipients(self) -> Vec<Address> {
        let mut all = self.to.get_untracked();
        all.extend(self.cc.get_untracked());
        all.extend(self.bcc.get_untracked());
        all
    }

    /// Moves a recipient to the field below or above, and says where it stands by then.
    pub fn shift(self, field: usize, index: usize, down: bool) -> Option<(&'static str, usize)> {
        let places = [("To", self.to), ("Cc", self.cc), ("Bcc", self.bcc)];
        let other = field.checked_add_signed(if down { 1 } else { -1 })?;
        let &(label, to) = places.get(other)?;
        let from = places[field].1;
        let address = from.with_untracked(|from| from.get(index).cloned())?;
        from.update(|from| drop(from.remove(index)));
        let email = address.email.clone();
        add(to, vec![address]);
        let same = |other: &Address| other.email.eq_ignore_ascii_case(&email);
        let at = to.with_untracked(|to| to.iter().position(same))?;
        Some((label, at))
    }

    /// Puts a template in: its text where the cursor is, the rest where nothing is yet.
    pub fn put_in(
        self,
        message: Composed,
        subject: Option<HtmlInputElement>,
        text: Option<HtmlTextAreaElement>,
        account: &str,
    ) {
        if self.recipients().is_empty() {
            self.to.set(message.to);
            self.cc.set(message.cc);
            self.bcc.set(message.bcc);
        }
        if let Some(input) = subject
            && input.value().trim().is_empty()
        {
            input.set_value(&message.subject);
            self.subject.set(message.subject);
        }
        let html = message.html.unwrap_or_default();
        match (self.editor.get_value(), text) {
            (Some(editor), _) => editor.insert(&html, &message.enclosures, account),
            (None, Some(text)) => {
                let _ = text.set_range_text(message.text.trim_end());
                self.text.set(text.value());
            }
            // The editor is not there yet, and begins with what is kept here.
            (None, None) => self
                .html
                .update(|before| before.get_or_insert_default().push_str(&html)),
        }
    }

    /// It is from somebody else from now on: the signature follows, where it is known whose stands there.
    pub fn write_as(
        self,
        old: Option<&Identity>,
        new: &Identity,
        style: Style,
        text: Option<HtmlTextAreaElement>,
    ) {
        self.from.set(new.address());
        self.reply_to.set(new.replies());
        let Some(old) = old else {
            return;
        };
        let before = self.composed("");
        let mut message = before.clone();
        exchange_signature(&mut message, old, new, style);
        if message.html != before.html {
            let editor = self.editor.get_value();
            if let (Some(editor), Some(html)) = (editor, &message.html) {
                editor.replace(html);
            }
            self.html.set(message.html);
        } else if before.html.is_none() && message.text != before.text {
            if let Some(text) = text {
                rewrite(&text, &message.text);
            }
            self.text.set(message.text);
        }
    }
}

/// Makes the text of a field another one; the cursor stays beside what it stood beside.
fn rewrite(field: &HtmlTextAreaElement, text: &str) {
    let before: Vec<u16> = field.value().encode_utf16().collect();
    let after: Vec<u16> = text.encode_utf16().collect();
    let alike = |(a, b): &(&u16, &u16)| a == b;
    let start = before.iter().zip(&after).take_while(alike).count();
    let (rest, other) = (&before[start..], &after[start..]);
    let same = rest.iter().rev().zip(other.iter().rev());
    let end = same.take_while(alike).count();
    let _ = field.set_range_text_with_start_and_end(
        &String::from_utf16_lossy(&other[..other.len() - end]),
        start as u32,
        (before.len() - end) as u32,
    );
}
