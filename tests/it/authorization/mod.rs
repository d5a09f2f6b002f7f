//! Who sees what: every field against every kind of caller, two tenants side by side, and what ends
//! the moment it is taken away. Against the running service, through HTTP and sockets.

mod accounts;
mod acts;
mod books;
mod fields;
mod pinning;
mod place;
mod schema;
mod socket;
mod table;
mod tenants;
mod told;
mod world;
