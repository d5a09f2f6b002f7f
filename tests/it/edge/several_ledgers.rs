//! Several connections in one tenant, of different systems: a contact linked into each.

use financial_pulse::auth::Role;
use financial_pulse::clock::Clock as _;
use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::ids::CustomerKey;
use financial_pulse::domain::records::Records;
use financial_pulse::service::limits::Limits;
use serde_json::{Value, json};

use super::harness::{App, BOOKS, CONTACT, TENANT, customer, invoice};

/// The second books.
const EUROPE: &str = "europe";

/// The application with books in Xero beside those in QuickBooks, in euro.
async fn with_europe() -> App {
    let app = App::start().await;
    app.add_books(EUROPE, ProviderKind::Xero, "Acme Europe", "EUR")
        .await;
    let euro = "EUR".parse().expect("a code");
    let mut anna = customer("1", "Anna's Bakery Berlin");
    anna.customer.currency = euro;
    let mut open = invoice("10", "2026-03-01", "50.00");
    open.documents[0].currency = euro;
    let records = Records {
        customers: vec![anna],
        documents: vec![open],
        ..Records::default()
    };
    app.read(EUROPE, ProviderKind::Xero, &records).await;
    app
}

const PULSE: &str = "query ($id: ID!) { contact(id: $id) { link { customers { customer { id \
    connection { organization } } } } pulse { decision { result } \
    balance { total { outstanding { amount } } byCurrency { currency outstanding { amount } } } \
    transactions { totalCount nodes { customer { id } } } \
    parts { customer { id } credit { limit { amount currency } limitOrigin headroom { amount } } \
    balance { byCurrency { currency outstanding { amount } } } } } } }";

async fn pulse(app: &App, token: &str) -> Value {
    let data = app.data(token, PULSE, json!({ "id": CONTACT })).await;
    data["contact"].clone()
}

fn part<'a>(contact: &'a Value, id: &str) -> &'a Value {
    let parts = contact["pulse"]["parts"].as_array().expect("parts");
    parts
        .iter()
        .find(|part| part["customer"]["id"] == id)
        .expect("the part")
}

#[tokio::test]
async fn a_contact_in_two_ledgers_has_both_with_currencies_apart() {
    let app = with_europe().await;
    let token = app.token(Role::Finance).await;
    let link = "mutation ($in: LinkContactInput!) { linkContact(input: $in) { contact { id } } }";
    let input = json!({ "in": { "contactId": CONTACT, "customerId": "europe:1" } });
    app.data(&token, link, input).await;

    let contact = pulse(&app, &token).await;
    let organizations: Vec<_> = contact["link"]["customers"]
        .as_array()
        .expect("customers")
        .iter()
        .map(|linked| linked["customer"]["connection"]["organization"].clone())
        .collect();
    assert_eq!(
        organizations,
        [json!("Books of Acme"), json!("Acme Europe")]
    );
    let pulse = &contact["pulse"];
    assert_eq!(
        pulse["balance"]["byCurrency"],
        json!([
            { "currency": "EUR", "outstanding": { "amount": "50.00" } },
            { "currency": "USD", "outstanding": { "amount": "634.56" } },
        ])
    );
    // Two base currencies have no total.
    assert_eq!(pulse["balance"]["total"], json!(null));
    // The same ledger id in two books is two customers, with their own documents.
    assert_eq!(
        part(&contact, "europe:1")["balance"]["byCurrency"],
        json!([{ "currency": "EUR", "outstanding": { "amount": "50.00" } }])
    );
    assert_eq!(
        part(&contact, "books:1")["balance"]["byCurrency"],
        json!([{ "currency": "USD", "outstanding": { "amount": "634.56" } }])
    );
    assert_eq!(pulse["transactions"]["totalCount"], 4);

    // One link taken away, the other stays.
    let unlink =
        "mutation ($in: LinkContactInput!) { unlinkContact(input: $in) { contact { id } } }";
    let input = json!({ "in": { "contactId": CONTACT, "customerId": "books:1" } });
    app.data(&token, unlink, input).await;
    let contact = self::pulse(&app, &token).await;
    assert_eq!(
        contact["pulse"]["balance"]["byCurrency"],
        json!([{ "currency": "EUR", "outstanding": { "amount": "50.00" } }])
    );
}

#[tokio::test]
async fn customers_of_all_ledgers_are_found_to_link() {
    let app = with_europe().await;
    let token = app.token(Role::Finance).await;
    let query = "query ($text: String!) { customers(search: $text) { id name \
        connection { organization } } }";
    let found = app.data(&token, query, json!({ "text": "bakery" })).await;
    let mut found: Vec<_> = found["customers"]
        .as_array()
        .expect("customers")
        .iter()
        .map(|one| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&one["id"]), text(&one["connection"]["organization"]))
        })
        .collect();
    found.sort();
    let expected = [("books:1", "Books of Acme"), ("europe:1", "Acme Europe")];
    assert_eq!(
        found,
        expected.map(|(id, organization)| (id.to_owned(), organization.to_owned()))
    );
}

#[tokio::test]
async fn each_ledgers_customer_has_a_limit_of_its_own() {
    let app = with_europe().await;
    let token = app.token(Role::Finance).await;
    app.link_to(CONTACT, CustomerKey::new(EUROPE, "1")).await;
    let mutation = "mutation ($in: SetCreditLimitInput!) { setCreditLimit(input: $in) { \
        customer { id } limit { limit { amount currency } } } }";
    let input = json!({ "in": { "customerId": "europe:1", "reason": "agreed",
        "limit": { "amount": "40.00", "currency": "EUR" } } });
    app.data(&token, mutation, input).await;

    let contact = pulse(&app, &token).await;
    assert_eq!(
        part(&contact, "europe:1")["credit"],
        json!({ "limit": { "amount": "40.00", "currency": "EUR" }, "limitOrigin": "MANUAL",
            "headroom": { "amount": "-10.00" } })
    );
    assert_eq!(part(&contact, "books:1")["credit"]["limit"], json!(null));
    // Over the limit in one ledger holds the contact.
    assert_eq!(contact["pulse"]["decision"]["result"], "HOLD");
}

#[tokio::test]
async fn limits_of_all_ledgers_go_through_one_file() {
    let app = with_europe().await;
    let token = app.token(Role::Finance).await;
    app.link_to(CONTACT, CustomerKey::new(EUROPE, "1")).await;
    let limits = Limits::new(app.store.clone(), app.clock.clone());
    let tenant = TENANT.into();
    let file = format!(
        "customer,limit,currency,valid_from,valid_to,reason\n\
         {BOOKS}:1,900.00,USD,2026-01-01,,agreed\n\
         {EUROPE}:1,800.00,EUR,2026-01-01,,agreed\n"
    );
    let imported = limits.import(&tenant, file.as_bytes(), "operator").await;
    imported.expect("imported");
    app.snapshots.tenant_changed(&tenant);
    let exported = limits.export(&tenant).await.expect("exported");
    assert_eq!(String::from_utf8(exported).expect("text"), file);
    let contact = pulse(&app, &token).await;
    for (id, amount, currency, headroom) in [
        ("books:1", "900.00", "USD", "265.44"),
        ("europe:1", "800.00", "EUR", "750.00"),
    ] {
        assert_eq!(
            part(&contact, id)["credit"],
            json!({ "limit": { "amount": amount, "currency": currency },
                "limitOrigin": "IMPORT", "headroom": { "amount": headroom } })
        );
    }
    // A customer of no ledger of the tenant is told by its line.
    let unknown =
        format!("customer,limit,currency,valid_from,valid_to,reason\n{EUROPE}:9,1,EUR,,,x\n");
    let refused = limits.import(&tenant, unknown.as_bytes(), "operator").await;
    assert_eq!(refused.expect_err("refused").len(), 1);
}

#[tokio::test]
async fn one_ledger_that_is_lost_takes_nothing_from_the_other() {
    use financial_pulse::domain::freshness::ConnectionState;
    let app = with_europe().await;
    let token = app.token(Role::Finance).await;
    app.link_to(CONTACT, CustomerKey::new(EUROPE, "1")).await;
    let lost = ConnectionState::Disconnected;
    app.store
        .set_connection_state(&EUROPE.into(), lost, Some("consent_lost"), app.clock.now())
        .await
        .expect("set");
    app.snapshots
        .customers_changed(&EUROPE.into(), &["1".into()])
        .await;
    let query = format!(
        "{{ contact(id: \"{CONTACT}\") {{ pulse {{ freshness {{ status }} \
         balance {{ byCurrency {{ currency outstanding {{ amount }} }} }} \
         decision {{ reasons {{ code }} }} }} }} }}"
    );
    let data = app.data(&token, &query, json!({})).await;
    let pulse = &data["contact"]["pulse"];
    assert_eq!(pulse["freshness"]["status"], "DISCONNECTED");
    assert_eq!(
        pulse["balance"]["byCurrency"][1],
        json!({ "currency": "USD", "outstanding": { "amount": "634.56" } })
    );
    let reasons = pulse["decision"]["reasons"].to_string();
    assert!(reasons.contains("DISCONNECTED"), "{reasons}");
}
