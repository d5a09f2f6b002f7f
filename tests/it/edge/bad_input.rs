//! Bad input, case by case: each has its typed error and its status, none is a fault of ours, and
//! nothing is written.

use financial_pulse::auth::Role;
use financial_pulse::clock::Clock;
use financial_pulse::config::Config;
use financial_pulse::service::limits::Limits;
use financial_pulse::service::linking::Linking;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use std::sync::Arc;

use super::harness::{App, BOOKS, CONTACT, Reply, TENANT};

/// A query or variables that are refused: what, the query, its variables, the code.
type Question = (&'static str, &'static str, Value, &'static str);

const CONTACT_BY_ID: &str = "query ($id: ID!) { contact(id: $id) { id } }";
const LINK: &str =
    "mutation ($in: LinkContactInput!) { linkContact(input: $in) { contact { id } } }";
const UNLINK: &str =
    "mutation ($in: LinkContactInput!) { unlinkContact(input: $in) { contact { id } } }";
const LIMIT: &str =
    "mutation ($in: SetCreditLimitInput!) { setCreditLimit(input: $in) { limit { reason } } }";
const CHECK: &str = "query ($a: MoneyInput!) { creditCheck(contactId: \"native:contact:anna\", amount: $a) { result } }";
const PAGE: &str = "query ($first: Int, $after: String, $filter: TransactionFilter) {
    contact(id: \"native:contact:anna\") { pulse { transactions(first: $first, after: $after, filter: $filter) { totalCount } } } }";
const AS_OF: &str =
    "query ($day: Date) { contact(id: \"native:contact:anna\") { pulse(asOf: $day) { asOf } } }";

fn limit(limit: &Value, more: &[(&str, Value)]) -> Value {
    let mut input = json!({"customerId": format!("{BOOKS}:1"), "limit": limit, "reason": "review"});
    for (name, value) in more {
        input[*name] = value.clone();
    }
    json!({ "in": input })
}

fn usd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn questions() -> Vec<Question> {
    let customer = format!("{BOOKS}:1");
    let bad = "BAD_USER_INPUT";
    vec![
        ("an empty query", "", json!({}), bad),
        ("no selection", "{ viewer }", json!({}), bad),
        ("an unknown field", "{ viewer { salary } }", json!({}), bad),
        (
            "an unknown argument",
            "{ contact(id: \"a:b:c\", all: true) { id } }",
            json!({}),
            bad,
        ),
        ("a missing argument", "{ contact { id } }", json!({}), bad),
        ("an unclosed brace", "{ viewer { role }", json!({}), bad),
        (
            "a fragment on nothing",
            "{ viewer { ...gone } }",
            json!({}),
            bad,
        ),
        (
            "a fragment in itself",
            "{ viewer { ...a } } fragment a on Viewer { ...a }",
            json!({}),
            bad,
        ),
        (
            "an unknown directive",
            "{ viewer @now { role } }",
            json!({}),
            bad,
        ),
        (
            "an undefined variable",
            "{ contact(id: $id) { id } }",
            json!({}),
            bad,
        ),
        (
            "a variable of no type",
            "query ($id: Nothing) { viewer { role } }",
            json!({}),
            bad,
        ),
        ("a missing variable", CONTACT_BY_ID, json!({}), bad),
        (
            "a list for an id",
            CONTACT_BY_ID,
            json!({"id": ["a:b:c"]}),
            bad,
        ),
        (
            "an object for an id",
            CONTACT_BY_ID,
            json!({"id": {"a": 1}}),
            bad,
        ),
        (
            "an id without parts",
            CONTACT_BY_ID,
            json!({"id": "anna"}),
            bad,
        ),
        (
            "an id of empty parts",
            CONTACT_BY_ID,
            json!({"id": "native::"}),
            bad,
        ),
        (
            "an id with control characters",
            CONTACT_BY_ID,
            json!({"id": "native:contact:a\u{0}b"}),
            bad,
        ),
        (
            "an id of 300 bytes",
            CONTACT_BY_ID,
            json!({"id": format!("native:contact:{}", "x".repeat(300))}),
            bad,
        ),
        (
            "a company that is no id",
            "{ contact(id: \"native:contact:anna\", company: \"acme\") { id } }",
            json!({}),
            bad,
        ),
        (
            "a day that is none",
            AS_OF,
            json!({"day": "2026-02-30"}),
            bad,
        ),
        (
            "a day in other words",
            AS_OF,
            json!({"day": "yesterday"}),
            bad,
        ),
        ("a day as a number", AS_OF, json!({"day": 20_260_505}), bad),
        ("a page of nothing", PAGE, json!({"first": 0}), bad),
        ("a negative page", PAGE, json!({"first": -1}), bad),
        (
            "a page beyond the limit",
            PAGE,
            json!({"first": 1_000_000}),
            bad,
        ),
        ("a page of text", PAGE, json!({"first": "ten"}), bad),
        (
            "a cursor of our own making",
            PAGE,
            json!({"after": "bm9uc2Vuc2U="}),
            bad,
        ),
        (
            "a cursor that is no text of ours",
            PAGE,
            json!({"after": "\u{0}\u{1}"}),
            bad,
        ),
        (
            "an unknown kind",
            PAGE,
            json!({"filter": {"kinds": ["BARTER"]}}),
            bad,
        ),
        (
            "an unknown filter",
            PAGE,
            json!({"filter": {"color": "red"}}),
            bad,
        ),
        (
            "a currency that is none",
            PAGE,
            json!({"filter": {"currency": "ZZZ"}}),
            bad,
        ),
        ("an amount in words", CHECK, json!({"a": usd("lots")}), bad),
        (
            "an amount as a float",
            CHECK,
            json!({"a": {"amount": 1.5, "currency": "USD"}}),
            bad,
        ),
        (
            "an amount with separators",
            CHECK,
            json!({"a": usd("1,000.00")}),
            bad,
        ),
        (
            "an amount with an exponent",
            CHECK,
            json!({"a": usd("1e9")}),
            bad,
        ),
        (
            "an amount of 60 digits",
            CHECK,
            json!({"a": usd(&"9".repeat(60))}),
            bad,
        ),
        ("a negative sale", CHECK, json!({"a": usd("-1")}), bad),
        (
            "a currency in words",
            CHECK,
            json!({"a": {"amount": "1", "currency": "dollars"}}),
            bad,
        ),
        (
            "a lower-case currency",
            CHECK,
            json!({"a": {"amount": "1", "currency": "usd"}}),
            bad,
        ),
        (
            "an amount without currency",
            CHECK,
            json!({"a": {"amount": "1"}}),
            bad,
        ),
        (
            "a search for too many",
            "{ customers(search: \"a\", first: 100000) { id } }",
            json!({}),
            bad,
        ),
        (
            "a search for a negative count",
            "{ customers(search: \"a\", first: -5) { id } }",
            json!({}),
            bad,
        ),
        (
            "a link to no customer's id",
            LINK,
            json!({"in": {"contactId": CONTACT, "customerId": "1"}}),
            bad,
        ),
        (
            "a link of no contact's id",
            LINK,
            json!({"in": {"contactId": "anna", "customerId": customer}}),
            bad,
        ),
        (
            "a link to an unknown customer",
            LINK,
            json!({"in": {"contactId": CONTACT, "customerId": format!("{BOOKS}:999")}}),
            "NOT_FOUND",
        ),
        (
            "a link into unknown books",
            LINK,
            json!({"in": {"contactId": CONTACT, "customerId": "others:1"}}),
            "NOT_FOUND",
        ),
        (
            "a link with too much of a field",
            LINK,
            json!({"in": {"contactId": CONTACT, "customerId": customer, "force": true}}),
            bad,
        ),
        (
            "taking away a link that is not",
            UNLINK,
            json!({"in": {"contactId": "native:contact:ben", "customerId": customer}}),
            "NOT_FOUND",
        ),
        ("a negative limit", LIMIT, limit(&usd("-0.01"), &[]), bad),
        (
            "a limit with a tenth of a cent",
            LIMIT,
            limit(&usd("10.001"), &[]),
            bad,
        ),
        (
            "a limit of ten to the thirteenth",
            LIMIT,
            limit(&usd("10000000000000"), &[]),
            bad,
        ),
        (
            "a limit without a reason",
            LIMIT,
            limit(&usd("10"), &[("reason", json!("  "))]),
            bad,
        ),
        (
            "a reason of a thousand characters",
            LIMIT,
            limit(&usd("10"), &[("reason", json!("x".repeat(1_000)))]),
            bad,
        ),
        (
            "a limit that ends before it begins",
            LIMIT,
            limit(
                &usd("10"),
                &[
                    ("validFrom", json!("2026-05-05")),
                    ("validTo", json!("2026-05-04")),
                ],
            ),
            bad,
        ),
        (
            "a limit for an unknown customer",
            LIMIT,
            limit(&usd("10"), &[("customerId", json!(format!("{BOOKS}:999")))]),
            "NOT_FOUND",
        ),
        (
            "a limit for no customer's id",
            LIMIT,
            limit(&usd("10"), &[("customerId", json!("nobody"))]),
            bad,
        ),
        (
            "ending a limit that is not",
            LIMIT,
            limit(&Value::Null, &[]),
            "NOT_FOUND",
        ),
        (
            "two operations without a name",
            "query A { viewer { role } } query B { viewer { role } }",
            json!({}),
            bad,
        ),
        (
            "a subscription by POST",
            "subscription { pulseChanged(contactId: \"a:b:c\") { asOf } }",
            json!({}),
            bad,
        ),
    ]
}

/// All that a write would leave behind.
async fn trace(app: &App) -> (usize, usize, usize, String) {
    let tenant = TENANT.into();
    let audit = app.store.audit(&tenant, 0, 10_000).await.expect("readable");
    let links = app.store.all_links(&tenant).await.expect("readable");
    let limits = app.store.all_limits(&tenant).await.expect("readable");
    let versions = app.store.versions().await.expect("readable");
    (
        audit.len(),
        links.len(),
        limits.len(),
        format!("{versions:?}"),
    )
}

#[tokio::test]
async fn questions_and_orders_are_refused_by_name_and_write_nothing() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    let before = trace(&app).await;
    let questions = questions();
    assert!(questions.len() >= 55, "only {}", questions.len());
    for (what, query, variables, code) in questions {
        let body = json!({"query": query, "variables": variables});
        let reply = app.send(&token, &body, &[]).await;
        let answer = reply.json();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{what}: {answer}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{what} is not explained");
        // What was refused before it ran is a bad request; what was refused while it ran is an answer.
        let expected = if answer.get("data").is_none() {
            400
        } else {
            200
        };
        assert_eq!(reply.status, expected, "{what}: {answer}");
    }
    assert_eq!(trace(&app).await, before, "something was written");
}

async fn raw(app: &App, headers: &[(&str, String)], body: Vec<u8>) -> Reply {
    let mut request = app
        .client
        .post(format!("{}/graphql", app.url))
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/graphql-response+json")
        .body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Reply::of(request.send().await.expect("answered")).await
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_told_apart_by_no_one() {
    let app = App::start().await;
    let good = app.token(Role::Admin).await;
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let bearer = |token: String| vec![(AUTHORIZATION.as_str(), format!("Bearer {token}"))];
    let cases: Vec<(&str, Vec<(&str, String)>)> = vec![
        ("none at all", vec![]),
        ("an empty bearer", bearer(String::new())),
        (
            "another scheme",
            vec![(AUTHORIZATION.as_str(), "Basic YWRtaW46YWRtaW4=".to_owned())],
        ),
        ("no scheme", vec![(AUTHORIZATION.as_str(), good.clone())]),
        ("words", bearer("let-me-in".to_owned())),
        ("two parts", bearer(format!("{header}.{claims}"))),
        ("four parts", bearer(format!("{good}.{signature}"))),
        ("no signature", bearer(format!("{header}.{claims}."))),
        (
            "a signature of another token",
            bearer(format!("{header}.{claims}.{}", signature.to_uppercase())),
        ),
        (
            "a token of nine kilobytes",
            bearer(format!("{good}{}", "A".repeat(9_000))),
        ),
        ("padding", bearer(format!("{good}=="))),
        // {"alg":"none","typ":"JWT"}
        (
            "no algorithm",
            bearer(format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")),
        ),
    ];
    let body = json!({"query": "{ viewer { role } }"}).to_string();
    let mut texts = std::collections::BTreeSet::new();
    for (what, headers) in cases {
        let reply = raw(&app, &headers, body.clone().into_bytes()).await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text);
        let answer = reply.json();
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{what}"
        );
        assert_eq!(answer.get("data"), None, "{what}");
        if !headers.is_empty() {
            texts.insert(answer["errors"][0]["message"].to_string());
        }
    }
    assert!(texts.len() <= 2, "the causes can be told apart: {texts:?}");
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let bearer = [(AUTHORIZATION.as_str(), format!("Bearer {token}"))];
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("nothing", vec![], 400),
        ("no JSON", b"query { viewer { role } }".to_vec(), 400),
        ("a number", b"7".to_vec(), 400),
        ("no UTF-8", b"{\"query\":\"\xff\xfe\"}".to_vec(), 400),
        ("a batch", b"[{\"query\":\"{viewer{role}}\"}]".to_vec(), 400),
        ("no query", b"{\"variables\":{}}".to_vec(), 400),
        ("a query that is a list", b"{\"query\":[]}".to_vec(), 400),
        (
            "variables that are a list",
            b"{\"query\":\"{viewer{role}}\",\"variables\":[]}".to_vec(),
            400,
        ),
        (
            "nested 20,000 deep",
            format!("{{\"query\":\"{{viewer{{role}}}}\",\"variables\":{{\"a\":{deep}}}}}")
                .into_bytes(),
            400,
        ),
        ("more than the limit", vec![b' '; 70 * 1024], 413),
    ];
    for (what, body, status) in cases {
        let reply = raw(&app, &bearer, body).await;
        assert_eq!(reply.status, status, "{what}: {}", reply.text);
        let code = &reply.json()["errors"][0]["extensions"]["code"];
        assert_eq!(code, "BAD_USER_INPUT", "{what}");
    }
}

#[tokio::test]
async fn files_with_a_wrong_line_are_refused_whole() {
    let app = App::start().await;
    let before = trace(&app).await;
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let limits = Limits::new(app.store.clone(), Arc::clone(&clock));
    let linking = Linking::new(app.store.clone(), clock);
    let good = format!("{BOOKS}:1,100,USD,,,review\n");
    let header = "customer,limit,currency,valid_from,valid_to,reason\n";
    let limit_files: [(&str, String, u64); 9] = [
        (
            "an unknown column",
            format!("customer,limit,currency,reason,color\n{BOOKS}:1,1,USD,r,red\n"),
            1,
        ),
        ("too few cells", format!("{header}{good}{BOOKS}:1,100\n"), 3),
        (
            "an amount in words",
            format!("{header}{good}{BOOKS}:1,many,USD,,,review\n"),
            3,
        ),
        (
            "a currency in words",
            format!("{header}{BOOKS}:1,100,dollars,,,review\n"),
            2,
        ),
        (
            "a day in words",
            format!("{header}{BOOKS}:1,100,USD,soon,,review\n"),
            2,
        ),
        (
            "an end before the start",
            format!("{header}{BOOKS}:1,100,USD,2026-05-05,2026-05-04,review\n"),
            2,
        ),
        ("no reason", format!("{header}{BOOKS}:1,100,USD,,,\n"), 2),
        (
            "an unknown customer",
            format!("{header}{good}{BOOKS}:999,100,USD,,,review\n"),
            3,
        ),
        (
            "a negative limit",
            format!("{header}{BOOKS}:1,-100,USD,,,review\n"),
            2,
        ),
    ];
    for (what, csv, line) in limit_files {
        let problems = limits.import(&TENANT.into(), csv.as_bytes(), "test").await;
        let problems = problems.expect_err(what);
        assert_eq!(problems[0].line, line, "{what}: {problems:?}");
        assert!(!problems[0].what.is_empty());
    }
    let link_files: [(&str, String, u64); 5] = [
        (
            "an unknown column",
            format!("contact,client\n{CONTACT},{BOOKS}:1\n"),
            1,
        ),
        (
            "no contact's id",
            format!("contact,customer\nanna,{BOOKS}:1\n"),
            2,
        ),
        (
            "no customer's id",
            format!("contact,customer\n{CONTACT},1\n"),
            2,
        ),
        (
            "an unknown customer",
            format!("contact,customer\n{CONTACT},{BOOKS}:999\n"),
            2,
        ),
        (
            "bytes that are no text",
            "contact,customer\n\u{fffd}".replace('\u{fffd}', "\u{1}:\u{2}:\u{3},x:y\n"),
            2,
        ),
    ];
    for (what, csv, line) in link_files {
        let problems = linking.import(&TENANT.into(), csv.as_bytes(), "test").await;
        let problems = problems.expect_err(what);
        assert_eq!(problems[0].line, line, "{what}: {problems:?}");
    }
    assert_eq!(trace(&app).await, before, "something was written");
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let key = ("PULSE_ENCRYPTION__KEY".to_owned(), "07".repeat(32));
    for (variable, value) in [
        ("PULSE_SERVER__LISTEN", "everywhere"),
        ("PULSE_SERVER__PUBLIC_URL", "ftp://pulse.example.com"),
        ("PULSE_DATABASE__URL", "mysql://localhost/pulse"),
        ("PULSE_SESSION__LIFETIME", "soon"),
        ("PULSE_SESSION__HARD_CAP", "-5m"),
        ("PULSE_GRAPHQL__MAX_DEPTH", "0"),
        ("PULSE_GRAPHQL__MAX_BODY_BYTES", "many"),
        ("PULSE_QUICKBOOKS__API_URL", "not an address"),
        ("PULSE_TELEMETRY__FORMAT", "xml"),
        ("PULSE_NATIVE__TOKEN_USES", "0"),
        ("PULSE_SERVR__LISTEN", "127.0.0.1:1"),
    ] {
        let environment = [key.clone(), (variable.to_owned(), value.to_owned())];
        let problems = Config::load(None, environment).expect_err(variable);
        let text = problems.to_string();
        assert!(text.contains(variable), "{variable} is not named: {text}");
    }
}
