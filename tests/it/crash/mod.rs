//! The real program, killed, stopped and left alone by its ledger: nothing may be lost or doubled,
//! no consent given up without need, and no figure shown that is not known.
//!
//! Every test runs the built binary as its own process beside a sandbox on loopback, on SQLite and,
//! where `PULSE_TEST_POSTGRES` names a server, on PostgreSQL.

mod books;
mod consent;
mod first_load;
mod mirror;
mod outage;
mod place;
mod race;
mod scale;
mod webhook;
