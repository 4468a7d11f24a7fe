//! The engine as a tab and a gateway see it.

mod device;
mod drafts;
mod fill;
mod flow;
mod kept;
mod later;
mod search;
mod sync;
