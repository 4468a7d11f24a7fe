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
pub const BUILD: &str = env!("CARGO_PKG_VERSION");
