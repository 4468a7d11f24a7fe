//! The sign-in form, alone or over the page of an expired session.

use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use roost_engine::{Intent, Stage};

use crate::device::Device;
use crate::ui::icon::logo;
use crate::ui::live::{effect, live, memo, shown};

#[component]
pub fn SignIn(
    /// Whether it lies over what was on screen.
    overlay: bool,
) -> impl IntoView {
    let device = expect_context::<Device>();
    let username = NodeRef::<Input>::new();
    let password = NodeRef::<Input>::new();
    let shared = NodeRef::<Input>::new();
    let busy = memo(move || {
        device
            .session
            .with(|session| session.stage == Stage::SigningIn)
    });
    let problem = memo(move || {
        device.session.with(|session| match &session.stage {
            Stage::SignedOut { problem, .. } => problem.clone(),
            _ => String::new(),
        })
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let value =
            |input: NodeRef<Input>| input.get_untracked().map(|i| i.value()).unwrap_or_default();
        device.send(Intent::SignIn {
            username: value(username).trim().to_owned(),
            password: value(password),
            shared: shared.get_untracked().is_some_and(|input| input.checked()),
        });
    };
    // Where the next keystroke belongs: the first empty field, or the password after it was wrong.
    effect(move || {
        let again = !problem.get().is_empty();
        if let (Some(name), Some(secret)) = (username.get(), password.get()) {
            if again {
                let _ = secret.focus();
                secret.select();
            } else {
                let _ = name.focus();
            }
        }
    });
    view! {
        <main class="sign-in" class:overlay=overlay>
            <form class="card" on:submit=submit aria-labelledby="sign-in-title">
                {logo()}
                <h1 id="sign-in-title">"Roost"</h1>
                <p class="lead">"Your mail, the same on every device."</p>
                <p class="problem" role="alert">{shown(move || problem.get())}</p>
                <label>
                    "Username"
                    <input
                        node_ref=username
                        name="username"
                        type="text"
                        autocomplete="username"
                        autocapitalize="none"
                        spellcheck="false"
                        required
                    />
                </label>
                <label>
                    "Password"
                    <input node_ref=password name="password" type="password" autocomplete="current-password" required />
                </label>
                <label class="check">
                    <input node_ref=shared type="checkbox" name="shared" />
                    "This is a shared computer"
                </label>
                <button class="primary" type="submit" disabled=live(move || busy.get())>
                    {shown(move || if busy.get() { "Signing in…" } else { "Sign in" })}
                </button>
            </form>
        </main>
    }
}
