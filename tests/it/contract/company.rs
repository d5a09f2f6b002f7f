//! The company that every ledger is made to keep the books of, told in nobody's format.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mirror::rig::{REALM, Rig};

/// `company.json`; days are counted from today.
#[derive(Debug, Deserialize)]
pub(crate) struct Company {
    pub(crate) items: Vec<Item>,
    pub(crate) customers: Vec<Party>,
    pub(crate) documents: Vec<Paper>,
}

/// Something sold.
#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) price: Decimal,
}

/// A customer.
#[derive(Debug, Deserialize)]
pub(crate) struct Party {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) currency: String,
    pub(crate) terms_days: i64,
    pub(crate) credit_limit: Option<Decimal>,
}

/// A document, and what it settles.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Paper {
    /// A sale on account.
    Invoice {
        key: String,
        customer: String,
        day: i64,
        due: i64,
        number: String,
        lines: Vec<Line>,
    },
    /// A reduction of what is owed.
    CreditNote {
        customer: String,
        day: i64,
        number: String,
        lines: Vec<Line>,
        apply: Vec<Use>,
    },
    /// Money received.
    Payment {
        customer: String,
        day: i64,
        amount: Decimal,
        apply: Vec<Use>,
    },
}

/// A line of a document.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) item: String,
    pub(crate) quantity: Decimal,
    pub(crate) price: Decimal,
}

/// What is settled; a payment settles on its own day.
#[derive(Debug, Deserialize)]
pub(crate) struct Use {
    pub(crate) to: String,
    pub(crate) amount: Decimal,
    pub(crate) day: Option<i64>,
}

impl Company {
    pub(crate) fn read() -> Self {
        serde_json::from_str(include_str!("company.json")).expect("a company")
    }

    fn name_of(&self, customer: &str) -> &str {
        let mut known = self.customers.iter();
        let found = known.find(|party| party.key == customer);
        &found.expect("a customer of the company").name
    }

    fn number_of(&self, invoice: &str) -> &str {
        let mut papers = self.documents.iter();
        let found = papers.find_map(|paper| match paper {
            Paper::Invoice { key, number, .. } if key == invoice => Some(number),
            _ => None,
        });
        found.expect("an invoice of the company")
    }

    fn lines(&self, lines: &[Line]) -> Value {
        let line = |line: &Line| {
            let mut known = self.items.iter();
            let item = known.find(|item| item.key == line.item).expect("an item");
            json!({ "item": item.name, "quantity": line.quantity, "price": line.price })
        };
        lines.iter().map(line).collect()
    }

    /// Writes it all into the sandbox's books.
    pub(crate) async fn enter(&self, rig: &Rig, today: Date) {
        let on = |day: i64| today.saturating_add(day.days()).to_string();
        let order = async |path: &str, mut wish: Value| {
            wish["company"] = json!(REALM);
            let answer = rig.order(path, wish.clone()).await;
            assert!(answer.get("error").is_none(), "{path} {wish}: {answer}");
            answer
        };
        for item in &self.items {
            let wish = json!({ "name": item.name, "code": item.key, "price": item.price });
            order("items", wish).await;
        }
        for party in &self.customers {
            let wish = json!({
                "name": party.name, "email": party.email, "currency": party.currency,
                "terms_days": party.terms_days, "credit_limit": party.credit_limit,
            });
            order("customers", wish).await;
        }
        for paper in &self.documents {
            match paper {
                Paper::Invoice {
                    customer,
                    day,
                    due,
                    number,
                    lines,
                    ..
                } => {
                    let wish = json!({
                        "customer": self.name_of(customer), "date": on(*day), "due": on(*due),
                        "number": number, "lines": self.lines(lines),
                    });
                    order("invoices", wish).await;
                }
                Paper::CreditNote {
                    customer,
                    day,
                    number,
                    lines,
                    apply,
                } => {
                    let wish = json!({
                        "customer": self.name_of(customer), "date": on(*day), "number": number,
                        "lines": self.lines(lines),
                    });
                    let note = order("credits", wish).await;
                    for used in apply {
                        let wish = json!({
                            "from": "credit_memo", "id": note["Id"],
                            "to": self.number_of(&used.to), "amount": used.amount,
                            "date": on(used.day.unwrap_or(*day)),
                        });
                        order("apply", wish).await;
                    }
                }
                Paper::Payment {
                    customer,
                    day,
                    amount,
                    apply,
                } => {
                    let parts = apply.iter().map(
                        |used| json!({ "to": self.number_of(&used.to), "amount": used.amount }),
                    );
                    let wish = json!({
                        "customer": self.name_of(customer), "date": on(*day), "amount": amount,
                        "apply": parts.collect::<Value>(),
                    });
                    order("payments", wish).await;
                }
            }
        }
    }
}
