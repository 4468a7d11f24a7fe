//! "Send later": the times that people choose, any other, and templates: keeping the message as one, putting one in.

use js_sys::Date;
use leptos::html;
use leptos::prelude::*;
use roost_wire::Uid;
use wasm_bindgen::JsValue;
use web_sys::Event;

use crate::ui::date;
use crate::ui::icon::Icon;
use crate::ui::live::{When, each, heard, live, shown};
use crate::ui::menu::Menu;
use crate::ui::state::Ui;

/// What a person must know before a message is scheduled.
const HOW: &str = "It waits in the folder Scheduled, where every device shows it. If you sign out, or Roost is restarted, it is sent once you are signed in again.";

/// The button and its menu. `schedule` is given the time, in seconds since 1970-01-01 UTC, `insert` a template;
/// `wanted` is what the person wants to be told afterwards.
#[component]
pub fn Later(
    schedule: Box<dyn Fn(i64)>,
    template: Box<dyn Fn()>,
    insert: Box<dyn Fn(Uid)>,
    wanted: [(&'static str, RwSignal<bool>); 2],
) -> impl IntoView {
    let offers = expect_context::<Ui>().device.offers;
    let actions = StoredValue::new_local((schedule, template, insert));
    let open = RwSignal::new(false);
    let other = NodeRef::<html::Input>::new();
    let choose = move |at: i64| {
        open.set(false);
        actions.with_value(|(schedule, ..)| schedule(at));
    };
    let choose_other = move || {
        let at = other
            .get_untracked()
            .map(|input| Date::new(&JsValue::from_str(&input.value())).get_time())
            .filter(|at| at.is_finite() && *at > Date::now());
        match (at, other.get_untracked()) {
            (Some(at), _) => choose((at / 1000.0) as i64),
            (None, Some(input)) => drop(input.focus()),
            (None, None) => {}
        }
    };
    view! {
        <Menu label="Send later and more" icon=Icon::Clock mixed=true open>
            {shown(move || times().into_iter().map(|(label, at)| view! {
                <button on:click=heard(move |_| choose(at))>
                    {label}
                    <span class="hint">{date::short_with_time(at)}</span>
                </button>
            }).collect_view())}
            <div class="other">
                <input node_ref=other type="datetime-local" aria-label="Another time" min=local(Date::now() + 60_000.0) />
                <button class="secondary" on:click=heard(move |_| choose_other())>"Schedule"</button>
            </div>
            <p class="hint">{HOW}</p>
            {wanted.map(|(label, wanted)| view! {
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=wanted.get_untracked()
                        on:change=heard(move |event: Event| wanted.set(event_target_checked(&event)))
                    />
                    {label}
                </label>
            }).collect_view()}
            <button on:click=heard(move |_| {
                open.set(false);
                actions.with_value(|(_, template, _)| template());
            })>{Icon::Drafts.draw()}"Save as template"</button>
            <When test=live(move || offers.with(|offers| !offers.templates.is_empty()))>
                <div class="templates" role="group" aria-label="Insert template">
                    <span class="hint">"Insert template"</span>
                    {each(move || offers.with(|offers| offers.templates.clone()), Clone::clone, move |template| view! {
                        <button on:click=heard(move |_| {
                            open.set(false);
                            actions.with_value(|(.., insert)| insert(template.uid));
                        })><span dir="auto">{match template.subject.trim() {
                            "" => "(no subject)".to_owned(),
                            subject => subject.to_owned(),
                        }}</span></button>
                    })}
                </div>
            </When>
        </Menu>
    }
}

/// The times that people choose, from now on.
fn times() -> Vec<(&'static str, i64)> {
    let now = Date::new_0();
    // `day` days from today, at that hour here.
    let at = |day: u32, hour: u32| {
        let date = Date::new_with_year_month_day_hr(
            now.get_full_year(),
            now.get_month() as i32,
            (now.get_date() + day) as i32,
            hour as i32,
        );
        (date.get_time() / 1000.0) as i64
    };
    let mut times = vec![("In one hour", (Date::now() / 1000.0) as i64 + 3_600)];
    if now.get_hours() < 17 {
        times.push(("This evening", at(0, 18)));
    }
    times.push(("Tomorrow morning", at(1, 8)));
    // Tomorrow is Monday on Sundays.
    let monday = 8 - now.get_day();
    if now.get_day() != 0 {
        times.push(("Monday morning", at(monday, 8)));
    }
    times
}

/// A time as the field writes it: here, without seconds.
fn local(milliseconds: f64) -> String {
    let date = Date::new(&JsValue::from_f64(milliseconds));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes()
    )
}
