//! What came with the message: type, size, a look at it where that is safe, saving one or all.

use leptos::prelude::*;
use roost_wire::Attachment;
use wasm_bindgen::JsCast as _;

use crate::ui::icon::Icon;
use crate::ui::live::{When, heard, live, memo, shown};
use crate::ui::state::Ui;

#[component]
pub fn Attachments() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let attachments = memo(move || {
        ui.device.body.with(|body| {
            body.as_ref()
                .map(|body| body.attachments.clone())
                .unwrap_or_default()
        })
    });
    let base = memo(move || {
        ui.device.message.with(|m| {
            m.as_ref()
                .map(|m| m.address.url("part"))
                .unwrap_or_default()
        })
    });
    view! {
        <When test=live(move || attachments.with(|a| !a.is_empty()))>
            <section class="attachments" aria-label="Attachments">
                <header>
                    <h3>{shown(move || match attachments.with(Vec::len) {
                        1 => "1 attachment".to_owned(),
                        count => format!("{count} attachments"),
                    })}</h3>
                    <span class="hint">{shown(move || size(attachments.with(|a| a.iter().map(|a| u64::from(a.size)).sum())))}</span>
                    <When test=live(move || { attachments.with(Vec::len) > 1 })>
                        <button class="link" on:click=heard(move |_| save_all())>"Save all"</button>
                    </When>
                </header>
                <ul>
                    {shown(move || attachments.get().into_iter().map(|attachment| view! {
                        <One attachment base=base.get() />
                    }).collect_view())}
                </ul>
            </section>
        </When>
    }
}

#[component]
fn One(attachment: Attachment, base: String) -> impl IntoView {
    let url = format!("{base}&part={}", attachment.part);
    let seen = format!("{url}&view=1");
    let image = matches!(
        attachment.media_type.as_str(),
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp"
    ) && !attachment.part.starts_with("raw:");
    let pdf = attachment.media_type == "application/pdf" && !attachment.part.starts_with("raw:");
    let name = attachment.name.clone();
    let about = format!(
        "{} · {}",
        kind(&attachment.media_type),
        size(u64::from(attachment.size))
    );
    view! {
        <li>
            {if image {
                view! { <img class="thumb" src=seen.clone() alt="" loading="lazy" /> }.into_any()
            } else {
                view! { <span class="thumb">{extension(&name)}</span> }.into_any()
            }}
            <span class="about">
                <span class="name" dir="auto" title=name.clone()>{name.clone()}</span>
                <span class="hint">{about}</span>
            </span>
            {(image || pdf).then(|| view! {
                <a class="plain" href=seen.clone() target="_blank" rel="noopener" aria-label=format!("View {name}") title="View">
                    {Icon::Search.draw()}
                </a>
            })}
            <a class="plain save" href=url download=name.clone() aria-label=format!("Save {name}") title="Save">
                {Icon::Download.draw()}
            </a>
        </li>
    }
}

/// Clicks every link; browsers ask once whether a page may save several files.
fn save_all() {
    let Ok(links) = document().query_selector_all(".attachments a.save") else {
        return;
    };
    for index in 0..links.length() {
        if let Some(link) = links
            .get(index)
            .and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok())
        {
            link.click();
        }
    }
}

fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, extension)) if (1..=4).contains(&extension.len()) => extension.to_uppercase(),
        _ => "FILE".to_owned(),
    }
}

fn kind(media_type: &str) -> &str {
    match media_type {
        "application/pdf" => "PDF document",
        "text/calendar" => "Calendar invitation",
        "message/rfc822" => "Message",
        other if other.starts_with("image/") => "Image",
        other if other.starts_with("audio/") => "Sound",
        other if other.starts_with("video/") => "Video",
        other => other,
    }
}

/// A size as people write it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
