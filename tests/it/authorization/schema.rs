//! The schema as its own description tells it, and questions made from it: for one field, and for
//! all fields at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use serde_json::Value;

/// The roots, in the order in which a field's path is looked for.
pub(super) const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

/// The types that have fields.
pub(super) struct Schema {
    types: BTreeMap<String, Vec<Field>>,
}

/// A field of a type.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) owner: String,
    pub(super) name: String,
    /// What it holds, whether one or a list.
    pub(super) holds: String,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
struct Argument {
    name: String,
    required: bool,
}

/// What to write for an argument of a field; `None` to leave it out.
pub(super) type Write<'a> = &'a dyn Fn(&Field, &str) -> Option<String>;

impl Field {
    /// `Type.field`, as the table names it.
    pub(super) fn key(&self) -> String {
        format!("{}.{}", self.owner, self.name)
    }

    /// Its name with its arguments.
    fn asked(&self, write: Write<'_>) -> String {
        let written: Vec<String> = self
            .arguments
            .iter()
            .filter_map(|argument| {
                let value = write(self, &argument.name);
                assert!(
                    value.is_some() || !argument.required,
                    "say in `Question::write` what to send for {}({})",
                    self.key(),
                    argument.name
                );
                value.map(|value| format!("{}: {value}", argument.name))
            })
            .collect();
        if written.is_empty() {
            self.name.clone()
        } else {
            format!("{}({})", self.name, written.join(", "))
        }
    }
}

impl Schema {
    /// The schema of this build.
    pub(super) fn read() -> Self {
        let parsed = parse_schema(financial_pulse::graphql::sdl()).expect("our own schema");
        let mut types = BTreeMap::new();
        for definition in parsed.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let owner = definition.node.name.node.to_string();
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(_) | TypeKind::Union(_) => {
                    panic!("{owner}: questions are not yet made for interfaces and unions")
                }
                _ => continue,
            };
            let fields = fields
                .into_iter()
                .map(|field| Field {
                    owner: owner.clone(),
                    name: field.node.name.node.to_string(),
                    holds: named(&field.node.ty.node),
                    arguments: field
                        .node
                        .arguments
                        .into_iter()
                        .map(|argument| Argument {
                            name: argument.node.name.node.to_string(),
                            required: !argument.node.ty.node.nullable
                                && argument.node.default_value.is_none(),
                        })
                        .collect(),
                })
                .collect();
            types.insert(owner, fields);
        }
        Self { types }
    }

    /// Every field that can be reached from a root.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.paths().into_keys().collect()
    }

    /// The shortest way to each field, itself at the end: by way of the contact where there is one.
    pub(super) fn paths(&self) -> BTreeMap<String, Vec<Field>> {
        let mut paths: BTreeMap<String, Vec<Field>> = BTreeMap::new();
        let roots = ROOTS.into_iter().flat_map(|root| &self.types[root]);
        let contact = self.field("Query", "contact");
        for root in [contact].into_iter().chain(roots) {
            let mut waiting = VecDeque::from([vec![root.clone()]]);
            let mut seen = BTreeSet::new();
            while let Some(path) = waiting.pop_front() {
                let last = path.last().expect("a field");
                for field in self.types.get(&last.holds).into_iter().flatten() {
                    let mut longer = path.clone();
                    longer.push(field.clone());
                    // A type is entered once from each root, which also ends circles.
                    if seen.insert(field.key()) {
                        waiting.push_back(longer);
                    }
                }
                paths.entry(last.key()).or_insert(path);
            }
        }
        paths
    }

    /// A question for the field at the end of a path.
    pub(super) fn question(&self, name: &str, path: &[Field], write: Write<'_>) -> String {
        let kind = path[0].owner.to_lowercase();
        let mut question = format!("{kind} {name}");
        for field in path {
            question.push_str(" { ");
            question.push_str(&field.asked(write));
        }
        let last = path.last().expect("a field");
        if self.types.contains_key(&last.holds) {
            question.push_str(" { __typename }");
        }
        question + &" }".repeat(path.len())
    }

    /// A question for everything below a field of a root.
    pub(super) fn question_for_all(
        &self,
        name: &str,
        root: &str,
        field: &str,
        write: Write<'_>,
    ) -> String {
        let field = self.field(root, field);
        let kind = root.to_lowercase();
        let selection = self.everything(field, write);
        format!("{kind} {name} {{ {selection} }}")
    }

    fn everything(&self, field: &Field, write: Write<'_>) -> String {
        let asked = field.asked(write);
        match self.types.get(&field.holds) {
            None => asked,
            Some(fields) => {
                let inner: Vec<String> = fields
                    .iter()
                    .map(|field| self.everything(field, write))
                    .collect();
                format!("{asked} {{ {} }}", inner.join(" "))
            }
        }
    }

    /// Some of what is below a field: what `keep` takes.
    pub(super) fn some(
        &self,
        field: &Field,
        write: Write<'_>,
        keep: &mut dyn FnMut() -> bool,
    ) -> String {
        let asked = field.asked(write);
        let Some(fields) = self.types.get(&field.holds) else {
            return asked;
        };
        let mut inner = vec!["__typename".to_owned()];
        for field in fields {
            if keep() {
                inner.push(self.some(field, write, keep));
            }
        }
        format!("{asked} {{ {} }}", inner.join(" "))
    }

    pub(super) fn field(&self, owner: &str, name: &str) -> &Field {
        let mut fields = self.types[owner].iter();
        fields
            .find(|field| field.name == name)
            .unwrap_or_else(|| panic!("{owner} has no field {name}"))
    }

    /// Shows every field of an answer's object, at any depth, with its value.
    pub(super) fn walk(&self, owner: &str, value: &Value, show: &mut dyn FnMut(&Field, &Value)) {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.walk(owner, item, show);
                }
            }
            Value::Object(values) => {
                for (name, value) in values.iter().filter(|(name, _)| *name != "__typename") {
                    let field = self.field(owner, name);
                    show(field, value);
                    if self.types.contains_key(&field.holds) {
                        self.walk(&field.holds, value, show);
                    }
                }
            }
            _ => {}
        }
    }
}

fn named(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => named(inner),
    }
}

/// Where along a path an answer's data ends: the position of the first field at which nothing is
/// left, or `None` where the last one has something.
pub(super) fn ends_at(data: &Value, path: &[Field]) -> Option<usize> {
    let mut values = vec![data];
    for (position, field) in path.iter().enumerate() {
        values = values
            .into_iter()
            .map(|value| &value[&field.name])
            .flat_map(flat)
            .filter(|value| !value.is_null())
            .collect();
        if values.is_empty() {
            return Some(position);
        }
    }
    None
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        other => vec![other],
    }
}
