//! What is inside messages: decoded, sanitized, laid out for the device. Mail is hostile input; everything here runs on
//! bounded data and off the async threads.

mod body;
mod charset;
pub mod compose;
mod cost;
mod css;
mod html;
mod plain;
mod stream;
mod transfer;

pub use body::{RawMessage, Text, assemble, composed, from_raw};
pub use charset::decode;
pub use html::{Images, sanitize};
pub use stream::{OpenPart, PartContent, PartStream, open_part};
pub use transfer::Decoder;
