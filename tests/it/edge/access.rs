//! Who may see and do what.

use financial_pulse::auth::Role;
use serde_json::{Value, json};

use super::harness::{App, CONTACT, Options};

/// Every amount that the schema has, and every text that might speak of one.
const ALL: &str = "query All($id: ID!) { contact(id: $id) { pulse { \
    decision { inputsHash reasons { message amount { amount } } } \
    balance { total { outstanding { amount } overdue { amount } } \
      byCurrency { outstanding { amount } grossReceivable { amount } unappliedCredit { amount } \
        overdue { amount } outstandingBand overdueBand aging { amount { amount } share } } \
      tieOut { ours { amount } ledger { amount } difference { amount } } } \
    parts { decision { inputsHash reasons { message amount { amount } } } \
      balance { byCurrency { outstanding { amount } } } credit { headroom { amount } } } \
    credit { limit { amount } exposure { amount } parts { amount { amount } } \
      headroom { amount } headroomBand utilization } \
    transactions { nodes { number total { amount } open { amount } \
      lines { description unitPrice amount { amount } } applications { amount { amount } } } } \
    purchases { netSpend { amount } items { name netSpend { amount } } } \
    insights { message amount { amount } } } } }";

/// Every number with a decimal point that stands where amounts stand.
fn amounts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(amounts).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == "amount" || name == "unitPrice" => {
                    vec![text.clone()]
                }
                other => amounts(other),
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_rep_without_amounts_gets_none_anywhere() {
    let app = App::start_with(Options {
        reps_see_amounts: false,
        ..Options::default()
    })
    .await;
    let id = json!({"id": CONTACT});
    let finance = app
        .data(&app.token(Role::Finance).await, ALL, id.clone())
        .await;
    let shown = amounts(&finance);
    assert!(shown.contains(&"634.56".to_owned()), "{shown:?}");

    let token = app.token(Role::Rep).await;
    let body = json!({"query": ALL, "variables": id});
    let reply = app.send(&token, &body, &[]).await;
    assert_eq!(amounts(&reply.json()), Vec::<String>::new());
    for amount in shown {
        assert!(!reply.text.contains(&amount), "{amount} leaked");
    }
    let pulse = &reply.json()["data"]["contact"]["pulse"];
    let usd = &pulse["balance"]["byCurrency"][0];
    assert_eq!(usd["outstandingBand"], "LOW", "a band stands in");
    assert_eq!(pulse["decision"]["inputsHash"], json!(null));
    assert_eq!(pulse["transactions"]["nodes"][0]["number"], "N-11");

    app.put_tenant(true).await;
    let rep = app.data(&token, ALL, json!({"id": CONTACT})).await;
    assert!(
        !amounts(&rep).is_empty(),
        "the tenant lets reps see them now"
    );
}

#[tokio::test]
async fn a_signed_contact_is_the_only_one() {
    let app = App::start().await;
    app.link("native:contact:ben", "1").await;
    let token = app.token_for(Role::Finance, Some("anna")).await;
    let query = "query ($id: ID!) { contact(id: $id) { id link { state } } }";
    let own = app.data(&token, query, json!({"id": CONTACT})).await;
    assert_eq!(own["contact"]["link"]["state"], "LINKED");
    for other in ["native:contact:ben", "native:contact:nobody"] {
        let data = app.data(&token, query, json!({"id": other})).await;
        assert_eq!(
            data["contact"],
            json!(null),
            "alike, whether it exists or not"
        );
    }
    let company = "query ($id: ID!) { contact(id: $id, company: \"native:contact:ben\") { link { \
        state company } } }";
    app.link("native:contact:ben", "1").await;
    let data = app.data(&token, company, json!({"id": CONTACT})).await;
    assert_eq!(data["contact"]["link"]["company"], json!(null));
}

#[tokio::test]
async fn only_finance_and_admin_link_and_set_limits() {
    let app = App::start().await;
    let link = "mutation { linkContact(input: {contactId: \"native:contact:ben\", \
        customerId: \"books:1\"}) { contact { link { state } } } }";
    let limit = "mutation { setCreditLimit(input: {customerId: \"books:1\", reason: \"new\", \
        limit: {amount: \"1000\", currency: \"USD\"}}) { limit { limit { amount } actor } \
        customer { name } } }";
    let search = "{ customers(search: \"bakery\") { id } }";
    for role in [Role::Rep, Role::AccountManager] {
        let token = app.token(role).await;
        for order in [link, limit, search] {
            let answer = app.ask(&token, order, json!({})).await;
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
                "{order}"
            );
        }
    }
    let links = app
        .store
        .links(
            &"acme".into(),
            &financial_pulse::domain::ids::ContactId::parse("native:contact:ben").expect("an id"),
        )
        .await;
    assert_eq!(links.expect("read"), [], "nothing was written");

    let token = app.token(Role::Finance).await;
    let data = app.data(&token, search, json!({})).await;
    assert_eq!(data["customers"], json!([{"id": "books:1"}]));
    let data = app.data(&token, link, json!({})).await;
    assert_eq!(data["linkContact"]["contact"]["link"]["state"], "LINKED");
    let data = app.data(&token, limit, json!({})).await;
    assert_eq!(
        data["setCreditLimit"],
        json!({
            "limit": {"limit": {"amount": "1000.00"}, "actor": "u-1"},
            "customer": {"name": "Anna's Bakery"}
        })
    );
}

#[tokio::test]
async fn what_a_person_changed_the_next_read_shows() {
    let app = App::start().await;
    let token = app.token(Role::Admin).await;
    let read = "query ($id: ID!) { contact(id: $id) { pulse { decision { result } \
        credit { limit { amount } headroom { amount } headroomBand } } } }";
    let before = app.data(&token, read, json!({"id": CONTACT})).await;
    assert_eq!(before["contact"]["pulse"]["credit"]["limit"], json!(null));
    let limit = "mutation { setCreditLimit(input: {customerId: \"books:1\", reason: \"new\", \
        limit: {amount: \"500\", currency: \"USD\"}}) { limit { validFrom } } }";
    app.data(&token, limit, json!({})).await;
    let after = app.data(&token, read, json!({"id": CONTACT})).await;
    let pulse = &after["contact"]["pulse"];
    assert_eq!(pulse["credit"]["headroom"]["amount"], "-134.56");
    assert_eq!(pulse["credit"]["headroomBand"], "NONE");
    assert_eq!(pulse["decision"]["result"], "HOLD");

    let unlink = "mutation { unlinkContact(input: {contactId: \"native:contact:anna\", \
        customerId: \"books:1\"}) { contact { link { state } } } }";
    let data = app.data(&token, unlink, json!({})).await;
    assert_eq!(
        data["unlinkContact"]["contact"]["link"]["state"],
        "UNLINKED"
    );
    let after = app.data(&token, read, json!({"id": CONTACT})).await;
    assert_eq!(after["contact"]["pulse"], json!(null));
}

#[tokio::test]
async fn another_tenants_books_are_as_if_they_were_not() {
    let app = App::start().await;
    let token = app.token(Role::Admin).await;
    for id in ["other-books:1", "books:999"] {
        let input = json!({"input": {"contactId": "native:contact:ben", "customerId": id}});
        let link = "mutation ($input: LinkContactInput!) { linkContact(input: $input) { \
            contact { id } } }";
        let answer = app.ask(&token, link, input).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "NOT_FOUND",
            "{id}"
        );
    }
}
