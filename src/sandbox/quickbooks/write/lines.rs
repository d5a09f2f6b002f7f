//! The lines of a body.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::sandbox::books::{Books, Detail, Id, Kind, Line, List, Side};
use crate::sandbox::quickbooks::wire::fault::Fault;
use crate::sandbox::quickbooks::wire::request::{decimal, reference};

/// The item of a sales line that names none.
const DEFAULT_ITEM: Id = 1;

/// The lines of a document of this kind.
pub(super) fn read(
    books: &Books,
    kind: Kind,
    customer: Option<Id>,
    sent: &Value,
) -> Result<Vec<Line>, Fault> {
    let Value::Array(sent) = sent else {
        return Err(Fault::unreadable());
    };
    let mut lines = Vec::with_capacity(sent.len());
    for line in sent {
        let Value::Object(line) = line else {
            return Err(Fault::unreadable());
        };
        let detail = match kind {
            Kind::Payment => Some(applied(books, customer, line)?),
            Kind::JournalEntry => Some(journal(books, line)?),
            Kind::Deposit => Some(deposit(books, line)?),
            Kind::Purchase => Some(expense(books, line)?),
            _ => sale(books, line)?,
        };
        let Some(detail) = detail else {
            continue;
        };
        let amount = match decimal(line, "Amount")? {
            Some(amount) => amount,
            None if detail == Detail::Text => Decimal::ZERO,
            None => return Err(Fault::missing("Amount")),
        };
        lines.push(Line {
            amount,
            description: line
                .get("Description")
                .and_then(Value::as_str)
                .map(Into::into),
            detail: opened(detail, amount),
        });
    }
    Ok(lines)
}

/// A new posting is open by its whole amount.
fn opened(mut detail: Detail, amount: Decimal) -> Detail {
    if let Detail::Posting { open, .. } = &mut detail {
        *open = amount;
    }
    detail
}

fn object<'a>(line: &'a Map<String, Value>, property: &str) -> Option<&'a Map<String, Value>> {
    line.get(property)?.as_object()
}

/// A line of a sales form; the subtotal is computed, so a sent one is left out.
fn sale(books: &Books, line: &Map<String, Value>) -> Result<Option<Detail>, Fault> {
    match line.get("DetailType").and_then(Value::as_str) {
        Some("SalesItemLineDetail") => {}
        Some("SubTotalLineDetail") => return Ok(None),
        Some("DescriptionOnly") => return Ok(Some(Detail::Text)),
        Some("DiscountLineDetail") => {
            let percent = match object(line, "DiscountLineDetail") {
                Some(detail) => decimal(detail, "DiscountPercent")?,
                None => None,
            };
            return Ok(Some(Detail::Discount { percent }));
        }
        Some(_) => return Err(Fault::bad_enumeration("DetailType")),
        None => return Err(Fault::missing("DetailType")),
    }
    let detail =
        object(line, "SalesItemLineDetail").ok_or_else(|| Fault::missing("SalesItemLineDetail"))?;
    let item = reference(detail, "ItemRef")?.unwrap_or(DEFAULT_ITEM);
    match books.name(List::Item, item) {
        None => return Err(Fault::bad_reference("ItemRef", &item.to_string())),
        Some(item) if !item.active => return Err(Fault::not_found()),
        Some(_) => {}
    }
    let quantity = decimal(detail, "Qty")?;
    let price = decimal(detail, "UnitPrice")?;
    let amount = decimal(line, "Amount")?;
    if let (Some(quantity), Some(price), Some(amount)) = (quantity, price, amount)
        && (quantity * price).round_dp(2) != amount.round_dp(2)
    {
        return Err(Fault::amount_mismatch());
    }
    let taxable = detail
        .get("TaxCodeRef")
        .and_then(|code| code.get("value"))
        .and_then(Value::as_str)
        == Some("TAX");
    Ok(Some(Detail::Sale {
        item,
        quantity,
        price,
        taxable,
    }))
}

/// A line of a payment: what it settles or uses.
fn applied(
    books: &Books,
    customer: Option<Id>,
    line: &Map<String, Value>,
) -> Result<Detail, Fault> {
    let target = line
        .get("LinkedTxn")
        .and_then(|links| links.get(0))
        .and_then(Value::as_object)
        .ok_or_else(|| Fault::missing("LinkedTxn"))?;
    let kind = target
        .get("TxnType")
        .and_then(Value::as_str)
        .and_then(Kind::of_link)
        .ok_or_else(|| Fault::bad_enumeration("TxnType"))?;
    let to = reference(target, "TxnId")?.ok_or_else(|| Fault::missing("TxnId"))?;
    let at = match kind {
        Kind::Invoice | Kind::CreditMemo => None,
        _ => match reference(target, "TxnLineId")? {
            Some(at) => usize::try_from(at).ok(),
            None => books.receivable_line(kind, to, customer),
        },
    };
    Ok(Detail::Applied { kind, to, line: at })
}

fn account(books: &Books, detail: &Map<String, Value>) -> Result<Id, Fault> {
    let account = reference(detail, "AccountRef")?.ok_or_else(|| Fault::missing("AccountRef"))?;
    match books.name(List::Account, account) {
        None => Err(Fault::bad_reference("AccountRef", &account.to_string())),
        Some(account) if !account.active => Err(Fault::not_found()),
        Some(_) => Ok(account),
    }
}

/// A posting, which on a receivables account must say whose it is.
fn posting(books: &Books, account: Id, side: Side, customer: Option<Id>) -> Result<Detail, Fault> {
    match customer {
        None if books.is_receivable(account) => Err(Fault::business(
            "When you use Accounts Receivable, you must choose a customer in the Name field.",
        )),
        Some(customer) if books.name(List::Customer, customer).is_none() => {
            Err(Fault::bad_reference("Entity", &customer.to_string()))
        }
        _ => Ok(Detail::Posting {
            account,
            side,
            customer,
            open: Decimal::ZERO,
        }),
    }
}

fn journal(books: &Books, line: &Map<String, Value>) -> Result<Detail, Fault> {
    let detail = object(line, "JournalEntryLineDetail")
        .ok_or_else(|| Fault::missing("JournalEntryLineDetail"))?;
    let side = match detail.get("PostingType").and_then(Value::as_str) {
        Some("Debit") => Side::Debit,
        Some("Credit") => Side::Credit,
        Some(_) => return Err(Fault::bad_enumeration("PostingType")),
        None => return Err(Fault::missing("PostingType")),
    };
    let customer = match object(detail, "Entity") {
        Some(entity) if entity.get("Type").and_then(Value::as_str) == Some("Customer") => {
            reference(entity, "EntityRef")?
        }
        _ => None,
    };
    posting(books, account(books, detail)?, side, customer)
}

fn deposit(books: &Books, line: &Map<String, Value>) -> Result<Detail, Fault> {
    if let Some(link) = line.get("LinkedTxn").and_then(|links| links.get(0)) {
        let payment = link
            .get("TxnId")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Fault::missing("TxnId"))?;
        if books.document(Kind::Payment, payment).is_none() {
            return Err(Fault::bad_reference("LinkedTxn", &payment.to_string()));
        }
        return Ok(Detail::Banked { payment });
    }
    let detail =
        object(line, "DepositLineDetail").ok_or_else(|| Fault::missing("DepositLineDetail"))?;
    // Money that comes in takes the credit side of the account named.
    posting(
        books,
        account(books, detail)?,
        Side::Credit,
        reference(detail, "Entity")?,
    )
}

fn expense(books: &Books, line: &Map<String, Value>) -> Result<Detail, Fault> {
    let detail = object(line, "AccountBasedExpenseLineDetail")
        .ok_or_else(|| Fault::missing("AccountBasedExpenseLineDetail"))?;
    // Money that goes out takes the debit side.
    posting(
        books,
        account(books, detail)?,
        Side::Debit,
        reference(detail, "CustomerRef")?,
    )
}
