//! Roost's gateway: a thin axum server that holds the IMAP sessions of the people signed in, translates between IMAP
//! and the wire protocol, sanitizes what is shown, serves the app, and keeps no mail.

pub mod content;
pub mod gateway;
pub mod http;
pub mod imap;
mod sasl;
pub mod settings;
mod smtp;

/// The version and build of this gateway and of the app inside it. A device of another build is asked to reload.
const BUILD: &str = env!("CARGO_PKG_VERSION");

/// [`BUILD`]. A gateway built for tests says another where `ROOST_BUILD` has one: so they play an upgrade.
fn build() -> String {
    let played = cfg!(debug_assertions).then(|| std::env::var("ROOST_BUILD"));
    played
        .and_then(Result::ok)
        .unwrap_or_else(|| BUILD.to_owned())
}
