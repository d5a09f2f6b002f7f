//! Limits on a document before anything looks at it closely.
//!
//! The engine's own checks for depth and complexity walk the document with every fragment written
//! out, so that a few hundred bytes of fragments that spread each other twice would keep it busy for
//! hours. Here each fragment is measured once.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{
    ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Positioned, ServerError};

use super::error::request_error;
use crate::service::ErrorCode;

/// How many directives may stand on one field.
pub const MAX_DIRECTIVES_PER_FIELD: usize = 4;

/// How deep a question about the schema itself may nest: the one that tools ask goes 15 deep.
pub const MAX_SCHEMA_DEPTH: usize = 15;

/// How many words and signs a document may have. The widget's has about 250.
const MAX_TOKENS: usize = 2_000;

/// How many fields may be renamed. An honest client renames a few.
const MAX_ALIASES: usize = 30;

/// How many fields a document may have once its fragments are written out.
const MAX_FIELDS: u64 = 1_000;

/// How many directives a document may have in all.
const MAX_DIRECTIVES: u64 = 50;

/// How many fragments a document may define.
const MAX_FRAGMENTS: usize = 50;

/// What a document amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many fields stand at the top of its largest operation: each is a question of its own.
    pub roots: u32,
    /// Whether it asks for the schema.
    pub asks_for_schema: bool,
}

/// Parses a document and refuses what is too large.
///
/// # Errors
/// `BAD_USER_INPUT` for what does not parse or is beyond a limit.
pub fn parse(query: &str, max_depth: usize) -> Result<(ExecutableDocument, Extent), ServerError> {
    if tokens(query) > MAX_TOKENS {
        return Err(too_many("words", MAX_TOKENS));
    }
    let document = async_graphql::parser::parse_query(query).map_err(|error| unread(&error))?;
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(too_many("fragments", MAX_FRAGMENTS));
    }
    let mut measured = Measured {
        fragments: &document.fragments,
        sizes: HashMap::new(),
    };
    let mut extent = Extent {
        roots: 0,
        asks_for_schema: false,
    };
    for (_, operation) in document.operations.iter() {
        let directives = operation.node.directives.len();
        let size = measured
            .selection(&operation.node.selection_set.node)
            .plus(&Size::of_directives(directives));
        size.check(max_depth)?;
        extent.roots = extent
            .roots
            .max(u32::try_from(size.top).unwrap_or(u32::MAX));
        extent.asks_for_schema |= size.schema_depth > 0;
    }
    Ok((document, extent))
}

/// Says where a document cannot be read. The parser's own words are about its grammar.
fn unread(error: &async_graphql::parser::Error) -> ServerError {
    let at = error.positions().next();
    let place = at.map_or_else(String::new, |at| {
        format!(" (line {}, column {})", at.line, at.column)
    });
    let message = format!("the document is not GraphQL{place}");
    let mut refusal = request_error(ErrorCode::BadUserInput, message);
    refusal.locations.extend(at);
    refusal
}

/// The operation that a request means: the only one, or the one of that name.
///
/// # Errors
/// `BAD_USER_INPUT` when there is none or more than one may be meant.
pub fn operation<'doc>(
    document: &'doc ExecutableDocument,
    name: Option<&str>,
) -> Result<&'doc OperationDefinition, ServerError> {
    let bad = |message: &str| request_error(ErrorCode::BadUserInput, message);
    if let Some(name) = name {
        return document
            .operations
            .iter()
            .find(|(known, _)| known.is_some_and(|known| known == name))
            .map(|(_, operation)| &operation.node)
            .ok_or_else(|| bad("the document has no operation of that name"));
    }
    let mut operations = document.operations.iter();
    match (operations.next(), operations.next()) {
        (Some((_, only)), None) => Ok(&only.node),
        (None, _) => Err(bad("the document has no operation")),
        _ => Err(bad(
            "name one of the document's operations by operationName",
        )),
    }
}

/// A word for logs and metrics.
pub fn operation_word(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// What a part of a document amounts to with its fragments written out.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    /// Fields on the uppermost level.
    top: u64,
    depth: usize,
    /// The depth of what asks for the schema, counted apart.
    schema_depth: usize,
    fields: u64,
    aliases: u64,
    directives: u64,
}

impl Size {
    fn of_directives(count: usize) -> Self {
        Self {
            directives: count as u64,
            ..Self::default()
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            top: self.top.saturating_add(other.top),
            depth: self.depth.max(other.depth),
            schema_depth: self.schema_depth.max(other.schema_depth),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
        }
    }

    /// The same below one more field.
    fn below(self, field: &str) -> Self {
        let depth = self.depth + 1;
        let (depth, schema_depth) = if matches!(field, "__schema" | "__type") {
            (0, depth.max(self.schema_depth + 1))
        } else {
            let asks = usize::from(self.schema_depth > 0);
            (depth, self.schema_depth + asks)
        };
        Self {
            top: 0,
            depth,
            schema_depth,
            ..self
        }
    }

    fn check(&self, max_depth: usize) -> Result<(), ServerError> {
        if self.depth > max_depth || self.schema_depth > MAX_SCHEMA_DEPTH {
            let message = format!("the document is nested too deep: at most {max_depth} levels");
            Err(request_error(ErrorCode::BadUserInput, message))
        } else if self.fields > MAX_FIELDS {
            Err(too_many("fields", MAX_FIELDS))
        } else if self.aliases > MAX_ALIASES as u64 {
            Err(too_many("aliases", MAX_ALIASES))
        } else if self.directives > MAX_DIRECTIVES {
            Err(too_many("directives", MAX_DIRECTIVES))
        } else {
            Ok(())
        }
    }
}

struct Measured<'doc> {
    fragments: &'doc HashMap<Name, Positioned<FragmentDefinition>>,
    /// Each fragment's size once known; zero while it is being measured, which ends the walk in
    /// fragments that spread each other in a circle (the validation refuses those with words).
    sizes: HashMap<&'doc str, Size>,
}

impl<'doc> Measured<'doc> {
    fn selection(&mut self, set: &'doc SelectionSet) -> Size {
        set.items.iter().fold(Size::default(), |sum, item| {
            let size = match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let own = Size {
                        top: 1,
                        fields: 1,
                        aliases: u64::from(field.alias.is_some()),
                        directives: field.directives.len() as u64,
                        ..Size::default()
                    };
                    let inner = self.selection(&field.selection_set.node);
                    own.plus(&inner.below(&field.name.node))
                }
                Selection::InlineFragment(inline) => self
                    .selection(&inline.node.selection_set.node)
                    .plus(&Size::of_directives(inline.node.directives.len())),
                Selection::FragmentSpread(spread) => self
                    .fragment(&spread.node.fragment_name.node)
                    .plus(&Size::of_directives(spread.node.directives.len())),
            };
            sum.plus(&size)
        })
    }

    fn fragment(&mut self, name: &'doc Name) -> Size {
        if let Some(known) = self.sizes.get(name.as_str()) {
            return *known;
        }
        let Some(fragment) = self.fragments.get(name) else {
            return Size::default();
        };
        self.sizes.insert(name.as_str(), Size::default());
        let size = self.selection(&fragment.node.selection_set.node);
        self.sizes.insert(name.as_str(), size);
        size
    }
}

fn too_many(what: &str, limit: impl std::fmt::Display) -> ServerError {
    let message = format!("the document has too many {what}: at most {limit} are accepted");
    request_error(ErrorCode::BadUserInput, message)
}

/// Counts words and signs about as a lexer would, without making any. Text in quotes and comments
/// counts by its words too, which errs on the safe side.
fn tokens(query: &str) -> usize {
    let mut count = 0;
    let mut in_word = false;
    for byte in query.bytes() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        if word {
            count += usize::from(!in_word);
        } else if !byte.is_ascii_whitespace() && byte != b',' {
            count += 1;
        }
        in_word = word;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> String {
        parse(query, 12).expect_err("refused").message
    }

    fn extent(query: &str) -> Extent {
        parse(query, 12).expect("accepted").1
    }

    #[test]
    fn questions_at_the_top_are_counted_also_within_fragments() {
        assert_eq!(extent("{ a b c { d e } }").roots, 3);
        let spread = "{ a ...two ... { d } } fragment two on Query { b c { e f } }";
        assert_eq!(extent(spread).roots, 4);
        assert_eq!(extent("query A { a } query B { a b }").roots, 2);
    }

    #[test]
    fn the_schema_is_asked_for_openly_or_in_a_fragment() {
        assert!(!extent("{ a { __typename } }").asks_for_schema);
        assert!(extent("{ __schema { types { name } } }").asks_for_schema);
        assert!(extent("{ a: __type(name: \"A\") { name } }").asks_for_schema);
        assert!(extent("{ ...x } fragment x on Query { __schema { a } }").asks_for_schema);
    }

    #[test]
    fn depth_is_bounded_and_more_of_it_is_left_to_the_schema() {
        let nested = |root: &str, levels: usize| {
            let (open, close) = ("{ a ".repeat(levels - 1), "}".repeat(levels - 1));
            format!("{{ {root} {open} {close} }}")
        };
        assert!(parse(&nested("a", 12), 12).is_ok());
        assert!(refusal(&nested("a", 13)).contains("nested too deep"));
        assert!(parse(&nested("__schema", 15), 12).is_ok());
        assert!(refusal(&nested("__schema", 16)).contains("nested too deep"));
        let hidden = format!("{{ a {} }}", nested("__schema", 15));
        assert!(refusal(&hidden).contains("nested too deep"));
    }

    #[test]
    fn what_is_no_graphql_is_refused_by_its_place_alone() {
        assert_eq!(
            refusal("{ viewer { role }"),
            "the document is not GraphQL (line 1, column 18)"
        );
    }

    #[test]
    fn fragments_that_double_are_measured_in_no_time() {
        let doubling = (0..45).map(|level| {
            let next = level + 1;
            format!("fragment f{level} on Query {{ ...f{next} ...f{next} }}")
        });
        let mut query = doubling.collect::<Vec<_>>().join(" ");
        query.push_str(" fragment f45 on Query { viewer { role } } { ...f0 }");
        assert!(refusal(&query).contains("too many fields"));
    }

    #[test]
    fn fragments_in_a_circle_are_left_to_the_validation() {
        let circle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        assert!(parse(circle, 12).is_ok());
    }

    #[test]
    fn floods_are_refused() {
        let aliases = (0..31).map(|n| format!("a{n}: viewer{{role}}"));
        let aliases = aliases.collect::<Vec<_>>().join(" ");
        assert!(refusal(&format!("{{ {aliases} }}")).contains("aliases"));
        let words = "{ viewer { role } } ".repeat(400);
        assert!(refusal(&words).contains("words"));
        let directives = "@skip(if: false) ".repeat(51);
        assert!(refusal(&format!("{{ viewer {directives} {{ role }} }}")).contains("directives"));
    }
}
