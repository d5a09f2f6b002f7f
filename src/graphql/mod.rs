//! The GraphQL schema over the services. `schema.graphql` at the root is generated from it.

#![expect(
    clippy::unused_async,
    reason = "a resolver is async by the engine's contract, whether it waits or not"
)]

use async_graphql::{SDLExportOptions, Schema};

pub mod documents;
pub mod error;
pub mod limits;
pub mod mutation;
pub mod query;
pub mod request;
pub mod subscription;
pub mod trusted;
pub mod types;

use crate::auth::Role;
use crate::service::Services;
pub use mutation::Mutation;
pub use query::Query;
pub use subscription::Subscription;

/// The schema, ready to execute.
pub type PulseSchema = Schema<Query, Mutation, Subscription>;

/// What a schema allows.
#[derive(Clone, Copy, Debug)]
pub struct SchemaSettings {
    /// How deep a query may nest.
    pub max_depth: usize,
    /// How many fields a query may ask for, counting lists by their length.
    pub max_complexity: usize,
    /// The longest page of a list.
    pub max_page: usize,
    /// Whether errors suggest names that were perhaps meant.
    pub suggestions: bool,
}

/// Who may ask for the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Introspection {
    /// Nobody.
    #[default]
    Off,
    /// Administrators of a tenant.
    Admin,
    /// Whoever may ask anything.
    On,
}

impl Introspection {
    /// Whether a role may ask for the schema.
    pub fn is_open_to(self, role: Role) -> bool {
        match self {
            Self::Off => false,
            Self::Admin => role == Role::Admin,
            Self::On => true,
        }
    }
}

impl Default for SchemaSettings {
    fn default() -> Self {
        Self {
            max_depth: 12,
            max_complexity: 2_000,
            max_page: 100,
            suggestions: false,
        }
    }
}

/// Builds the schema over services.
pub fn schema(services: Services, settings: &SchemaSettings) -> PulseSchema {
    let builder = Schema::build(Query, Mutation, Subscription)
        .data(services)
        .data(request::PageLimit(settings.max_page))
        // The documents' own limit leaves more to questions about the schema.
        .limit_depth(settings.max_depth.max(limits::MAX_SCHEMA_DEPTH))
        .limit_complexity(settings.max_complexity)
        .limit_directives(limits::MAX_DIRECTIVES_PER_FIELD);
    if settings.suggestions {
        builder.finish()
    } else {
        builder.disable_suggestions().finish()
    }
}

/// The schema in the schema definition language, sorted, as it stands in `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .prefer_single_line_descriptions()
        .use_space_ident();
    Schema::build(Query, Mutation, Subscription)
        .finish()
        .sdl_with_options(options)
}
