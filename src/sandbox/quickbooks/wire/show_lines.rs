//! The lines of transactions as the API shows them.

use serde_json::{Map, Value, json};

use super::show_document::{account_reference, customer_reference};
use super::{amount, quantity, reference};
use crate::sandbox::books::{Books, Detail, Document, Kind, Line, List, Side};

/// All lines; a sales form's are followed by their sum.
pub(super) fn lines(books: &Books, document: &Document) -> Value {
    let mut shown: Vec<Value> = document
        .lines
        .iter()
        .enumerate()
        .map(|(index, each)| line(books, document, index, each))
        .collect();
    if document.kind.is_sales_form() {
        shown.push(json!({
            "Amount": amount(document.subtotal()),
            "DetailType": "SubTotalLineDetail",
            "SubTotalLineDetail": {},
        }));
    }
    Value::Array(shown)
}

fn line(books: &Books, document: &Document, index: usize, line: &Line) -> Value {
    let mut shown = Map::new();
    shown.insert("Amount".to_owned(), amount(line.amount));
    if let Some(description) = &line.description {
        shown.insert("Description".to_owned(), json!(description.as_ref()));
    }
    // Journal lines count from 0 and have no number; the others count from 1.
    if document.kind == Kind::JournalEntry {
        shown.insert("Id".to_owned(), json!(index.to_string()));
    } else if !matches!(line.detail, Detail::Applied { .. } | Detail::Banked { .. }) {
        shown.insert("Id".to_owned(), json!((index + 1).to_string()));
        if document.kind != Kind::Purchase {
            shown.insert("LineNum".to_owned(), json!(index + 1));
        }
    }
    if !matches!(line.detail, Detail::Applied { .. } | Detail::Banked { .. }) {
        shown.insert("CustomExtensions".to_owned(), json!([]));
    }
    let mut detail = |kind: &str, value: Value| {
        shown.insert("DetailType".to_owned(), json!(kind));
        shown.insert(kind.to_owned(), value);
    };
    match &line.detail {
        Detail::Sale {
            item,
            quantity: sold,
            price,
            taxable,
        } => {
            let name = books.name(List::Item, *item);
            let mut sale = Map::new();
            sale.insert(
                "ItemRef".to_owned(),
                reference(item, name.map(|name| &*name.name)),
            );
            if let Some(price) = price {
                sale.insert("UnitPrice".to_owned(), quantity(*price));
            }
            if let Some(sold) = sold {
                sale.insert("Qty".to_owned(), quantity(*sold));
            }
            if let Some(account) = name.and_then(|name| name.properties.get("IncomeAccountRef")) {
                sale.insert("ItemAccountRef".to_owned(), account.clone());
            }
            let code = if *taxable { "TAX" } else { "NON" };
            sale.insert("TaxCodeRef".to_owned(), json!({"value": code}));
            detail("SalesItemLineDetail", Value::Object(sale));
        }
        Detail::Text => detail("DescriptionOnly", json!({})),
        Detail::Discount { percent } => {
            let mut off = json!({"PercentBased": percent.is_some()});
            if let Some(percent) = percent {
                off["DiscountPercent"] = quantity(*percent);
            }
            detail("DiscountLineDetail", off);
        }
        Detail::Applied { kind, to, line } => {
            let mut target =
                json!({"TxnId": to.to_string(), "TxnType": kind_of_link(books, *kind, *to)});
            if let Some(line) = line {
                target["TxnLineId"] = json!(line.to_string());
            }
            shown.insert("LinkedTxn".to_owned(), json!([target]));
        }
        Detail::Banked { payment } => {
            shown.insert(
                "LinkedTxn".to_owned(),
                json!([{"TxnId": payment.to_string(), "TxnType": "Payment", "TxnLineId": "0"}]),
            );
        }
        Detail::Posting {
            account,
            side,
            customer,
            ..
        } => {
            let (kind, value) = posting(books, document.kind, *account, *side, *customer);
            detail(kind, value);
        }
    }
    Value::Object(shown)
}

/// The detail of a posting: its name, and what it says. Each kind of document has its own.
fn posting(
    books: &Books,
    kind: Kind,
    account: u64,
    side: Side,
    customer: Option<u64>,
) -> (&'static str, Value) {
    let mut posting = json!({"AccountRef": account_reference(books, account)});
    let customer = customer.map(|customer| customer_reference(books, customer));
    match kind {
        Kind::JournalEntry => {
            posting["PostingType"] = json!(match side {
                Side::Debit => "Debit",
                Side::Credit => "Credit",
            });
            if let Some(customer) = customer {
                posting["Entity"] = json!({"Type": "Customer", "EntityRef": customer});
            }
            ("JournalEntryLineDetail", posting)
        }
        Kind::Deposit => {
            if let Some(mut customer) = customer {
                customer["type"] = json!("CUSTOMER");
                posting["Entity"] = customer;
            }
            ("DepositLineDetail", posting)
        }
        _ => {
            if let Some(customer) = customer {
                posting["CustomerRef"] = customer;
            }
            posting["BillableStatus"] = json!("NotBillable");
            posting["TaxCodeRef"] = json!({"value": "NON"});
            ("AccountBasedExpenseLineDetail", posting)
        }
    }
}

/// The `TxnType` of a link: a purchase goes by how it was paid.
fn kind_of_link(books: &Books, kind: Kind, id: u64) -> &'static str {
    if kind != Kind::Purchase {
        return kind.entity();
    }
    let extra = books
        .document(kind, id)
        .and_then(|document| document.extra.as_deref());
    match extra
        .and_then(|extra| extra.get("PaymentType"))
        .and_then(Value::as_str)
    {
        Some("Check") => "Check",
        Some("CreditCard") => "CreditCardCredit",
        _ => "Expense",
    }
}
