//! Creating and updating transactions.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value};

use super::lines;
use crate::sandbox::books::{Books, Currency, Detail, Document, Entry, Kind, List, Side, zone};
use crate::sandbox::quickbooks::wire::fault::Fault;
use crate::sandbox::quickbooks::wire::request::{Properties, decimal};

/// Properties that are typed, computed or read-only; all others are handed back as they came.
const NOT_STORED: &[&str] = &[
    "Id",
    "SyncToken",
    "MetaData",
    "domain",
    "status",
    "sparse",
    "DocNumber",
    "TxnDate",
    "CurrencyRef",
    "ExchangeRate",
    "PrivateNote",
    "LinkedTxn",
    "Line",
    "TxnTaxDetail",
    "CustomerRef",
    "TotalAmt",
    "HomeTotalAmt",
    "Balance",
    "HomeBalance",
    "DueDate",
    "DepositToAccountRef",
    "AccountRef",
    "EntityRef",
    "UnappliedAmt",
    "RemainingCredit",
    "InvoiceLink",
    "DeliveryInfo",
    "Adjustment",
];

/// The one sales tax of the sandbox's companies, in percent.
const TAX_PERCENT: Decimal = Decimal::from_parts(8, 0, 0, false, 0);

/// Creates a document, or updates the one that the body names; gives its id.
pub(super) fn write(
    books: &mut Books,
    kind: Kind,
    body: &Properties,
    now: Timestamp,
) -> Result<u64, Fault> {
    if body.has("Id") {
        let id = body.id()?;
        let before = books
            .document(kind, id)
            .ok_or_else(Fault::not_found)?
            .clone();
        body.check_sync_token(before.stamp.sync_token)?;
        let sparse = body.flag("sparse").unwrap_or(false);
        let mut document = before.clone();
        if !sparse {
            document.note = None;
            document.extra = None;
        }
        // Refused as a creation is, where a full update leaves out what is required.
        fill(books, &mut document, body, !sparse)?;
        books.rewrite(document, now)?;
        Ok(id)
    } else {
        let today = now.to_zoned(zone()).date();
        let mut document = Document::new(kind, today, now);
        fill(books, &mut document, body, true)?;
        if kind.is_sales_form() && document.number.is_none() {
            document.number = Some(books.take_number());
        }
        Ok(books.post(document, now)?)
    }
}

/// Fills a document from a body. With `whole`, what is required must be there.
fn fill(
    books: &Books,
    document: &mut Document,
    body: &Properties,
    whole: bool,
) -> Result<(), Fault> {
    let kind = document.kind;
    let customer = customer(books, document, body, whole)?;
    if let Some(date) = body.date("TxnDate")? {
        document.date = date;
    }
    if let Some(number) = body.short_text("DocNumber", 21)? {
        document.number = Some(number.into());
    }
    if let Some(note) = body.short_text("PrivateNote", 4000)? {
        document.note = (!note.is_empty()).then(|| note.into());
    }
    currency(books, document, body, customer.as_ref())?;
    let account_property = if kind == Kind::Purchase {
        "AccountRef"
    } else {
        "DepositToAccountRef"
    };
    match body.reference(account_property)? {
        Some(account) if books.name(List::Account, account).is_none() => {
            return Err(Fault::bad_reference(account_property, &account.to_string()));
        }
        Some(account) => document.account = Some(account),
        None if whole && matches!(kind, Kind::RefundReceipt | Kind::Deposit | Kind::Purchase) => {
            return Err(Fault::missing(account_property));
        }
        None => {}
    }
    match body.0.get("Line") {
        Some(sent) => document.lines = lines::read(books, kind, document.customer, sent)?,
        // A full update of a payment without lines takes its applications away.
        None if whole && kind == Kind::Payment => document.lines = Vec::new(),
        None if whole => return Err(Fault::missing("Line")),
        None => {}
    }
    if kind != Kind::Payment && body.0.contains_key("Line") && document.lines.is_empty() {
        return Err(Fault::missing("Line"));
    }
    keep_extra(document, body);
    totals(document, body, whole)?;
    if kind == Kind::Invoice {
        if let Some(due) = body.date("DueDate")? {
            document.due = Some(due);
        } else if (whole || body.has("TxnDate") || body.has("SalesTermRef"))
            && let Some(customer) = &customer
        {
            let term = body.reference("SalesTermRef")?;
            document.due = Some(books.due_date(customer, term, document.date));
        }
    }
    Ok(())
}

/// The customer, who must be there and active where one is required.
fn customer(
    books: &Books,
    document: &mut Document,
    body: &Properties,
    whole: bool,
) -> Result<Option<Entry>, Fault> {
    let property = match document.kind {
        Kind::JournalEntry | Kind::Deposit => return Ok(None),
        Kind::Purchase => "EntityRef",
        _ => "CustomerRef",
    };
    if document.kind == Kind::Purchase
        && body
            .0
            .get(property)
            .and_then(|entity| entity.get("type"))
            .and_then(Value::as_str)
            .is_some_and(|kind| !kind.eq_ignore_ascii_case("customer"))
    {
        return Ok(None);
    }
    if let Some(id) = body.reference(property)? {
        let customer = books
            .name(List::Customer, id)
            .ok_or_else(|| Fault::bad_reference(property, &id.to_string()))?;
        // Recorded: a transaction for an inactive name is answered with 610.
        if !customer.active {
            return Err(Fault::not_found());
        }
        document.customer = Some(id);
    } else if whole
        && matches!(
            document.kind,
            Kind::Invoice | Kind::CreditMemo | Kind::Payment
        )
    {
        return Err(Fault::missing(property));
    }
    Ok(document
        .customer
        .and_then(|id| books.name(List::Customer, id))
        .cloned())
}

/// The customer's currency, which a transaction cannot differ from.
fn currency(
    books: &Books,
    document: &mut Document,
    body: &Properties,
    customer: Option<&Entry>,
) -> Result<(), Fault> {
    let sent = match body.0.get("CurrencyRef") {
        Some(reference) => Some(
            reference["value"]
                .as_str()
                .and_then(Currency::parse)
                .ok_or_else(|| Fault::bad_enumeration("CurrencyRef"))?,
        ),
        None => None,
    };
    let own = customer.map(|customer| customer.currency);
    if let (Some(sent), Some(own)) = (sent, own)
        && sent != own
    {
        return Err(Fault::business(
            "The transaction's currency is not the customer's.",
        ));
    }
    let before = document.currency;
    document.currency = own.or(sent).unwrap_or(if document.id == 0 {
        books.home
    } else {
        document.currency
    });
    if let Some(rate) = body.decimal("ExchangeRate")? {
        document.rate = rate;
    } else if document.id == 0 || before != document.currency {
        document.rate = books.rate(document.currency);
    }
    Ok(())
}

/// Keeps what the books only hand back.
fn keep_extra(document: &mut Document, body: &Properties) {
    let mut extra: Map<String, Value> = document
        .extra
        .take()
        .map(|extra| *extra)
        .unwrap_or_default();
    for (property, value) in &body.0 {
        if !NOT_STORED.contains(&property.as_str()) && !value.is_null() {
            extra.insert(property.clone(), value.clone());
        }
    }
    if !extra.is_empty() {
        document.extra = Some(Box::new(extra));
    }
}

/// Total, tax and open amount.
fn totals(document: &mut Document, body: &Properties, whole: bool) -> Result<(), Fault> {
    match document.kind {
        Kind::Invoice | Kind::CreditMemo | Kind::SalesReceipt | Kind::RefundReceipt => {
            if whole || body.has("Line") || body.has("TxnTaxDetail") {
                document.tax = tax(document, body)?;
            }
            document.total = document.subtotal() - document.discount() + document.tax;
            if document.total.is_sign_negative() && !document.total.is_zero() {
                return Err(Fault::business("The total must be zero or greater."));
            }
            document.open = match document.kind {
                Kind::Invoice | Kind::CreditMemo => document.total,
                _ => Decimal::ZERO,
            };
        }
        Kind::Payment => match body.decimal("TotalAmt")? {
            Some(total) if total.is_sign_negative() && !total.is_zero() => {
                return Err(Fault::business("The amount must be zero or greater."));
            }
            Some(total) => document.total = total,
            None if whole => return Err(Fault::missing("TotalAmt")),
            None => {}
        },
        Kind::JournalEntry => {
            let difference: Decimal = document
                .lines
                .iter()
                .map(|line| match line.detail {
                    Detail::Posting { side, .. } => side.signed(line.amount),
                    _ => Decimal::ZERO,
                })
                .sum();
            if !difference.is_zero() {
                return Err(Fault::business(
                    "Debits and credits must be equal in a journal entry.",
                ));
            }
            document.total = document
                .lines
                .iter()
                .filter(|line| {
                    matches!(
                        line.detail,
                        Detail::Posting {
                            side: Side::Debit,
                            ..
                        }
                    )
                })
                .map(|line| line.amount)
                .sum();
        }
        Kind::Deposit | Kind::Purchase => {
            document.total = document.lines.iter().map(|line| line.amount).sum();
        }
    }
    Ok(())
}

/// The tax of a sales form: the amount that was sent, or by the code that was sent.
fn tax(document: &Document, body: &Properties) -> Result<Decimal, Fault> {
    let Some(Value::Object(detail)) = body.0.get("TxnTaxDetail") else {
        return Ok(Decimal::ZERO);
    };
    if let Some(total) = decimal(detail, "TotalTax")? {
        return Ok(total);
    }
    if !detail.contains_key("TxnTaxCodeRef") {
        return Ok(Decimal::ZERO);
    }
    let taxable: Decimal = document
        .lines
        .iter()
        .filter(|line| matches!(line.detail, Detail::Sale { taxable: true, .. }))
        .map(|line| line.amount)
        .sum();
    Ok((taxable * TAX_PERCENT / Decimal::ONE_HUNDRED)
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}
