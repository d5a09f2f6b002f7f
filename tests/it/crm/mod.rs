//! The CRMs as an integrator meets them: the commands that register one, and what is written of them.

mod commands;
mod documents;
