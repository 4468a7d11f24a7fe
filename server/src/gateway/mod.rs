//! One task for each signed-in account; devices attach to it.

mod account;
mod accounts;
mod jobs;
mod ledger;
mod outgoing;
mod schedule;
mod signin;
mod uploads;

pub use account::{Device, DeviceId, Event, LINGER};
pub use accounts::{Account, Accounts};
pub use outgoing::Post;
pub use signin::SignInLimits;
pub use uploads::{UploadError, Uploads};
