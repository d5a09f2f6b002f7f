//! The invented books.

use std::collections::BTreeMap;

use financial_pulse::sandbox::Data;
use rust_decimal::Decimal;
use serde_json::Value;

use super::harness::{Api, TODAY, decimal, options};

/// The balance of each customer, added up from what the API shows of the documents.
async fn balances_from_documents(api: &Api) -> BTreeMap<String, Decimal> {
    let mut balances: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut add = |customer: &Value, amount: Decimal| {
        *balances
            .entry(customer.as_str().unwrap().to_owned())
            .or_default() += amount;
    };
    for invoice in api.all("Invoice", "").await {
        add(
            &invoice["CustomerRef"]["value"],
            decimal(&invoice["Balance"]),
        );
    }
    for memo in api.all("CreditMemo", "").await {
        add(&memo["CustomerRef"]["value"], -decimal(&memo["Balance"]));
    }
    for payment in api.all("Payment", "").await {
        add(
            &payment["CustomerRef"]["value"],
            -decimal(&payment["UnappliedAmt"]),
        );
    }
    let receivables: Vec<Value> = api
        .all("Account", "WHERE AccountType = 'Accounts Receivable'")
        .await
        .into_iter()
        .map(|account| account["Id"].clone())
        .collect();
    for entry in api.all("JournalEntry", "").await {
        for line in entry["Line"].as_array().unwrap() {
            let detail = &line["JournalEntryLineDetail"];
            if receivables.contains(&detail["AccountRef"]["value"]) {
                let amount = decimal(&line["Amount"]);
                let signed = if detail["PostingType"] == "Debit" {
                    amount
                } else {
                    -amount
                };
                add(&detail["Entity"]["EntityRef"]["value"], signed);
            }
        }
    }
    for deposit in api.all("Deposit", "").await {
        for line in deposit["Line"].as_array().unwrap() {
            let detail = &line["DepositLineDetail"];
            if receivables.contains(&detail["AccountRef"]["value"]) {
                add(&detail["Entity"]["value"], -decimal(&line["Amount"]));
            }
        }
    }
    for purchase in api.all("Purchase", "").await {
        for line in purchase["Line"].as_array().unwrap() {
            let detail = &line["AccountBasedExpenseLineDetail"];
            if receivables.contains(&detail["AccountRef"]["value"]) {
                add(&detail["CustomerRef"]["value"], decimal(&line["Amount"]));
            }
        }
    }
    balances
}

async fn assert_balances_follow_from_documents(api: &Api) {
    let balances = balances_from_documents(api).await;
    let customers = api.all("Customer", "WHERE Active IN (true, false)").await;
    assert!(!customers.is_empty());
    for customer in customers {
        let id = customer["Id"].as_str().unwrap();
        assert_eq!(
            decimal(&customer["Balance"]),
            balances.get(id).copied().unwrap_or_default(),
            "{}",
            customer["DisplayName"]
        );
    }
}

#[tokio::test]
async fn the_demo_ties_out() {
    let api = Api::start(options(Data::Demo { today: TODAY })).await;
    api.assert_ties_out().await;
    assert_balances_follow_from_documents(&api).await;
}

#[tokio::test]
async fn invented_companies_tie_out() {
    let api = Api::start(options(Data::Generated {
        customers: 150,
        invoices: 2_500,
        today: TODAY,
    }))
    .await;
    api.assert_ties_out().await;
    assert_balances_follow_from_documents(&api).await;
}
