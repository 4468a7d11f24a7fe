//! The gateway's conduct towards the mail server, following a connection's life: endpoint, guard, connection, pool;
//! then what is done over it: mailboxes, messages, search, mutations, parts; and the watch.

mod append;
mod capabilities;
mod claim;
mod command;
mod connection;
mod endpoint;
mod error;
mod guard;
mod mailboxes;
mod messages;
mod mutations;
mod parts;
mod pool;
mod probe;
mod response;
mod search;
pub mod structure;
mod to_wire;
mod utf7;
mod value;
pub mod watch;

pub use append::{append, find, replace};
pub use capabilities::Capabilities;
pub use claim::{Waiting, claim, waiting};
pub use connection::{Connection, Credentials};
pub use endpoint::{Endpoint, PATIENCE, Protocol, Security, Tls};
pub use error::ImapError;
pub use mailboxes::{list, status};
pub use messages::{delta, summaries, window};
pub use mutations::{Applied, apply, create, is_repeatable, mark, remove};
pub use parts::{Envelope, MAX_RAW, MAX_TEXT, SLICE, envelope, part, raw_size, slice};
pub use pool::{Lease, Pool, Priority};
pub use probe::probe;
pub use search::search;
pub use to_wire::{addresses, one_line};
