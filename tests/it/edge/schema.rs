//! The published schema.

use financial_pulse::graphql::sdl;

#[test]
fn the_published_schema_is_current() {
    let published = include_str!("../../../schema.graphql");
    assert!(
        published == sdl(),
        "schema.graphql is not what the code makes; run `make schema`"
    );
}

/// Whoever codes against the schema learns its meaning from it.
#[test]
fn everything_is_described() {
    let sdl = sdl();
    let mut described = false;
    let mut in_text = false;
    let mut bare = Vec::new();
    for line in sdl.lines() {
        let line = line.trim();
        if line.starts_with("\"\"\"") {
            in_text = !in_text;
            described = true;
            continue;
        }
        if in_text {
            continue;
        }
        if line.starts_with('"') {
            described = true;
            continue;
        }
        let declares = !line.is_empty()
            && !line.starts_with(['}', ')'])
            && !line.starts_with("directive ")
            && !line.starts_with("schema ")
            // The roots, named in the schema's own block.
            && !["query:", "mutation:", "subscription:"].iter().any(|root| line.starts_with(root));
        if declares && !described {
            bare.push(line.to_owned());
        }
        described = false;
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
}
