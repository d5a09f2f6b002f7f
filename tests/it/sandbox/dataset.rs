//! The invented books.

use std::collections::BTreeMap;

use financial_pulse::sandbox::dataset::demo::{self, Expected};
use financial_pulse::sandbox::{Data, SandboxOptions};
use jiff::civil::Date;
use reqwest::Method;
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

/// Everything that a company shows, as text.
async fn everything(api: &Api) -> String {
    let mut text = String::new();
    for entity in [
        "Customer",
        "Item",
        "Invoice",
        "Payment",
        "CreditMemo",
        "JournalEntry",
    ] {
        for row in api.all(entity, "ORDERBY Id").await {
            text.push_str(&row.to_string());
        }
    }
    text
}

#[tokio::test]
async fn the_same_seed_and_day_give_the_same_books() {
    let data = Data::Generated {
        customers: 30,
        invoices: 300,
        today: TODAY,
    };
    let with_seed = |seed| SandboxOptions {
        seed,
        ..options(data)
    };
    let first = everything(&Api::start(with_seed(7)).await).await;
    let second = everything(&Api::start(with_seed(7)).await).await;
    let third = everything(&Api::start(with_seed(8)).await).await;
    assert!(first == second, "two sandboxes of one seed differ");
    assert!(first != third, "two seeds give the same books");
}

#[tokio::test]
async fn invented_companies_have_every_kind_of_document() {
    let api = Api::start(options(Data::Generated {
        customers: 60,
        invoices: 1_000,
        today: TODAY,
    }))
    .await;
    for (entity, at_least) in [
        ("Invoice", 1_000),
        ("Payment", 700),
        ("CreditMemo", 5),
        ("SalesReceipt", 3),
        ("RefundReceipt", 3),
        ("JournalEntry", 5),
        ("Deposit", 30),
        ("Purchase", 3),
        ("Item", 10),
        ("Term", 4),
    ] {
        let count = api.found(&format!("SELECT COUNT(*) FROM {entity}")).await;
        let count = count["totalCount"].as_u64().unwrap();
        assert!(count >= at_least, "{entity}: {count}");
    }
    for condition in [
        "Active = false",
        "Job = true",
        "CurrencyRef = 'EUR'",
        "Balance > '0'",
        "Balance < '0'",
    ] {
        let count = api
            .found(&format!("SELECT COUNT(*) FROM Customer WHERE {condition}"))
            .await;
        assert!(count["totalCount"].as_u64().unwrap() > 0, "{condition}");
    }
    let foreign = api
        .all("Invoice", "WHERE CurrencyRef = 'EUR'")
        .await
        .remove(0);
    assert!(decimal(&foreign["ExchangeRate"]) > Decimal::ONE);
    assert!(decimal(&foreign["HomeTotalAmt"]) > decimal(&foreign["TotalAmt"]));
    // Nothing happens on the day itself, or later.
    for entity in ["Invoice", "Payment", "CreditMemo", "JournalEntry"] {
        let late = api
            .found(&format!(
                "SELECT COUNT(*) FROM {entity} WHERE TxnDate >= '{TODAY}'"
            ))
            .await;
        assert_eq!(late["totalCount"].as_u64(), Some(0), "{entity}");
    }
}

/// What a customer of the demo owes: all of it, what is overdue, and the most days that it is.
async fn debts(api: &Api, name: &str) -> (Decimal, Decimal, i64) {
    let quoted = name.replace('\'', "\\'");
    let customer = api
        .found(&format!(
            "SELECT * FROM Customer WHERE DisplayName = '{quoted}'"
        ))
        .await["Customer"][0]
        .clone();
    let invoices = api
        .all(
            "Invoice",
            &format!(
                "WHERE CustomerRef = '{}' AND Balance > '0'",
                customer["Id"].as_str().unwrap()
            ),
        )
        .await;
    let mut overdue = Decimal::ZERO;
    let mut days = 0;
    for invoice in invoices {
        let due: Date = invoice["DueDate"].as_str().unwrap().parse().unwrap();
        let late = i64::from((TODAY - due).get_days());
        if late > 0 {
            overdue += decimal(&invoice["Balance"]);
            days = days.max(late);
        }
    }
    (decimal(&customer["BalanceWithJobs"]), overdue, days)
}

#[tokio::test]
async fn each_demo_customer_is_in_its_situation() {
    let api = Api::start(options(Data::Demo { today: TODAY })).await;
    for situation in demo::situations() {
        let Some(account) = situation
            .accounts
            .iter()
            .find(|account| account.realm == demo::REALM)
        else {
            continue;
        };
        let (owed, overdue, days) = debts(&api, account.customer).await;
        let limit: Option<Decimal> = account.limit.map(|limit| limit.parse().unwrap());
        let used = |limit: Decimal| owed / limit * Decimal::ONE_HUNDRED;
        let told = format!(
            "{}: owes {owed}, overdue {overdue} by {days}",
            situation.name
        );
        match situation.expected {
            Expected::FineAndPrompt | Expected::SeveralCurrencies | Expected::Family => {
                assert!(owed > Decimal::ZERO && overdue.is_zero(), "{told}");
                assert!(used(limit.unwrap()) < Decimal::from(80), "{told}");
            }
            Expected::NearLimit => {
                assert!(overdue.is_zero(), "{told}");
                let used = used(limit.unwrap());
                assert!(
                    used >= Decimal::from(80) && used < Decimal::ONE_HUNDRED,
                    "{told}"
                );
            }
            Expected::OverLimit => {
                assert!(overdue.is_zero() && owed > limit.unwrap(), "{told}");
            }
            Expected::SuddenlyLate | Expected::ChronicallyLate => {
                assert!(days > 10 && days < 60, "{told}");
                assert!(owed < limit.unwrap(), "{told}");
            }
            Expected::InCredit => assert!(owed < Decimal::ZERO, "{told}"),
            Expected::UnappliedPayment => {
                assert!(overdue > Decimal::ZERO && days < 60, "{told}");
                let unapplied = api.all("Payment", "WHERE UnappliedAmt > '0'").await;
                assert_eq!(unapplied.len(), 1);
                assert_eq!(unapplied[0]["CustomerRef"]["name"], account.customer);
            }
            Expected::NoLimit => {
                assert!(
                    limit.is_none() && owed > Decimal::ZERO && overdue.is_zero(),
                    "{told}"
                );
            }
            Expected::NeverBought => assert!(owed.is_zero(), "{told}"),
            Expected::NotLinked | Expected::StillSyncing | Expected::ThroughCompany => {
                panic!("{told}: should not be in this company");
            }
        }
    }
}

#[tokio::test]
async fn demo_histories_are_long_enough_to_judge() {
    let api = Api::start(options(Data::Demo { today: TODAY })).await;
    for situation in demo::situations() {
        for account in situation.accounts {
            if account.realm != demo::REALM || situation.expected == Expected::NeverBought {
                continue;
            }
            let customer = api
                .found(&format!(
                    "SELECT * FROM Customer WHERE DisplayName = '{}'",
                    account.customer
                ))
                .await;
            let id = customer["Customer"][0]["Id"].as_str().unwrap();
            let mut documents = 0;
            for entity in ["Invoice", "Payment", "CreditMemo"] {
                documents += api
                    .all(entity, &format!("WHERE CustomerRef = '{id}'"))
                    .await
                    .len();
            }
            assert!(
                (15..=70).contains(&documents),
                "{}: {documents} documents",
                account.customer
            );
        }
    }
}

#[tokio::test]
async fn the_slow_company_ties_out_and_has_its_customer() {
    let mut options = options(Data::SlowDemo { today: TODAY });
    options.companies[0].page_delay = std::time::Duration::ZERO;
    let api = Api::start(options).await;
    api.assert_ties_out().await;
    let (owed, overdue, _) = debts(&api, "Lakeside Logistics").await;
    assert!(owed > Decimal::ZERO && overdue.is_zero());
}

#[tokio::test]
async fn a_reset_brings_the_books_back() {
    let api = Api::empty().await;
    api.write("Customer", serde_json::json!({"DisplayName": "One"}))
        .await;
    api.control(Method::POST, "/reset", serde_json::json!({}))
        .await;
    let companies = api.control(Method::GET, "", Value::Null).await;
    assert_eq!(companies["companies"][0]["customers"], serde_json::json!(0));
    // The tokens are forgotten too.
    let answer = api.send(Method::GET, "preferences", None).await;
    assert_eq!(answer.status(), reqwest::StatusCode::UNAUTHORIZED);
}
