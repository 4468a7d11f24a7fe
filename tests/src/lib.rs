//! The stage on which Roost is tested: a private Dovecot, Postfix and gateway on free loopback ports, each with a
//! directory of its own, any number side by side, always stopped; a proxy that cuts, delays and throttles; a scripted
//! IMAP server for what a real one will not do; and a plain IMAP client as another device.

pub mod client;
pub mod device;
pub mod dovecot;
pub mod gateway;
pub mod independent;
pub mod mail;
pub mod postfix;
pub mod process;
pub mod proxy;
pub mod scripted;
pub mod writing;
