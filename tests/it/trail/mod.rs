//! What the installation remembers of people and what it forgets: the audit trail, views, erasing a
//! tenant, and the keys that secrets are sealed under.

mod chains;
mod commands;
mod erasing;
mod rotation;
mod seals;
mod tenants;
mod views;
