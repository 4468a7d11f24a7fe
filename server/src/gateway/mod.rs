//! One task for each signed-in account; devices attach to it.

mod account;
mod accounts;
mod ledger;
mod signin;

pub use account::{Device, DeviceId, Event, LINGER};
pub use accounts::{Account, Accounts};
pub use signin::SignInLimits;
