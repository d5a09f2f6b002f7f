//! Every SQL statement of the store, so that a test can prepare each on both engines.

/// Declares the statements of a file: a constant each, and the list of them.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* pub(super) const $name: &str = $text;)+
        /// Every statement of the file, with its name.
        pub(in crate::store) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(super) use statements;

/// Every statement of the store, by file, with its name.
pub const ALL: &[&[(&str, &str)]] = &[
    super::audit::sql::ALL,
    super::call_counts::sql::ALL,
    super::connections::sql::ALL,
    super::credentials::sql::ALL,
    super::erase::sql::ALL,
    super::erase::sql::OWNED,
    super::limits::sql::ALL,
    super::links::sql::ALL,
    super::mirror::apply::sql::ALL,
    super::mirror::comparison::sql::ALL,
    super::mirror::customers::sql::ALL,
    super::mirror::marks::sql::ALL,
    super::mirror::rates::sql::ALL,
    super::mirror::read::sql::ALL,
    super::mirror::reference::sql::ALL,
    super::once::sql::ALL,
    super::seals::sql::ALL,
    super::key_list::sql::ALL,
    super::signing_keys::sql::ALL,
    super::tenants::sql::ALL,
    super::versions::sql::ALL,
    super::webhooks::sql::ALL,
];
