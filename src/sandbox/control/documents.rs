//! The control calls that write documents.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::Value;

use super::{Mistake, Outcome, company};
use crate::sandbox::books::{Books, Detail, Document, Id, Kind, Line, List, OnAccount, Side, zone};
use crate::sandbox::dataset::account;
use crate::sandbox::quickbooks::query::shown;
use crate::sandbox::quickbooks::wire::request::is_reasonable;
use crate::sandbox::quickbooks::wire::schema::Entity;
use crate::sandbox::state::Shared;

/// What a sales document is for: one amount of services, or lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineWanted {
    /// The item's id, name or code.
    item: String,
    quantity: Decimal,
    price: Decimal,
}

/// A bill, or a credit, to be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaleWanted {
    company: Option<String>,
    customer: String,
    amount: Option<Decimal>,
    lines: Option<Vec<LineWanted>>,
    due_days: Option<i64>,
    due: Option<Date>,
    date: Option<Date>,
    number: Option<String>,
    description: Option<String>,
}

/// The customer meant, with what a document of theirs needs.
fn begin(
    books: &Books,
    kind: Kind,
    customer: &str,
    date: Option<Date>,
    now: Timestamp,
) -> Result<Document, Mistake> {
    let customer = books
        .find_customer(customer)
        .ok_or_else(|| Mistake::new(format!("there is no customer {customer}")))?;
    let date = date.unwrap_or_else(|| now.to_zoned(zone()).date());
    let mut document = Document::new(kind, date, now);
    document.customer = Some(customer.id);
    document.currency = customer.currency;
    document.rate = books.rate(customer.currency);
    Ok(document)
}

fn post(books: &mut Books, document: Document, now: Timestamp) -> Result<Id, Mistake> {
    books
        .post(document, now)
        .map_err(|refusal| Mistake::new(format!("{refusal:?}")))
}

fn told(books: &Books, kind: Kind, id: Id) -> Json<Value> {
    Json(shown(books, Entity::Kind(kind), id).unwrap_or_default())
}

pub(super) fn positive(amount: Decimal) -> Result<Decimal, Mistake> {
    if amount > Decimal::ZERO && is_reasonable(&amount) {
        Ok(amount)
    } else {
        Err(Mistake::new(
            "the amount must be greater than zero, and no more than a million million",
        ))
    }
}

/// The item of an id, a name or a code.
fn find_item(books: &Books, wanted: &str) -> Result<Id, Mistake> {
    books
        .names(List::Item)
        .find(|item| {
            item.id.to_string() == wanted
                || item.name.eq_ignore_ascii_case(wanted)
                || item.text("Sku") == Some(wanted)
        })
        .map(|item| item.id)
        .ok_or_else(|| Mistake::new(format!("there is no item {wanted}")))
}

fn sale_line(item: Id, quantity: Decimal, price: Decimal, description: Option<String>) -> Line {
    Line {
        amount: (quantity * price)
            .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero),
        description: description.map(Into::into),
        detail: Detail::Sale {
            item,
            quantity: Some(quantity),
            price: Some(price),
            taxable: false,
        },
    }
}

/// The lines and what they add up to; one of services for an amount alone.
fn fill(
    books: &mut Books,
    document: &mut Document,
    wanted: &mut SaleWanted,
) -> Result<(), Mistake> {
    document.lines = match (wanted.amount, wanted.lines.take()) {
        (Some(amount), None) => {
            let amount = positive(amount)?;
            vec![sale_line(
                1,
                Decimal::ONE,
                amount,
                wanted.description.take(),
            )]
        }
        (None, Some(lines)) => lines
            .into_iter()
            .map(|line| {
                let item = find_item(books, &line.item)?;
                Ok(sale_line(item, line.quantity, line.price, None))
            })
            .collect::<Result<_, Mistake>>()?,
        _ => return Err(Mistake::new("say either an amount or lines")),
    };
    document.total = positive(document.lines.iter().map(|line| line.amount).sum())?;
    document.open = document.total;
    document.number = Some(match wanted.number.take() {
        Some(number) => number.into_boxed_str(),
        None => books.take_number(),
    });
    Ok(())
}

/// Bills a customer.
pub(super) async fn invoice(
    State(shared): State<Shared>,
    Json(mut wanted): Json<SaleWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let mut document = begin(books, Kind::Invoice, &wanted.customer, wanted.date, now)?;
    document.due = match (wanted.due, wanted.due_days) {
        (Some(due), _) => Some(due),
        (None, Some(days)) => Some(
            jiff::Span::new()
                .try_days(days)
                .and_then(|days| document.date.checked_add(days))
                .map_err(|_| Mistake::new("due_days is out of all reason"))?,
        ),
        (None, None) => books
            .find_customer(&wanted.customer)
            .map(|customer| books.due_date(customer, None, document.date)),
    };
    fill(books, &mut document, &mut wanted)?;
    let id = post(books, document, now)?;
    Ok(told(books, Kind::Invoice, id))
}

/// Credits a customer.
pub(super) async fn credit(
    State(shared): State<Shared>,
    Json(mut wanted): Json<SaleWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let mut document = begin(books, Kind::CreditMemo, &wanted.customer, wanted.date, now)?;
    fill(books, &mut document, &mut wanted)?;
    let id = post(books, document, now)?;
    Ok(told(books, Kind::CreditMemo, id))
}

/// What a payment settles.
#[derive(Deserialize)]
#[serde(untagged)]
enum Apply {
    Rule(Rule),
    /// These invoices.
    To(Vec<Share>),
}

/// What a payment settles, by a rule.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rule {
    /// The invoices due first.
    Oldest,
    /// Nothing: the money stays unapplied.
    None,
}

/// How much goes to an invoice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    /// The invoice's id or number.
    to: String,
    amount: Decimal,
}

/// Money to come in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentWanted {
    company: Option<String>,
    customer: String,
    amount: Decimal,
    apply: Option<Apply>,
    /// Whether what is not applied came before there was anything to pay.
    #[serde(default)]
    prepayment: bool,
    date: Option<Date>,
    /// The number of a check.
    number: Option<String>,
}

/// Takes money from a customer.
pub(super) async fn payment(
    State(shared): State<Shared>,
    Json(wanted): Json<PaymentWanted>,
) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let mut document = begin(books, Kind::Payment, &wanted.customer, wanted.date, now)?;
    document.total = positive(wanted.amount)?;
    document.number = wanted.number.map(String::into_boxed_str);
    document.lines = match wanted.apply {
        None | Some(Apply::Rule(Rule::Oldest)) => {
            oldest_first(books, document.customer, document.total)
        }
        Some(Apply::Rule(Rule::None)) => Vec::new(),
        Some(Apply::To(parts)) => parts
            .iter()
            .map(|part| {
                let to = find_document(books, Kind::Invoice, &part.to)?;
                Ok(applied(Kind::Invoice, to, positive(part.amount)?))
            })
            .collect::<Result<_, Mistake>>()?,
    };
    if wanted.prepayment {
        document.on_account = OnAccount::Ahead;
    }
    let id = post(books, document, now)?;
    Ok(told(books, Kind::Payment, id))
}

fn applied(kind: Kind, to: Id, amount: Decimal) -> Line {
    Line {
        amount,
        description: None,
        detail: Detail::Applied {
            kind,
            to,
            line: None,
        },
    }
}

/// The document of an id or a number.
fn find_document(books: &Books, kind: Kind, wanted: &str) -> Result<Id, Mistake> {
    let by_id = wanted
        .parse()
        .ok()
        .and_then(|id| books.document(kind, id))
        .map(|document| document.id);
    by_id
        .or_else(|| {
            books
                .documents(kind)
                .find(|document| document.number.as_deref() == Some(wanted))
                .map(|document| document.id)
        })
        .ok_or_else(|| Mistake::new(format!("there is no {} {wanted}", kind.entity())))
}

/// Lines that apply an amount to a customer's invoices, those due first before the others.
fn oldest_first(books: &Books, customer: Option<Id>, amount: Decimal) -> Vec<Line> {
    let mut open: Vec<&Document> = books
        .documents(Kind::Invoice)
        .filter(|invoice| invoice.customer == customer && !invoice.open.is_zero())
        .collect();
    open.sort_by_key(|invoice| (invoice.due.unwrap_or(invoice.date), invoice.id));
    let mut left = amount;
    let mut lines = Vec::new();
    for invoice in open {
        let share = left.min(invoice.open);
        if share.is_zero() {
            break;
        }
        left -= share;
        lines.push(applied(Kind::Invoice, invoice.id, share));
    }
    lines
}

/// A credit to be used: a credit memo, or the rest of a payment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UseWanted {
    company: Option<String>,
    /// Whose id it is: `credit_memo` or `payment`.
    from: CreditKind,
    /// Its id or number.
    id: String,
    /// The invoice's id or number; of a refund, nothing.
    to: Option<String>,
    amount: Decimal,
    date: Option<Date>,
}

/// What a credit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CreditKind {
    CreditMemo,
    Payment,
}

/// Applies a credit memo, or what is left of a payment, to an invoice.
pub(super) async fn apply(State(shared): State<Shared>, Json(wanted): Json<UseWanted>) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let to = wanted.to.as_deref().unwrap_or_default();
    let to = find_document(books, Kind::Invoice, to)?;
    let line = applied(Kind::Invoice, to, positive(wanted.amount)?);
    use_credit(books, &wanted, line, now)
}

/// Pays out a credit memo, or what is left of a payment: an expense on receivables, and a payment that
/// joins the two.
pub(super) async fn refund(State(shared): State<Shared>, Json(wanted): Json<UseWanted>) -> Outcome {
    let now = shared.now();
    let mut world = shared.world();
    let books = &mut company(&mut world, wanted.company.as_deref())?.books;
    let (kind, id) = wanted.credit(books)?;
    let credit = books
        .document(kind, id)
        .ok_or_else(|| Mistake::new("there is no such credit"))?;
    let amount = positive(wanted.amount)?;
    if amount > credit.open {
        return Err(Mistake::new("there is not so much left of it"));
    }
    let date = wanted.date.unwrap_or_else(|| now.to_zoned(zone()).date());
    let mut expense = Document::new(Kind::Purchase, date, now);
    expense.customer = credit.customer;
    expense.currency = credit.currency;
    expense.rate = credit.rate;
    expense.total = amount;
    expense.account = Some(account::CHECKING);
    let receivables = books
        .receivables(expense.currency)
        .ok_or_else(|| Mistake::new("there are no receivables in this currency"))?;
    expense.lines = vec![Line {
        amount,
        description: None,
        detail: Detail::Posting {
            account: receivables,
            side: Side::Debit,
            customer: expense.customer,
            open: amount,
        },
    }];
    let paid_out = post(books, expense, now)?;
    let line = Line {
        amount,
        description: None,
        detail: Detail::Applied {
            kind: Kind::Purchase,
            to: paid_out,
            line: Some(0),
        },
    };
    use_credit(books, &wanted, line, now)
}

impl UseWanted {
    fn credit(&self, books: &Books) -> Result<(Kind, Id), Mistake> {
        let kind = match self.from {
            CreditKind::CreditMemo => Kind::CreditMemo,
            CreditKind::Payment => Kind::Payment,
        };
        Ok((kind, find_document(books, kind, &self.id)?))
    }
}

/// Uses a credit for a debt: a credit memo by a payment of zero, a payment by one line more.
fn use_credit(books: &mut Books, wanted: &UseWanted, debt: Line, now: Timestamp) -> Outcome {
    let (kind, id) = wanted.credit(books)?;
    let credit = books
        .document(kind, id)
        .ok_or_else(|| Mistake::new("there is no such credit"))?
        .clone();
    let id = if kind == Kind::Payment {
        let mut payment = credit;
        let same = payment
            .lines
            .iter_mut()
            .find(|line| line.detail == debt.detail);
        match same {
            Some(line) => line.amount += debt.amount,
            None => payment.lines.push(debt),
        }
        books
            .rewrite(payment, now)
            .map_err(|refusal| Mistake::new(format!("{refusal:?}")))?;
        id
    } else {
        let date = wanted.date.unwrap_or_else(|| now.to_zoned(zone()).date());
        let mut payment = Document::new(Kind::Payment, date, now);
        payment.customer = credit.customer;
        payment.currency = credit.currency;
        payment.rate = credit.rate;
        let amount = debt.amount;
        payment.lines = vec![debt, applied(kind, id, amount)];
        post(books, payment, now)?
    };
    Ok(told(books, Kind::Payment, id))
}
