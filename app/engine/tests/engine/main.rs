//! The engine as a tab and a gateway see it.

mod conflicts;
mod device;
mod drafts;
mod fill;
mod flow;
mod kept;
mod later;
mod leaving;
mod queue;
mod search;
mod sync;
