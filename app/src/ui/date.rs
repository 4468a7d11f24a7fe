//! Dates as people write them, by the browser's own knowledge of the language.

use js_sys::{Date, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

thread_local! {
    static TIME: Intl::DateTimeFormat = format(&[("hour", "numeric"), ("minute", "2-digit")]);
    static DAY: Intl::DateTimeFormat = format(&[("day", "numeric"), ("month", "short")]);
    static DATE: Intl::DateTimeFormat = format(&[("day", "2-digit"), ("month", "2-digit"), ("year", "numeric")]);
    static FULL: Intl::DateTimeFormat = format(&[("dateStyle", "full"), ("timeStyle", "short")]);
}

fn format(options: &[(&str, &str)]) -> Intl::DateTimeFormat {
    let object = Object::new();
    for (name, value) in options {
        let _ = Reflect::set(&object, &(*name).into(), &(*value).into());
    }
    Intl::DateTimeFormat::new(&js_sys::Array::new(), &object)
}

fn with(formatter: &'static std::thread::LocalKey<Intl::DateTimeFormat>, date: &Date) -> String {
    formatter.with(|formatter| {
        formatter
            .format()
            .call1(&JsValue::NULL, date)
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_default()
    })
}

fn date(seconds: i64) -> Date {
    Date::new(&JsValue::from_f64(seconds as f64 * 1000.0))
}

/// Short: the time today, the day this year, else the date.
pub fn short(seconds: i64) -> String {
    let date = date(seconds);
    let now = Date::new_0();
    if date.get_full_year() != now.get_full_year() {
        with(&DATE, &date)
    } else if date.get_month() == now.get_month() && date.get_date() == now.get_date() {
        with(&TIME, &date)
    } else {
        with(&DAY, &date)
    }
}

/// The day and the time.
pub fn short_with_time(seconds: i64) -> String {
    let date = date(seconds);
    format!("{}, {}", with(&DAY, &date), with(&TIME, &date))
}

/// The whole date and time.
pub fn full(seconds: i64) -> String {
    with(&FULL, &date(seconds))
}
