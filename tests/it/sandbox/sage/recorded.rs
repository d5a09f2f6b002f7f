//! The answers have the members and types of the recorded ones.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::super::shape::differences;
use super::{OTHER, REALM, Sage, grant, json, text};
use crate::contracts;

fn recorded(file: &str) -> Option<Value> {
    let text = contracts::read(&format!("sage/samples/{file}"))?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Why an answer differs from a recorded one.
const NOT_DESCRIBED: &str = "recorded, but not in Sage's description";
const NO_TAX: &str = "the sandbox's business is not registered for tax, or not in Great Britain";
const BY_REFERENCE: &str = "recorded opened, and told by reference here";

fn assert_shape(file: &str, answered: &Value, allowed: &[(&str, &str)]) {
    let Some(recorded) = recorded(file) else {
        return;
    };
    let found: Vec<String> = differences(&recorded, answered).into_iter().collect();
    let expected: BTreeSet<&str> = allowed.iter().map(|(path, _)| *path).collect();
    let expected: Vec<&str> = expected.into_iter().collect();
    assert_eq!(found, expected, "{file} was answered with {answered:#}");
}

#[tokio::test]
async fn a_contact() {
    let sage = Sage::empty().await;
    let address = json!({
        "Line1": "4581 Finch St.", "City": "Bayshore", "CountrySubDivisionCode": "CA",
        "PostalCode": "94326",
    });
    let customer = json!({
        "DisplayName": "Amy's Bird Sanctuary", "GivenName": "Amy", "FamilyName": "Lauterbach",
        "PrimaryPhone": {"FreeFormNumber": "(650) 555-3311"},
        "PrimaryEmailAddr": {"Address": "birds@example.com"},
        "PrimaryTaxIdentifier": "GB938484382",
        "BillAddr": address, "ShipAddr": address,
    });
    sage.api.write("Customer", customer).await;
    let terms = json!({"customer": "1", "credit_days": 30});
    sage.control(Method::PUT, "/sage/terms", terms).await;
    let rewrite = json!({"customer": "1", "credit_limit": "2000"});
    sage.control(Method::POST, "/customers", rewrite).await;
    let found = &sage.items("contacts").await[0];
    let path = format!("contacts/{}?nested_attributes=all", text(&found["id"]));
    let contact = sage.get(&path).await;
    assert_eq!(contact["credit_limit"], "2000.0");
    assert_eq!(contact["email"], "birds@example.com");
    assert_eq!(contact["displayed_as"], "Amy's Bird Sanctuary (C-0001)");
    let mut allowed = vec![
        ("-mandate_active", NOT_DESCRIBED),
        ("-preferred_address", NOT_DESCRIBED),
        ("-preferred_contact_person", NOT_DESCRIBED),
        ("-send_statements", NOT_DESCRIBED),
        ("-statement_run", NOT_DESCRIBED),
        (
            "bank_account_details.account_name: text is null",
            "none is known",
        ),
        (
            "bank_account_details.account_number: text is null",
            "none is known",
        ),
        (
            "bank_account_details.sort_code: text is null",
            "none is known",
        ),
    ];
    let opened = recorded("recorded-contact-customer.json").map(|recorded| {
        let account = recorded["default_sales_ledger_account"]
            .as_object()
            .unwrap();
        account
            .keys()
            .filter(|name| !matches!(name.as_str(), "id" | "displayed_as" | "$path"))
            .map(|name| format!("-default_sales_ledger_account.{name}"))
            .collect::<Vec<String>>()
    });
    let opened = opened.unwrap_or_default();
    allowed.extend(opened.iter().map(|path| (path.as_str(), BY_REFERENCE)));
    assert_shape("recorded-contact-customer.json", &contact, &allowed);
}

#[tokio::test]
async fn an_invoice() {
    let sage = Sage::empty().await;
    sage.customer("One").await;
    let address = json!({"Line1": "1 Main St.", "City": "Bayshore", "PostalCode": "94326"});
    let line = |amount: u32| {
        json!({
            "Amount": amount, "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {
                "ItemRef": {"value": "2"}, "TaxCodeRef": {"value": "TAX"},
            },
        })
    };
    let invoice = json!({
        "CustomerRef": {"value": "1"}, "BillAddr": address, "ShipAddr": address,
        "Line": [line(100), line(50), line(10)],
    });
    sage.api.write("Invoice", invoice).await;
    let found = &sage.items("sales_invoices").await[0];
    let path = format!("sales_invoices/{}?mark_as_sent=false", text(&found["id"]));
    let invoice = sage.get(&path).await;
    assert_shape(
        "recorded-sales-invoice.json",
        &invoice,
        &[("-pas_payment_submission", NOT_DESCRIBED)],
    );
}

#[tokio::test]
async fn a_product_and_its_page() {
    let sage = Sage::empty().await;
    let mut page = sage.get("products?items_per_page=3&attributes=all").await;
    assert_eq!(
        page["$next"],
        "/products?page=2&items_per_page=3&attributes=all"
    );
    for item in page["$items"].as_array_mut().unwrap() {
        // The sandbox has one price a product.
        let price = item["sales_prices"][0].clone();
        item["sales_prices"] = json!([price, price, price]);
    }
    let Some(mut recorded) = recorded("recorded-products-page1.json") else {
        return;
    };
    for item in recorded["$items"].as_array_mut().unwrap() {
        // These may be null or not, from product to product.
        for member in ["active", "usual_supplier"] {
            item[member] = page["$items"][0][member].clone();
        }
    }
    let found = differences(&recorded, &page);
    let allowed = BTreeSet::from(
        [
            // Not described.
            "-$items.links",
            // The sandbox's items have no such account and no tax on purchases.
            "$items.purchase_ledger_account: object is null",
            "$items.purchase_tax_rate: object is null",
        ]
        .map(str::to_owned),
    );
    assert_eq!(found, allowed, "{NO_TAX}");
}

#[tokio::test]
async fn a_stock_item() {
    let sage = Sage::empty().await;
    let item = json!({
        "Name": "Stocked", "Type": "Inventory", "UnitPrice": 4, "QtyOnHand": 3,
        "PurchaseCost": 2, "IncomeAccountRef": {"value": "1"},
    });
    sage.api.write("Item", item).await;
    let listed = sage.items("stock_items?attributes=all").await;
    let mut stock = listed[0].clone();
    assert_eq!(stock["quantity_in_stock"], "3.0");
    // The same one is a product as well.
    let product = sage.get(&format!("products/{}", text(&stock["id"]))).await;
    assert_eq!(product["displayed_as"], "Stocked");
    let price = stock["sales_prices"][0].clone();
    stock["sales_prices"] = json!([price, price, price]);
    assert_shape(
        "doc-stock-item.json",
        &stock,
        &[
            ("+deletable", "printed without, described with"),
            ("+deactivatable", "printed without, described with"),
            (
                "+used_on_recurring_invoice",
                "printed without, described with",
            ),
            ("purchase_ledger_account: object is null", NO_TAX),
            ("purchase_tax_rate: object is null", NO_TAX),
        ],
    );
}

#[tokio::test]
async fn what_can_be_the_same_is_the_same() {
    let sage = Sage::empty().await;
    for (file, path) in [
        ("recorded-contact-types.json", "contact_types"),
        (
            "recorded-contacts-empty.json",
            "contacts?items_per_page=200",
        ),
    ] {
        if let Some(recorded) = recorded(file) {
            assert_eq!(sage.get(path).await, recorded, "{path}");
        }
    }
    let settings = sage.get("financial_settings").await;
    assert_eq!(settings["base_currency"]["id"], "USD");
    // What the business does not say.
    let unsaid = [("sales_tax_calculation: null is text", ""); 0];
    assert_shape("recorded-financial-settings.json", &settings, &unsaid);
}

#[tokio::test]
async fn businesses_and_their_tokens() {
    let sage = Sage::two().await;
    let businesses = sage.get("businesses").await;
    assert_shape(
        "doc-businesses-list.json",
        &businesses,
        &[("$items: 3 rows are 2", "the sandbox has two")],
    );
    assert_eq!(businesses["$items_per_page"], json!(2_147_483_647));
    let realms = [REALM.to_owned(), OTHER.to_owned()];
    let given = grant(&sage.api, &realms).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&given["refresh_token"])),
        ("client_id", "sandbox-client"),
        ("client_secret", "sandbox-secret"),
    ];
    let (status, tokens) = super::tokens::token(&sage.api, &form).await;
    assert_eq!(status, StatusCode::OK);
    assert_shape("doc-token-response.json", &tokens, &[]);
    assert_eq!(tokens["expires_in"], json!(300));
    assert_eq!(tokens["refresh_token_expires_in"], json!(2_678_400));
    assert_eq!(tokens["token_type"], "bearer");
    for token in ["access_token", "refresh_token"] {
        assert_eq!(text(&tokens[token]).split('.').count(), 3, "{token}");
    }
}

#[tokio::test]
async fn refusals() {
    let sage = Sage::empty().await;
    for (refusal, status, file) in [
        (
            "no_subscription",
            StatusCode::UNAUTHORIZED,
            "doc-error-401-no-subscription.json",
        ),
        (
            "denied",
            StatusCode::FORBIDDEN,
            "doc-error-403-access-denied.json",
        ),
    ] {
        let order = json!({ "refusal": refusal });
        sage.control(Method::PUT, "/sage/oddities", order).await;
        let (refused, body) = sage.read("contacts").await;
        assert_eq!(refused, status);
        if let Some(recorded) = recorded(file) {
            assert_eq!(body, recorded);
        }
    }
    let order = json!({ "refusal": "no_subscription" });
    sage.control(Method::PUT, "/sage/oddities", order).await;
    let business = sage.get("businesses/lead").await;
    assert_eq!(business["subscriptions"][0]["active"], json!(false));
    sage.control(Method::PUT, "/sage/oddities", json!({})).await;
    sage.get("contacts").await;
}
