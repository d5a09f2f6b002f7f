//! What the GraphQL door reads: documents and their limits, requests in body and address, headers,
//! cursors.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_graphql::Request;
use async_graphql::connection::CursorType as _;
use async_graphql::connection::OpaqueCursor;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use axum::http::{HeaderMap, HeaderValue, header};
use financial_pulse::clock::Clock;
use financial_pulse::graphql::types::transaction::parse_cursor;
use financial_pulse::graphql::{PulseSchema, SchemaSettings, limits, schema};
use financial_pulse::http::bearer::{bearer_token, strip_scheme};
use financial_pulse::http::negotiation::{MediaType, Parameters, bypasses_kept, sends_json};
use financial_pulse::http::request_id::RequestIds;
use financial_pulse::service::transactions::TransactionCursor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::form_urlencoded;

use super::material::clock;
use super::services::{empty_store, runtime, services};
use super::{Entry, fate, input, taken_apart};

pub(super) const DOCUMENTS: Entry = Entry {
    name: "documents",
    longest: 4096,
    sample: 4_000,
    run: run_documents,
    seeds: document_seeds,
    words: &[
        "query ",
        "mutation ",
        "subscription ",
        "fragment ",
        " on ",
        "...",
        "@skip(if: true)",
        "@include(if: $a)",
        "viewer",
        "contact(id: \"native:person:1\")",
        "creditCheck(contactId: \"a\", amount: {amount: \"1\", currency: \"USD\"})",
        "customers(search: \"a\", first: 10)",
        "pulse",
        "transactions(first: 20, after: \"\")",
        "edges { node {",
        "id",
        "name",
        "$a: Boolean!",
        "\"\"\"",
        "\\u0000",
        "\\u{110000}",
        "__schema { types { name } }",
        "__typename",
        "alias: ",
        "{",
        "}",
        "1e400",
        "-9223372036854775809",
        "#",
    ],
};

pub(super) const REQUESTS: Entry = Entry {
    name: "requests",
    longest: 2048,
    sample: 20_000,
    run: run_requests,
    seeds: request_seeds,
    words: &[
        "{\"query\":\"",
        "\"operationName\":",
        "\"variables\":{",
        "\"extensions\":{",
        "query=",
        "&variables=",
        "&operationName=",
        "%7B",
        "%00",
        "+",
        "application/json",
        "application/graphql-response+json",
        "; charset=utf-8",
        ";q=0.5",
        "*/*",
        ", ",
        "no-cache",
        "Bearer ",
        "bearer\t",
        "1.50",
        "1e400",
        "null",
        "\\ud800",
    ],
};

pub(super) const CURSORS: Entry = Entry {
    name: "cursors",
    longest: 256,
    sample: 20_000,
    run: run_cursors,
    seeds: cursor_seeds,
    words: &[
        "2026-04-24",
        " acme-quickbooks ",
        "invoice:1",
        "credit_note:",
        "journal_entry:3#7",
        "-009999-01-01",
        " ",
        "+00:00",
        "T00:00",
        "[UTC]",
        "20260424",
        "IjIwMjYt",
        "\"",
        "\\u0000",
    ],
};

/// No document within the limits keeps the validation busy for so long, in any build on any machine.
const LONGEST: Duration = Duration::from_secs(5);

/// The schema over a store without anything in it. Nobody has signed in, so no resolver goes there.
static SCHEMA: LazyLock<(Runtime, PulseSchema, TempDir)> = LazyLock::new(|| {
    let runtime = runtime();
    let (schema, directory) = runtime.block_on(async {
        let (store, directory) = empty_store().await;
        let clock: Arc<dyn Clock> = clock();
        let services = services(&store, &clock);
        (schema(services, &SchemaSettings::default()), directory)
    });
    (runtime, schema, directory)
});

fn run_documents(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else {
        return 1;
    };
    let begun = Instant::now();
    let document = limits::parse(text, SchemaSettings::default().max_depth);
    assert!(
        begun.elapsed() < LONGEST,
        "reading took {:?}",
        begun.elapsed()
    );
    let document = match document {
        Err(error) => {
            assert!(
                error.message.len() <= 4 * text.len() + 1_000,
                "{}",
                error.message
            );
            let word: String = error
                .message
                .chars()
                .filter(char::is_ascii_lowercase)
                .take(30)
                .collect();
            return fate(word);
        }
        Ok((document, _)) => document,
    };
    let written = written_out(&document);
    assert!(
        written.is_none_or(|fields| fields <= 1_000),
        "{written:?} fields"
    );
    let (runtime, schema, _) = &*SCHEMA;
    let begun = Instant::now();
    let answer = runtime.block_on(schema.execute(Request::new(text)));
    assert!(
        begun.elapsed() < LONGEST,
        "validation took {:?}",
        begun.elapsed()
    );
    let answer_text = serde_json::to_string(&answer).expect("an answer is JSON");
    assert!(
        answer_text.len() <= 1_000 * (text.len() + 10),
        "{} bytes",
        answer_text.len()
    );
    let kinds: Vec<_> = document
        .operations
        .iter()
        .map(|(_, one)| one.node.ty.to_string())
        .collect();
    let messages = answer.errors.iter().map(|error| {
        error
            .message
            .chars()
            .filter(char::is_ascii_lowercase)
            .take(25)
            .collect::<String>()
    });
    let mut messages: Vec<String> = messages.collect();
    messages.sort();
    messages.dedup();
    fate((kinds, messages, written.map(|fields| fields.min(30))))
}

/// How many fields the largest operation has with its fragments written out, counted without a table;
/// `None` where that would take too long, or fragments go in a circle.
fn written_out(document: &ExecutableDocument) -> Option<u64> {
    fn count(
        document: &ExecutableDocument,
        set: &SelectionSet,
        depth: u8,
        left: &mut u64,
    ) -> Option<u64> {
        let depth = depth.checked_sub(1)?;
        let mut sum = 0;
        for item in &set.items {
            *left = left.checked_sub(1)?;
            sum += match &item.node {
                Selection::Field(field) => {
                    1 + count(document, &field.node.selection_set.node, depth, left)?
                }
                Selection::InlineFragment(inline) => {
                    count(document, &inline.node.selection_set.node, depth, left)?
                }
                Selection::FragmentSpread(spread) => {
                    match document.fragments.get(&spread.node.fragment_name.node) {
                        Some(known) => {
                            count(document, &known.node.selection_set.node, depth, left)?
                        }
                        None => 0,
                    }
                }
            };
        }
        Some(sum)
    }
    let mut left = 20_000;
    let sizes: Option<Vec<u64>> = document
        .operations
        .iter()
        .map(|(_, one)| count(document, &one.node.selection_set.node, 100, &mut left))
        .collect();
    sizes?.into_iter().max()
}

fn document_seeds() -> Vec<Vec<u8>> {
    [
        "{ viewer { role } }",
        "query Q($a: ID!, $b: Boolean = true) { contact(id: $a) { id link { status } pulse @include(if: $b) { \
         asOf decision { result } transactions(first: 5, after: \"x\") { edges { node { id total { amount } } } } } } }",
        "mutation { linkContact(contactId: \"a\", customerId: \"b\", reason: \"c\") { id } }",
        "subscription { pulseChanged(contactId: \"native:person:1\") { asOf } }",
        "{ a: viewer { ...f } b: viewer { ...f ...g } } fragment f on Viewer { role name } fragment g on Viewer { ...f }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        "{ creditCheck(contactId: \"native:person:1\", amount: {amount: \"1.5\", currency: \"USD\"}) { result } }",
        "{ customers(search: \"\"\"a \\\"\"\" b\"\"\", first: 10) { id name } __typename }",
        "query A { viewer { role } } query B { viewer @skip(if: false) { role } }",
        "{ __schema { types { name fields { name } } } }",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

const BODY: u8 = 0;
const ADDRESS: u8 = 1;
const HEADERS: u8 = 2;

fn run_requests(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, 3) else {
        return 0;
    };
    match mode {
        BODY => fate((mode, of_body(pieces[0]))),
        ADDRESS => {
            let text = std::str::from_utf8(pieces[0]);
            fate((mode, text.map_or_else(|_| "no text".to_owned(), of_address)))
        }
        _ => fate((mode, of_headers(&pieces))),
    }
}

/// A body that reads is one JSON object, and its variables stay as they are, to the digit.
fn of_body(body: &[u8]) -> String {
    let parameters = match Parameters::from_body(body) {
        Err(words) => {
            assert!(words.len() < 300, "{words}");
            return words.chars().filter(char::is_ascii_alphabetic).collect();
        }
        Ok(parameters) => parameters,
    };
    // A member that nobody reads may hold what is no text.
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let query = parameters.query.clone();
    let name = parameters.operation_name.clone();
    assert!(
        query.is_some() || parameters.document_id.is_some(),
        "no document"
    );
    let request = parameters.into_request(query.clone().unwrap_or_default());
    assert_eq!(request.operation_name, name);
    let variables = serde_json::to_value(&request.variables).expect("JSON");
    let object = told.is_object();
    assert!(object || told.is_null(), "{told} is no object");
    if object {
        assert_eq!(told["query"], query.map(Value::from).unwrap_or_default());
        let given = match &told["variables"] {
            Value::Null => json!({}),
            given => given.clone(),
        };
        assert_eq!(variables, given);
    }
    format!(
        "{} {object} {}",
        name.is_some(),
        variables.as_object().map_or(0, serde_json::Map::len).min(4)
    )
}

fn of_address(text: &str) -> String {
    let parameters = match Parameters::from_query_string(text) {
        Err(words) => return words,
        Ok(parameters) => parameters,
    };
    let query = parameters.query.clone();
    let document = parameters.document_id.clone();
    let name = parameters.operation_name.clone();
    let request = parameters.into_request(String::new());
    let mut again = form_urlencoded::Serializer::new(String::new());
    if let Some(query) = &query {
        again.append_pair("query", query);
    }
    if let Some(document) = &document {
        again.append_pair("documentId", document);
    }
    if let Some(name) = &name {
        again.append_pair("operationName", name);
    }
    let variables = serde_json::to_string(&request.variables).expect("JSON");
    again.append_pair("variables", &variables);
    let again = Parameters::from_query_string(&again.finish()).expect("our own");
    assert_eq!((&again.query, &again.document_id), (&query, &document));
    assert_eq!(again.operation_name, name);
    let again = serde_json::to_string(&again.into_request(String::new()).variables).expect("JSON");
    assert_eq!(again, variables);
    format!("{} {}", name.is_some(), variables.len().min(20))
}

fn of_headers(pieces: &[&[u8]]) -> String {
    let mut headers = HeaderMap::new();
    let names = [
        header::ACCEPT,
        header::CONTENT_TYPE,
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        financial_pulse::http::request_id::HEADER,
        header::ACCEPT,
    ];
    for (name, piece) in names.into_iter().zip(pieces) {
        if let Ok(value) = HeaderValue::from_bytes(piece) {
            headers.append(name, value);
        }
    }
    let id = RequestIds::default().of(&headers);
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    assert!((1..=64).contains(&id.as_str().len()) && id.as_str().bytes().all(fit));
    let json = sends_json(&headers);
    if json {
        let value = headers[header::CONTENT_TYPE]
            .to_str()
            .expect("text")
            .to_ascii_lowercase();
        assert!(
            value.trim_start().starts_with("application/json"),
            "{value}"
        );
    }
    let token = bearer_token(&headers);
    if let Some(token) = &token {
        assert!(!token.is_empty() && !token.starts_with(' '));
        let value = headers[header::AUTHORIZATION].to_str().expect("text");
        assert_eq!(strip_scheme(value), Some(*token));
    }
    let accepted = MediaType::accepted(&headers);
    let word = accepted.map(|kind| kind.header().to_str().unwrap_or_default().to_owned());
    format!(
        "{json} {} {word:?} {}",
        token.is_some(),
        bypasses_kept(&headers)
    )
}

fn request_seeds() -> Vec<Vec<u8>> {
    let body = json!({"query": "{ viewer { role } }", "operationName": "A",
        "variables": {"n": 20, "deep": {"list": [1.50, "x", null, true]}}, "extensions": {}});
    let address =
        "query=%7B+viewer+%7B+role+%7D+%7D&operationName=A&variables=%7B%22n%22%3A1.50%7D";
    let headers: [&[u8]; 6] = [
        b"application/graphql-response+json; charset=utf-8, application/json; q=0.9",
        b"application/json; charset=\"UTF-8\"",
        b"Bearer eyJ.eyJ.AA",
        b"max-age=0, no-cache",
        b"request-1.2_3",
        b"*/*;q=0.1",
    ];
    vec![
        input(BODY, &[body.to_string().as_bytes()]),
        input(BODY, &[br#"{"query":"{a}","variables":null}"#]),
        input(BODY, &[br#"["{a}","A",{"n":1},{}]"#]),
        input(
            BODY,
            &[br#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00ff"}}}"#],
        ),
        input(ADDRESS, &[b"documentId=00ff&variables=%7B%7D"]),
        input(ADDRESS, &[address.as_bytes()]),
        input(HEADERS, &headers),
    ]
}

/// A place reads to what is written for the same place.
fn run_cursors(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, 2) else {
        return 0;
    };
    let Ok(text) = std::str::from_utf8(pieces[0]) else {
        return 1;
    };
    let text = if mode == 0 {
        text.to_owned()
    } else {
        OpaqueCursor(text.to_owned()).encode_cursor()
    };
    let Ok(cursor) = parse_cursor(&text) else {
        return 2;
    };
    let plain = cursor.as_text();
    assert_eq!(
        TransactionCursor::parse(&plain).as_ref(),
        Some(&cursor),
        "{plain}"
    );
    let again = parse_cursor(&OpaqueCursor(plain.clone()).encode_cursor());
    assert_eq!(again.ok(), Some(cursor), "{plain}");
    fate((mode, plain.len().min(60)))
}

fn cursor_seeds() -> Vec<Vec<u8>> {
    let plain = [
        "2026-04-24 acme-quickbooks invoice:130",
        "2026-04-24 a journal_entry:3#7 x",
    ];
    let opaque = plain.map(|text| OpaqueCursor(text.to_owned()).encode_cursor());
    let mut seeds: Vec<_> = plain
        .iter()
        .map(|text| input(1, &[text.as_bytes()]))
        .collect();
    seeds.extend(opaque.iter().map(|text| input(0, &[text.as_bytes()])));
    seeds
}
