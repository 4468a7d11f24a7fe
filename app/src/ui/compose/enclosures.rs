//! Attachments of a message being written: chosen, dropped or pasted, uploaded with progress, removed.

use leptos::html;
use leptos::prelude::*;
use roost_engine::{DraftView, Intent, Write, transferred};
use roost_wire::{Enclosure, Source};
use web_sys::{DataTransfer, File, MouseEvent};

use crate::ui::compose::rich::Editor;
use crate::ui::icon::Icon;
use crate::ui::live::{When, each, effect, heard, live, memo, shown};
use crate::ui::message::size;
use crate::ui::state::Ui;
use crate::upload::Upload;

/// The files in something that is dropped or pasted.
pub fn files_of(data: &DataTransfer) -> Vec<File> {
    let Some(list) = data.files() else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get(index))
        .collect()
}

/// A file that was chosen, dropped or pasted.
#[derive(Clone)]
pub struct Picked {
    file: File,
    /// Put into the rich text rather than attached.
    inline: bool,
}

impl Picked {
    pub fn attached(file: File) -> Self {
        Self {
            file,
            inline: false,
        }
    }

    /// Pictures that every mail program shows go into the text.
    pub fn into_text(file: File) -> Self {
        let inline =
            ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(&file.type_().as_str());
        Self { file, inline }
    }
}

/// Chooses files, and on a device that is touched takes a photo.
#[component]
pub fn Attach(files: RwSignal<Vec<Picked>, LocalStorage>) -> impl IntoView {
    let pick = move |label: &'static str, camera: bool| {
        let input = NodeRef::<html::Input>::new();
        let field = view! {
            <input
                node_ref=input
                class="hidden"
                type="file"
                multiple=!camera
                accept=camera.then_some("image/*")
                capture=camera.then_some("environment")
                aria-label=label
                tabindex="-1"
                on:change=heard(move |_| {
                    if let Some(input) = input.get_untracked() {
                        let chosen = input.files().map(|list| {
                            (0..list.length()).filter_map(|index| list.get(index)).collect::<Vec<_>>()
                        });
                        files.set(chosen.unwrap_or_default().into_iter().map(Picked::attached).collect());
                        input.set_value("");
                    }
                })
            />
        };
        let open = heard(move |_: MouseEvent| {
            if let Some(input) = input.get_untracked() {
                input.click();
            }
        });
        (field, open)
    };
    let (any, choose) = pick("Attach files", false);
    let (photo, take) = pick("Photo to attach", true);
    view! {
        <button class="secondary" on:click=choose>{Icon::Attachment.draw()}"Attach"</button>
        {any}
        <button class="plain only-touch" aria-label="Take a photo" title="Take a photo" on:click=take>{Icon::Camera.draw()}</button>
        {photo}
    }
}

/// Whether it is an attachment, not a picture in the text.
pub fn is_attached(enclosure: &Enclosure) -> bool {
    enclosure.content_id.is_none()
}

/// An upload as it is shown.
#[derive(Clone)]
struct Under {
    number: u32,
    picked: StoredValue<Picked, LocalStorage>,
    name: String,
    share: RwSignal<f64>,
    failed: RwSignal<Option<String>>,
    upload: StoredValue<Option<Upload>, LocalStorage>,
}

#[component]
pub fn Enclosures(
    id: String,
    view: Memo<Option<DraftView>>,
    files: RwSignal<Vec<Picked>, LocalStorage>,
    editor: StoredValue<Option<Editor>, LocalStorage>,
    /// How many uploads are under way or have failed.
    uploading: RwSignal<usize>,
) -> impl IntoView {
    let ui = expect_context::<Ui>();
    let id = StoredValue::new(id);
    let uploads = RwSignal::new(Vec::<Under>::new());
    effect(move || uploading.set(uploads.with(Vec::len)));
    let count = StoredValue::new(0_u32);
    let run = move |under: Under| {
        let account = ui.account();
        let (share, failed, number) = (under.share, under.failed, under.number);
        failed.set(None);
        let Picked { file, inline } = under.picked.get_value();
        let limit = view.with_untracked(|view| view.as_ref()?.limit);
        if let Some(limit) = limit.filter(|&limit| transferred(file.size() as u64) > limit) {
            failed.set(Some(format!(
                "It is too large to be sent: the mail server takes messages of {}, with attachments that grow by a third on their way.",
                size(limit)
            )));
            return;
        }
        let media_type = match file.type_() {
            kind if kind.contains('/') => {
                kind.split(';').next().unwrap_or_default().trim().to_owned()
            }
            _ => "application/octet-stream".to_owned(),
        };
        let (name, bytes) = (file.name(), file.size() as u32);
        let picture = file.clone();
        let upload = Upload::start(
            &account,
            &file,
            move |sent, all| {
                let _ = share.try_set(if all > 0.0 { sent / all } else { 1.0 });
            },
            move |result| match result {
                Ok(upload) => {
                    let placed = inline.then(|| format!("{upload}@roost.invalid"));
                    let enclosure = Enclosure {
                        name,
                        media_type,
                        size: bytes,
                        source: Source::Upload(upload),
                        content_id: placed.clone(),
                    };
                    let id = id.try_get_value();
                    if let Some(id) = id {
                        ui.device
                            .send(Intent::Write(Write::Attach { id, enclosure }));
                    }
                    // The text names what the draft has by now.
                    if let Some(id) = placed {
                        editor.try_with_value(|editor| {
                            if let Some(editor) = editor {
                                editor.image(&id, &picture);
                            }
                        });
                    }
                    uploads.try_update(|uploads| uploads.retain(|under| under.number != number));
                }
                Err(why) => drop(failed.try_set(Some(why))),
            },
        );
        under.upload.set_value(upload);
    };
    // What belongs to an upload lives as long as the form, not until more files are chosen.
    let form = Owner::current().map(|owner| owner.downgrade());
    let begin = move |picked: Picked| {
        let number = count.get_value();
        count.set_value(number + 1);
        let under = Under {
            number,
            name: picked.file.name(),
            picked: StoredValue::new_local(picked),
            share: RwSignal::new(0.0),
            failed: RwSignal::new(None),
            upload: StoredValue::new_local(None),
        };
        uploads.update(|uploads| uploads.push(under.clone()));
        run(under);
    };
    effect(move || {
        let chosen = files.get();
        if !chosen.is_empty() {
            files.set(Vec::new());
            if let Some(form) = form.as_ref().and_then(WeakOwner::upgrade) {
                form.with(|| chosen.into_iter().for_each(begin));
            }
        }
    });
    let enclosures = memo(move || {
        view.with(|view| {
            view.as_ref()
                .map(|view| view.enclosures.clone())
                .unwrap_or_default()
        })
    });
    view! {
        <When test=live(move || enclosures.with(|e| e.iter().any(is_attached)) || uploads.with(|u| !u.is_empty()))>
            <ul class="enclosures" aria-label="Attachments">
                {shown(move || enclosures.get().into_iter().enumerate().filter(|(_, e)| is_attached(e)).map(|(index, enclosure)| view! {
                    <li class="chip">
                        {Icon::Attachment.draw()}
                        <span dir="auto">{enclosure.name.clone()}</span>
                        <span class="hint">{size(u64::from(enclosure.size))}</span>
                        <button class="plain" aria-label=format!("Remove {}", enclosure.name) on:click=heard(move |_| {
                            ui.device.send(Intent::Write(Write::Detach { id: id.get_value(), index: index as u32 }));
                        })>{Icon::Close.draw()}</button>
                    </li>
                }).collect_view())}
                {each(move || uploads.get(), |under| under.number, move |under: Under| view! {
                    <li class="chip" class:wrong={
                        let failed = under.failed;
                        live(move || failed.with(Option::is_some))
                    }>
                        <span dir="auto">{under.name.clone()}</span>
                        <progress
                            max="1"
                            aria-label=format!("Uploading {}", under.name)
                            prop:value={
                                let share = under.share;
                                move || share.get()
                            }
                        ></progress>
                        {
                            let (failed, again) = (under.failed, under.clone());
                            move || failed.get().map(|why| {
                                let again = again.clone();
                                view! {
                                    <span class="reason">{why}</span>
                                    <button class="link" on:click=heard(move |_| run(again.clone()))>"Try again"</button>
                                }
                            })
                        }
                        <button class="plain" aria-label=format!("Cancel {}", under.name) on:click=heard(move |_| {
                            if let Some(upload) = under.upload.get_value() {
                                upload.cancel();
                            }
                            uploads.update(|uploads| uploads.retain(|other| other.number != under.number));
                        })>{Icon::Close.draw()}</button>
                    </li>
                })}
                <li class="hint total">{shown(move || {
                    let (total, limit) = view.with(|view| view.as_ref().map_or((0, None), |view| (view.size, view.limit)));
                    match limit {
                        Some(limit) => format!("{} in all, of {} that can be sent", size(total), size(limit)),
                        None => format!("{} in all", size(total)),
                    }
                })}</li>
            </ul>
        </When>
    }
}
