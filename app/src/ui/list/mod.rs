//! The list of messages: virtual, only the rows on screen are in the document.

mod geometry;
pub mod hand;
mod reached;
mod row;
mod toolbar;

use std::ops::Range;

use geometry::Geometry;
use leptos::html;
use leptos::prelude::*;
use roost_engine::{Filter, Intent, ListState, Reach, Target};
use row::Row;
use toolbar::Toolbar;

pub use toolbar::SEARCH_ID;

use crate::ui::live::{after_paint, each, effect, heard, live, memo};
use crate::ui::state::{Pane, Ui};
use web_sys::{DragEvent, MouseEvent, TouchEvent};

#[component]
pub fn MessageList() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let list = ui.device.list;
    let viewport = NodeRef::<html::Div>::new();
    let height = ui.prefs.with_untracked(|prefs| prefs.density.row_height());
    // No taller than the window: to ask for the real height at the start would have the page laid out once more.
    let window_height = window().inner_height().ok().and_then(|it| it.as_f64());
    let geometry = RwSignal::new(Geometry::new(height, window_height.unwrap_or(800.0)));
    let tell = move || {
        let (first, count) = geometry.with_untracked(Geometry::visible);
        ui.device.send(Intent::Scroll { first, count });
    };
    let measure = move || {
        // A hidden list has no height; it is measured when it comes back.
        if let Some(element) = viewport.get_untracked()
            && element.client_height() > 0
        {
            geometry.update(|geometry| {
                geometry.viewport = f64::from(element.client_height()).max(1.0);
                geometry.scrolled(f64::from(element.scroll_top()));
            });
            tell();
        }
    };
    // Before more rows are drawn, while the page is as it was laid out.
    effect(move || {
        if ui.pane.get() == Pane::List {
            after_paint(measure);
        }
    });
    let source = memo(move || {
        list.with(|list| {
            list.as_ref()
                .map(|l| (l.mailbox.clone(), l.filter, l.search.clone()))
        })
    });
    // What is on screen stands first, what is around it is drawn some more after each frame.
    let given = memo(move || {
        list.with(|list| {
            let list = list.as_ref();
            list.map_or(0..0, |list| list.first..list.first + list.rows.len() as u32)
        })
    });
    let frame = Trigger::new();
    let drawn = Memo::new(move |before: Option<&(_, Range<u32>)>| {
        frame.track();
        let source = source.get();
        let before = before.filter(|(of, _)| *of == source);
        let before = before.map_or(0..0, |(_, rows)| rows.clone());
        let rows = geometry.with(|geometry| geometry.draw(before, given.get()));
        (source, rows)
    });
    effect(move || {
        if drawn.with(|(_, rows)| *rows != given.get()) {
            after_paint(move || frame.notify());
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let total = memo(move || list.with(|list| list.as_ref().map_or(0, |list| list.total)));
    effect(move || {
        let (row_height, total) = (
            ui.prefs.with(|prefs| prefs.density.row_height()),
            total.get(),
        );
        geometry.update(|geometry| {
            geometry.row_height = row_height;
            geometry.total = total;
        });
        tell();
    });
    // Another list begins at its top.
    Effect::new(move |before: Option<_>| {
        let now = source.get();
        if before.is_some_and(|before| before != now)
            && let Some(element) = viewport.get_untracked()
        {
            element.set_scroll_top(0);
            measure();
            // UIDs and questions are about the list that was.
            ui.clear_selection();
            ui.cursor.set(None);
            ui.anchor.set(None);
            ui.dialog.set(None);
        }
        now
    });
    effect(move || {
        let Some(uid) = ui.reveal.get() else {
            return;
        };
        let position = list.with_untracked(|list| {
            let list = list.as_ref()?;
            let index = list
                .rows
                .iter()
                .position(|row| row.as_ref().is_some_and(|row| row.uid == uid))?;
            Some(list.first + index as u32)
        });
        if let (Some(position), Some(element)) = (position, viewport.get_untracked())
            && let Some(top) = geometry.with_untracked(|geometry| geometry.reveal(position))
        {
            element.set_scroll_top(top as i32);
        }
        ui.reveal.set(None);
    });
    // Only a row that is in the document can be named.
    let active = move || {
        let uid = ui.cursor.get()?;
        list.with(|list| {
            list.as_ref()?
                .rows
                .iter()
                .flatten()
                .any(|row| row.uid == uid)
                .then_some(())
        })?;
        Some(hand::row_id(uid))
    };
    let state = memo(move || list.with(|list| list.as_ref().map(|list| list.state.clone())));
    let offset = move || {
        let first = drawn.with(|(_, rows)| rows.start);
        format!(
            "translateY({}px)",
            geometry.with(|geometry| geometry.place(first)) as i64
        )
    };
    let label = memo(move || {
        let name = list.with(|list| {
            list.as_ref()
                .map(|list| list.mailbox.clone())
                .unwrap_or_default()
        });
        ui.device.mailboxes.with(|m| {
            m.iter()
                .find(|m| m.name == name)
                .map_or(name, |m| m.label.clone())
        })
    });
    let swiping = hand::Swiping::new();
    view! {
        <section class="list-pane" aria-label=live(move || label.get())>
            <Toolbar label />
            <div
                id="messages"
                class="viewport"
                role="grid"
                tabindex="0"
                aria-label="Messages"
                aria-rowcount=live(move || total.get())
                aria-multiselectable="true"
                aria-busy=live(move || (state.get() == Some(ListState::Loading)).to_string())
                aria-activedescendant=live(active)
                node_ref=viewport
                on:scroll=heard(move |_| measure())
            >
                <div class="area" role="presentation" style:height=live(move || format!("{}px", geometry.with(Geometry::height) as i64))>
                    <div
                        class="rows"
                        role="rowgroup"
                        style:transform=live(offset)
                        on:click=heard(move |event: MouseEvent| hand::click(ui, &event))
                        on:dragstart=heard(move |event: DragEvent| hand::drag_start(&event))
                        on:touchstart=heard(move |event: TouchEvent| swiping.touch_start(&event))
                        on:touchmove=heard(move |event: TouchEvent| swiping.touch_move(&event))
                        on:touchcancel=heard(move |_| drop(swiping.touch_end()))
                        on:touchend=heard(move |_| {
                            if let Some((uid, action)) = swiping.touch_end() {
                                ui.act_on(Target::Uids(vec![uid]), action);
                            }
                        })
                    >
                        {swiping.hint(list)}
                        {each(
                            move || list.with(|list| {
                                let Some(list) = list else { return Vec::new() };
                                drawn
                                    .get()
                                    .1
                                    .filter_map(|position| {
                                        let row = list.rows.get(position.checked_sub(list.first)? as usize)?;
                                        let remote = row.as_ref().is_some_and(|row| list.remote_rows.contains(&row.uid));
                                        Some((position, row.clone(), remote))
                                    })
                                    .collect::<Vec<_>>()
                            }),
                            // A row is drawn anew when anything in it changes, and moved when only its place does.
                            |(position, row, remote)| match row {
                                Some(summary) => (u32::from(*remote), Some(summary.clone())),
                                None => (position + 2, None),
                            },
                            |(_, summary, remote)| match summary {
                                Some(summary) => view! { <Row summary remote /> }.into_any(),
                                None => view! {
                                    <div class="row skeleton" role="row" aria-busy="true"><span role="gridcell"></span><span role="presentation"></span></div>
                                }
                                .into_any(),
                            },
                        )}
                    </div>
                </div>
            </div>
            <Placeholder />
        </section>
    }
}

/// What stands where there are no rows: loading, nothing, or what went wrong.
#[component]
fn Placeholder() -> impl IntoView {
    let ui = expect_context::<Ui>();
    let list = ui.device.list;
    let what = memo(move || {
        list.with(|list| match list {
            None => (true, None),
            Some(list) => match &list.state {
                ListState::Failed(why) if list.total == 0 => (
                    false,
                    Some(("These messages could not be loaded", why.clone())),
                ),
                ListState::Loading if list.rows.is_empty() => (true, None),
                ListState::Ready if list.total == 0 => {
                    let text = match list.filter {
                        _ if matches!(list.reach, Reach::Device(_)) => (
                            "Nothing found here",
                            "The mail server is asked as soon as there is a connection.",
                        ),
                        _ if !list.search.is_empty() => (
                            "Nothing found",
                            "No message in this folder matches your search.",
                        ),
                        Filter::All => (
                            "Nothing here",
                            "Messages appear here by themselves as they come.",
                        ),
                        Filter::Unread => {
                            ("All read", "There is no unread message in this folder.")
                        }
                        Filter::Starred => ("No stars", "Star a message to find it here."),
                        Filter::Attachment => {
                            ("No attachments", "No message in this folder has one.")
                        }
                    };
                    (false, Some((text.0, text.1.to_owned())))
                }
                _ => (false, None),
            },
        })
    });
    move || {
        match what.get() {
        (true, _) => view! {
            <div class="loading" aria-hidden="true">
                {(0..8).map(|_| view! { <div class="row skeleton"><span></span><span></span></div> }).collect_view()}
            </div>
        }
        .into_any(),
        (false, Some((title, text))) => view! {
            <div class="empty"><h2>{title}</h2><p>{text}</p></div>
        }
        .into_any(),
        _ => ().into_any(),
    }
    }
}
