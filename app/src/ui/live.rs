//! Reactive closures behind one type for each kind of value.
//!
//! Leptos compiles an attribute, a child or a listener anew for every closure it is given, and each of these weighs one
//! to five kilobytes. Behind a box they share one: 19 KB less, compressed (ARCHITECTURE.md, "Numbers").

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

/// A value that is computed anew when what it reads changes, as an attribute, a class or a child.
pub fn live<T: 'static>(
    value: impl Fn() -> T + Send + Sync + 'static,
) -> Box<dyn Fn() -> T + Send + Sync> {
    Box::new(value)
}

/// [`live`] for a child, whatever it consists of.
pub fn shown<V: IntoAny>(
    view: impl Fn() -> V + Send + Sync + 'static,
) -> Box<dyn Fn() -> AnyView + Send + Sync> {
    Box::new(move || view().into_any())
}

/// A value that is computed anew when what it reads changes, and told on only when it differs.
pub fn memo<T: PartialEq + Send + Sync + 'static>(
    value: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    let value: Box<dyn Fn() -> T + Send + Sync> = Box::new(value);
    Memo::new(move |_| value())
}

/// A listener.
pub fn heard<E: 'static>(listener: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(listener)
}

/// Runs now, and again whenever what it reads changes.
pub fn effect(run: impl FnMut() + 'static) {
    let mut run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(move |_: Option<()>| run());
}

/// Runs once what stands in the document now is on screen: after the next frame, in a task of its own.
pub fn after_paint(run: impl FnOnce() + 'static) {
    let run: Box<dyn FnOnce()> = Box::new(run);
    request_animation_frame(move || set_timeout(run, Duration::ZERO));
}

/// One entry of a list.
#[derive(Clone)]
struct Item {
    key: u64,
    view: Arc<dyn Fn() -> AnyView + Send + Sync>,
}

/// A list whose entries are kept as long as their keys are: what has not changed is moved, not drawn anew.
pub fn each<T, K, V>(
    items: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: impl Fn(&T) -> K + Send + Sync + 'static,
    view: impl Fn(T) -> V + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
    K: Hash,
    V: IntoAny,
{
    let view: Arc<dyn Fn(T) -> AnyView + Send + Sync> = Arc::new(move |item| view(item).into_any());
    list(Box::new(move || {
        items()
            .into_iter()
            .map(|item| {
                let mut hasher = DefaultHasher::new();
                key(&item).hash(&mut hasher);
                let view = Arc::clone(&view);
                Item {
                    key: hasher.finish(),
                    view: Arc::new(move || view(item.clone())),
                }
            })
            .collect()
    }))
}

fn list(items: Box<dyn Fn() -> Vec<Item> + Send + Sync>) -> AnyView {
    view! { <For each=items key=|item| item.key let(item)>{(item.view)()}</For> }.into_any()
}

/// Shows its children while the test holds.
#[component]
pub fn When(test: Box<dyn Fn() -> bool + Send + Sync>, children: ChildrenFn) -> impl IntoView {
    let test = memo(test);
    live(move || {
        if test.get() {
            children()
        } else {
            ().into_any()
        }
    })
}
