//! What a contact's pulse says.

use financial_pulse::auth::{Role, Trust};
use financial_pulse::domain::ids::{ContactId, CustomerKey};
use jiff::SignedDuration;
use serde_json::json;

use super::harness::{App, BOOKS, CONTACT, customer, invoice};

const PULSE: &str = "query Pulse($id: ID!) { contact(id: $id) { link { state customers { origin \
    customer { id name ledgerUrl connection { organization } } } } pulse { asOf \
    freshness { status checkedAt } decision { result reasons { code } } \
    balance { total { outstanding { amount currency } overdue { amount } } \
    byCurrency { currency overdueCount oldestOverdueDays outstandingBand } } \
    credit { limit { amount } limitOrigin headroom { amount } headroomBand } } } }";

#[tokio::test]
async fn a_linked_contact_has_its_customers_figures() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    let data = app.data(&token, PULSE, json!({"id": CONTACT})).await;
    let contact = &data["contact"];
    assert_eq!(contact["link"]["state"], "LINKED");
    let linked = &contact["link"]["customers"][0];
    assert_eq!(linked["origin"], "IMPORT");
    assert_eq!(linked["customer"]["id"], "books:1");
    assert_eq!(linked["customer"]["name"], "Anna's Bakery");
    assert_eq!(
        linked["customer"]["ledgerUrl"],
        "https://app.example/app/customerdetail?nameId=1"
    );
    assert_eq!(
        linked["customer"]["connection"]["organization"],
        "Books of Acme"
    );
    let pulse = &contact["pulse"];
    assert_eq!(pulse["asOf"], "2026-05-05", "the day where the books are");
    assert_eq!(pulse["freshness"]["status"], "FRESH");
    assert_eq!(pulse["freshness"]["checkedAt"], "2026-05-05T19:00:00Z");
    // 1000.00 - 600.00 + 234.56; the first was due on March 31.
    let total = &pulse["balance"]["total"];
    assert_eq!(
        total["outstanding"],
        json!({"amount": "634.56", "currency": "USD"})
    );
    assert_eq!(total["overdue"]["amount"], "400.00");
    let usd = &pulse["balance"]["byCurrency"][0];
    assert_eq!(usd["overdueCount"], 1);
    assert_eq!(usd["oldestOverdueDays"], 35);
    assert_eq!(usd["outstandingBand"], "LOW");
    assert_eq!(pulse["decision"]["result"], "CAUTION");
    assert_eq!(
        pulse["credit"],
        json!({"limit": null, "limitOrigin": null, "headroom": null, "headroomBand": null}),
        "no limit is null and never zero"
    );
    assert_eq!(app.take_asked(), [], "fresh figures ask for nothing");
}

#[tokio::test]
async fn a_contact_never_seen_is_unlinked_and_has_no_figures() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    let unseen = json!({"id": "native:contact:nobody"});
    let data = app.data(&token, PULSE, unseen).await;
    assert_eq!(data["contact"]["link"]["state"], "UNLINKED");
    assert_eq!(data["contact"]["pulse"], json!(null));
    let check = "{ creditCheck(contactId: \"native:contact:nobody\", \
        amount: {amount: \"5.00\", currency: \"USD\"}) { result reasons { code } } }";
    let data = app.data(&token, check, json!({})).await;
    assert_eq!(
        data["creditCheck"],
        json!({"result": "UNKNOWN", "reasons": [{"code": "NOT_LINKED"}]})
    );
}

#[tokio::test]
async fn a_person_without_a_link_has_the_companys() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    app.link("native:company:bakery", "1").await;
    let query = "query ($id: ID!, $company: ID) { contact(id: $id, company: $company) { link { \
        state company companySigned } pulse { asOf } } }";
    let person = json!({"id": "native:contact:ben", "company": "native:company:bakery"});
    let data = app.data(&token, query, person).await;
    assert_eq!(
        data["contact"]["link"],
        json!({
            "state": "COMPANY", "company": "native:company:bakery", "companySigned": false
        })
    );
    let own = json!({"id": CONTACT, "company": "native:company:bakery"});
    let data = app.data(&token, query, own).await;
    assert_eq!(data["contact"]["link"]["state"], "LINKED", "its own first");
}

/// A company is signed together with its contact: of one that the page named, nobody signed it.
#[tokio::test]
async fn a_signed_company_is_the_signed_contacts() {
    let app = App::start().await;
    app.link("native:company:bakery", "1").await;
    let query = "query ($id: ID!) { contact(id: $id) { link { state companySigned } } }";
    for (trust, signed) in [(Trust::Signed, true), (Trust::Requested, false)] {
        let id = |text| ContactId::parse(text).expect("an id");
        let token = app.session_as("u-1", Some(Role::Rep), |identity| {
            identity.contact = Some((id("native:contact:ben"), trust));
            identity.company = Some((id("native:company:bakery"), Trust::Signed));
        });
        let data = app
            .data(&token, query, json!({"id": "native:contact:ben"}))
            .await;
        let link = json!({"state": "COMPANY", "companySigned": signed});
        assert_eq!(data["contact"]["link"], link, "{trust:?}");
    }
}

#[tokio::test]
async fn figures_that_are_too_old_say_so_and_ask_for_the_customer() {
    let app = App::start().await;
    app.clock.advance(SignedDuration::from_mins(31));
    let token = app.token(Role::Rep).await;
    let data = app.data(&token, PULSE, json!({"id": CONTACT})).await;
    let pulse = &data["contact"]["pulse"];
    assert_eq!(pulse["freshness"]["status"], "STALE");
    assert_eq!(pulse["balance"]["total"]["overdue"]["amount"], "400.00");
    assert_eq!(app.take_asked(), [CustomerKey::new(BOOKS, "1")]);

    app.clock.advance(SignedDuration::from_hours(24));
    let token = app.token(Role::Rep).await;
    let data = app.data(&token, PULSE, json!({"id": CONTACT})).await;
    let pulse = &data["contact"]["pulse"];
    assert_eq!(
        pulse["decision"]["result"], "UNKNOWN",
        "never OK by old data"
    );
}

#[tokio::test]
async fn the_past_is_shown_as_it_was_and_the_future_is_refused() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    let query = "query ($id: ID!, $day: Date) { contact(id: $id) { pulse(asOf: $day) { asOf \
        balance { total { outstanding { amount } } } } } }";
    let past = json!({"id": CONTACT, "day": "2026-03-10"});
    let data = app.data(&token, query, past).await;
    assert_eq!(
        data["contact"]["pulse"]["balance"]["total"]["outstanding"]["amount"],
        "1000.00"
    );
    let future = json!({"id": CONTACT, "day": "2026-05-06"});
    let answer = app.ask(&token, query, future).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(answer["errors"][0]["extensions"]["field"], "asOf");
    assert_eq!(answer["data"]["contact"]["pulse"], json!(null));
}

#[tokio::test]
async fn the_history_pages_without_gaps_while_it_grows() {
    let app = App::start().await;
    let mut records = financial_pulse::domain::records::Records::default();
    for id in 100..130 {
        records
            .documents
            .push(invoice(&id.to_string(), "2026-04-01", "1.00"));
    }
    app.apply(&records).await;
    let token = app.token(Role::Finance).await;
    let query = "query ($id: ID!, $after: String) { contact(id: $id) { pulse { \
        transactions(first: 7, after: $after) { totalCount nodes { id date } \
        pageInfo { hasNextPage endCursor } } } } }";
    let mut seen: Vec<String> = Vec::new();
    let mut after = json!(null);
    loop {
        let page = app
            .data(&token, query, json!({"id": CONTACT, "after": after}))
            .await;
        let page = &page["contact"]["pulse"]["transactions"];
        let nodes = page["nodes"].as_array().expect("a list");
        seen.extend(nodes.iter().map(|node| node["id"].to_string()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        // A newer document must not push the next page.
        let newer = invoice(&format!("9{}", seen.len()), "2026-05-05", "1.00");
        records.documents = vec![newer];
        app.apply(&records).await;
    }
    assert_eq!(seen.len(), 33, "30 and the 3 of the beginning");
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "none twice");

    let odd = json!({"id": CONTACT, "after": "bm90IGEgY3Vyc29y"});
    let answer = app.ask(&token, query, odd).await;
    assert_eq!(answer["errors"][0]["extensions"]["field"], "after");
}

#[tokio::test]
async fn a_customer_that_is_not_read_yet_is_known_to_be_unknown() {
    let app = App::start().await;
    let token = app.token(Role::Rep).await;
    app.link("native:contact:gone", "404").await;
    let gone = json!({"id": "native:contact:gone"});
    let data = app.data(&token, PULSE, gone).await;
    assert_eq!(
        data["contact"]["link"]["state"], "UNLINKED",
        "the books are read to their end and have no such customer"
    );
    let records = financial_pulse::domain::records::Records {
        customers: vec![customer("404", "Found Ltd")],
        ..Default::default()
    };
    app.apply(&records).await;
    let data = app
        .data(&token, PULSE, json!({"id": "native:contact:gone"}))
        .await;
    assert_eq!(data["contact"]["link"]["state"], "LINKED");
}
