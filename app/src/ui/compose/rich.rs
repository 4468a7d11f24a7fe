//! Rich text: the editor of `app/editor`, fetched when it is first used. It lives in a frame of its own, so that HTML
//! never enters the app's document (ARCHITECTURE.md, "The editor").

use js_sys::{Array, Function, Object, Reflect};
use leptos::html;
use leptos::prelude::*;
use roost_engine::ContentAddress;
use roost_wire::Enclosure;
use wasm_bindgen::prelude::*;
use web_sys::File;

use crate::ui::compose::enclosures::Picked;
use crate::ui::live::{When, effect, heard, live};

/// An editor that is open.
#[derive(Clone)]
pub struct Editor(JsValue);

impl Editor {
    fn call(&self, name: &str, arguments: &[&JsValue]) -> Option<JsValue> {
        let method: Function = Reflect::get(&self.0, &name.into()).ok()?.dyn_into().ok()?;
        method
            .apply(&self.0, &arguments.iter().copied().collect())
            .ok()
    }

    /// What is written.
    pub fn html(&self) -> Option<String> {
        self.call("html", &[])?.as_string()
    }

    /// Puts rich text where the cursor is, and the pictures that it shows.
    pub fn insert(&self, html: &str, images: &[Enclosure], account: &str) {
        self.call("insert", &[&html.into(), &addresses(images, account)]);
    }

    /// Makes what is written something else; that can be undone.
    pub fn replace(&self, html: &str) {
        self.call("replace", &[&html.into()]);
    }

    /// Puts a picture where the cursor is.
    pub fn image(&self, id: &str, file: &File) {
        self.call("image", &[&id.into(), file]);
    }
}

/// Where pictures can be looked at, by their content id.
fn addresses(images: &[Enclosure], account: &str) -> Object {
    let addresses = Object::new();
    for image in images {
        if let (Some(id), Some(url)) =
            (&image.content_id, ContentAddress::image_url(account, image))
        {
            let _ = Reflect::set(&addresses, &id.into(), &url.into());
        }
    }
    addresses
}

#[component]
pub fn Rich(
    /// What is written, such as a message.
    name: &'static str,
    /// What it begins with, as it is by the time the editor is there.
    html: RwSignal<Option<String>>,
    /// The pictures that the text may show.
    images: Vec<Enclosure>,
    account: String,
    /// Whether to begin writing at once.
    focus: bool,
    editor: StoredValue<Option<Editor>, LocalStorage>,
    files: RwSignal<Vec<Picked>, LocalStorage>,
    changed: Box<dyn Fn()>,
    send: Box<dyn Fn()>,
    close: Box<dyn Fn()>,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let failed = RwSignal::new(false);
    let options = Object::new();
    let set = |name: &str, value: JsValue| drop(Reflect::set(&options, &name.into(), &value));
    set("name", name.into());
    let begun = html.get_untracked().unwrap_or_default();
    set("html", begun.as_str().into());
    set("images", addresses(&images, &account).into());
    set("focus", focus.into());
    set("sanitizer", ContentAddress::sanitizer_url(&account).into());
    for (name, call) in [("changed", changed), ("send", send), ("close", close)] {
        set(name, Closure::<dyn Fn()>::new(call).into_js_value());
    }
    let dropped = Closure::<dyn Fn(Array)>::new(move |list: Array| {
        // Files of another window are of another class by name: they are not asked what they are.
        let list = list.iter().map(JsCast::unchecked_into::<File>);
        let _ = files.try_set(list.map(Picked::into_text).collect());
    });
    set("files", dropped.into_js_value());
    let ready = Closure::<dyn Fn(JsValue)>::new(move |opened: JsValue| {
        let opened = Editor(opened);
        // The form may be gone by now.
        if failed.try_get_untracked().is_some() {
            match html.try_get_untracked().flatten() {
                Some(html) if html != begun => opened.replace(&html),
                _ => {}
            }
            editor.set_value(Some(opened));
        }
    });
    set("ready", ready.into_js_value());
    let told = Closure::<dyn Fn(JsValue)>::new(move |_| {
        let _ = failed.try_set(true);
    });
    set("failed", told.into_js_value());

    let options = StoredValue::new_local(options);
    effect(move || {
        if let (Some(place), false) = (place.get(), failed.get())
            && let Ok(open) = Reflect::get(&window(), &"roostEditor".into())
        {
            let _ = options.with_value(|options| {
                open.unchecked_into::<Function>()
                    .call2(&JsValue::NULL, &place, options)
            });
        }
    });
    on_cleanup(move || {
        let open = editor.try_update_value(Option::take).flatten();
        if let Some(open) = open {
            open.call("end", &[]);
        }
    });
    view! {
        <div class="rich" node_ref=place></div>
        <When test=live(move || failed.get())>
            <div class="banner" role="alert">
                <span>"The editor could not be loaded. Your text is kept."</span>
                <button class="link" on:click=heard(move |_| failed.set(false))>"Try again"</button>
            </div>
        </When>
    }
}
