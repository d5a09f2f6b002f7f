//! A credit limit that the ledger itself states.

use financial_pulse::auth::Role;
use financial_pulse::domain::credit::{CreditLimit, LimitOrigin};
use financial_pulse::domain::ids::CustomerKey;
use financial_pulse::domain::money::Money;
use financial_pulse::domain::records::Records;
use serde_json::{Value, json};

use super::harness::{App, BOOKS, CONTACT, TENANT, customer};

/// The ledger states a limit for the customer; `None` states none.
async fn stated(app: &App, limit: Option<&str>) {
    let mut record = customer("1", "Anna's Bakery");
    record.customer.credit_limit = limit.map(|text| text.parse().expect("an amount"));
    let records = Records {
        customers: vec![record],
        ..Records::default()
    };
    app.apply(&records).await;
}

/// The limit, its origin, the headroom and the codes of the reasons.
async fn credit(app: &App, token: &str) -> (Value, Value, Value, Vec<String>) {
    let query = format!(
        "{{ contact(id: \"{CONTACT}\") {{ pulse {{ decision {{ reasons {{ code }} }} \
         credit {{ limit {{ amount }} limitOrigin headroom {{ amount }} }} }} }} }}"
    );
    let data = app.data(token, &query, json!({})).await;
    let pulse = &data["contact"]["pulse"];
    let credit = &pulse["credit"];
    let reasons = pulse["decision"]["reasons"].as_array().expect("reasons");
    let code = |reason: &Value| reason["code"].as_str().unwrap_or_default().to_owned();
    (
        credit["limit"]["amount"].clone(),
        credit["limitOrigin"].clone(),
        credit["headroom"]["amount"].clone(),
        reasons.iter().map(code).collect(),
    )
}

/// Sets a limit by the schema, from a day on.
async fn set(app: &App, token: &str, customer: Value, amount: &str, days: Value) {
    let mutation =
        "mutation ($in: SetCreditLimitInput!) { setCreditLimit(input: $in) { limit { reason } } }";
    let mut input = json!({ "customerId": customer, "reason": "agreed",
        "limit": { "amount": amount, "currency": "USD" } });
    for (name, value) in days.as_object().expect("an object") {
        input[name] = value.clone();
    }
    app.data(token, mutation, json!({ "in": input })).await;
}

#[tokio::test]
async fn the_ledgers_limit_speaks_where_nobody_set_one() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    let (limit, origin, ..) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!(null), json!(null)), "none stated");

    // Outstanding is 634.56.
    stated(&app, Some("700.00")).await;
    let (limit, origin, headroom, reasons) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("700.00"), json!("LEDGER")));
    assert_eq!(headroom, json!("65.44"));
    assert!(reasons.contains(&"NEAR_LIMIT".to_owned()), "{reasons:?}");
    assert!(!reasons.contains(&"NO_LIMIT".to_owned()), "{reasons:?}");

    // It goes before the tenant's default.
    set(&app, &token, json!(null), "10000", json!({})).await;
    let (limit, origin, ..) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("700.00"), json!("LEDGER")));

    // The ledger takes it back: the default speaks.
    stated(&app, None).await;
    let (limit, origin, ..) = credit(&app, &token).await;
    assert_eq!(
        (limit, origin),
        (json!("10000.00"), json!("TENANT_DEFAULT"))
    );
}

#[tokio::test]
async fn none_set_in_the_ledger_is_not_zero() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    stated(&app, Some("0")).await;
    let (limit, origin, _, reasons) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("0.00"), json!("LEDGER")));
    assert_eq!(reasons[0], "CASH_ONLY");
    stated(&app, None).await;
    let (limit, origin, _, reasons) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!(null), json!(null)));
    assert!(reasons.contains(&"NO_LIMIT".to_owned()), "{reasons:?}");
    // A limit below nothing is a mistake in the books, and no limit.
    stated(&app, Some("-1")).await;
    let (limit, ..) = credit(&app, &token).await;
    assert_eq!(limit, json!(null));
}

#[tokio::test]
async fn a_limit_set_here_wins_also_when_it_has_ended() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    stated(&app, Some("700.00")).await;
    // Not before it begins.
    let next_week = json!({ "validFrom": "2026-05-12" });
    set(&app, &token, json!("books:1"), "5000", next_week).await;
    let (limit, origin, ..) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("700.00"), json!("LEDGER")));

    set(&app, &token, json!("books:1"), "2000", json!({})).await;
    let (limit, origin, headroom, _) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("2000.00"), json!("MANUAL")));
    assert_eq!(headroom, json!("1365.44"));
    // What the ledger says meanwhile changes nothing.
    stated(&app, Some("1.00")).await;
    let (limit, origin, ..) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("2000.00"), json!("MANUAL")));
}

#[tokio::test]
async fn an_agreement_that_ran_out_is_for_a_person_to_renew() {
    let app = App::start().await;
    let token = app.token(Role::Finance).await;
    stated(&app, Some("700.00")).await;
    let ended = CreditLimit {
        customer: Some(CustomerKey::new(BOOKS, "1")),
        limit: Money::new(
            "900".parse().expect("an amount"),
            "USD".parse().expect("a code"),
        ),
        origin: LimitOrigin::Manual,
        valid_from: "2026-01-01".parse().expect("a day"),
        valid_to: Some("2026-04-30".parse().expect("a day")),
        reason: "for the season".into(),
        actor: "test".into(),
    };
    let tenant = TENANT.into();
    let set = app.store.set_limit(
        &tenant,
        &ended,
        "2026-01-01T00:00:00Z".parse().expect("a time"),
    );
    set.await.expect("set");
    app.snapshots.tenant_changed(&TENANT.into());
    let (limit, origin, headroom, reasons) = credit(&app, &token).await;
    assert_eq!((limit, origin), (json!("900.00"), json!("MANUAL")));
    assert_eq!(headroom, json!(null));
    assert_eq!(reasons[0], "LIMIT_EXPIRED");
}
