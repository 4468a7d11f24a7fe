//! The gateway and the app's engine against real servers, and against scripted ones for what a real one will not do. One
//! program, so that tests which mostly wait do so side by side.

mod commands;
mod conflicts;
mod hostile_servers;
mod kills;
mod later;
mod offers;
mod outgoing;
mod random;
mod search;
