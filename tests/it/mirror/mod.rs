//! The mirror against books that change: the sync over the real connectors, a sandbox and both
//! databases.

mod budget;
mod comparison;
mod day;
mod faults;
mod hints;
mod open_page;
pub(crate) mod rig;
mod schedules;
