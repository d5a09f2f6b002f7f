//! What settles what. Tryton knows lines of receivable accounts, each owed (debit) or owing (credit) as
//! a whole, and reconciliations: sets of lines that sum up to nothing and are thereby all settled. It
//! does not say which line of a set settled which, so one rule decides: within each currency the oldest
//! debit is settled first, by the oldest credit.
//!
//! What a set leaves over in one currency was settled in another (an exchange difference, a payment in
//! the company's currency). It is settled all the same, by a counter-entry of ours.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Context, currency};
use crate::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentState, Side,
};
use crate::domain::ids::CustomerId;
use crate::domain::money::Currency;
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::tryton::wire::MoveLine;

/// A receivable line, read.
#[derive(Clone, Debug)]
pub(super) struct Posting {
    pub(super) line: i64,
    /// The move that posted it.
    pub(super) posted_by: i64,
    /// Empty where the line names no party.
    pub(super) customer: CustomerId,
    pub(super) currency: Currency,
    /// What it adds to the debt: a credit is below zero.
    pub(super) signed: Decimal,
    /// The same in the currency of the books.
    pub(super) base: Decimal,
    pub(super) on: Date,
    pub(super) due_on: Option<Date>,
    /// The invoice whose own line it is.
    pub(super) invoice: Option<i64>,
    pub(super) cash: bool,
    /// A write-off or an exchange difference.
    pub(super) adjustment: bool,
}

/// Types of journals that money moves through; statements are a module of their own.
const CASH_JOURNALS: [&str; 2] = ["cash", "statement"];

impl Posting {
    /// Reads a line. `own` is the invoice that it is read with, when that posted it.
    pub(super) fn of(
        context: &Context<'_>,
        line: &MoveLine,
        own: Option<i64>,
    ) -> ProviderResult<Self> {
        let id = line.id.to_string();
        let place = Place {
            entity: "account.move.line",
            id: &id,
        };
        let debit = place.required("debit", line.debit)?;
        let base = debit - place.required("credit", line.credit)?;
        let foreign = line
            .amount_second_currency
            .filter(|amount| !amount.is_zero());
        let (currency, signed) = match foreign {
            Some(amount) => {
                let code = line.second_currency.as_ref();
                (currency(place, "second_currency.code", code)?, amount)
            }
            None => (context.base_currency(place)?, base),
        };
        let party = line.party.map(|party| party.to_string());
        let journal = line.journal.as_ref().and_then(|one| one.kind.as_deref());
        Ok(Self {
            line: line.id,
            posted_by: place.required("move", line.posted_by)?,
            customer: party.unwrap_or_default().into(),
            currency,
            signed,
            base,
            on: place.required("date", line.date)?,
            due_on: line.maturity_date,
            invoice: own.or_else(|| context.owners.invoice_of(line)),
            cash: journal.is_some_and(|word| CASH_JOURNALS.contains(&word)),
            adjustment: journal == Some("write-off"),
        })
    }

    /// The document that it is (part of), where that is known from the line alone: anything but a
    /// debit of an invoice.
    pub(super) fn document(&self, context: &Context<'_>) -> DocumentId {
        let Self {
            posted_by,
            customer,
            currency,
            line,
            ..
        } = self;
        let credit = self.signed < Decimal::ZERO;
        if let Some(invoice) = self.invoice {
            let kind = if credit {
                DocumentKind::CreditNote
            } else {
                DocumentKind::Invoice
            };
            return DocumentId::new(kind, invoice.to_string());
        }
        let kind = match (self.cash, credit) {
            (true, true) => DocumentKind::Payment,
            (true, false) => DocumentKind::Refund,
            (false, _) => DocumentKind::JournalEntry,
        };
        let id = if !credit {
            format!("{posted_by}.{line}")
        } else if context.reference.base_currency == Some(*currency) {
            format!("{posted_by}#{customer}")
        } else {
            format!("{posted_by}#{customer}#{currency}")
        };
        DocumentId::new(kind, id)
    }

    /// What is owed or owing by it, never negative.
    pub(super) fn amount(&self) -> Decimal {
        self.signed.abs()
    }

    /// Units of the books' currency for one of its own, where that is another.
    pub(super) fn exchange_rate(&self, context: &Context<'_>) -> Option<Decimal> {
        if context.reference.base_currency == Some(self.currency) {
            return None;
        }
        let rate = self.base.checked_div(self.signed)?;
        Some(rate.round_dp(RATE_PLACES).normalize())
    }
}

/// A rate is derived from two amounts; more places than this say nothing.
const RATE_PLACES: u32 = 10;

/// A part of a credit that settles a part of a debit.
#[derive(Clone, Debug)]
pub(super) struct Pairing {
    pub(super) debit: i64,
    pub(super) credit: Posting,
    pub(super) amount: Decimal,
    pub(super) on: Date,
}

/// A reconciliation, taken apart.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) pairings: Vec<Pairing>,
    /// Per line, what no line of its currency settles.
    over: Vec<(i64, Decimal)>,
    /// The last day of any line in it.
    pub(super) on: Date,
}

impl Settled {
    /// Takes apart what a line is reconciled with; `None` where it is open.
    pub(super) fn of(context: &Context<'_>, line: &MoveLine) -> ProviderResult<Option<Self>> {
        let Some(group) = &line.reconciliation else {
            return Ok(None);
        };
        let mut postings = group
            .lines
            .iter()
            .map(|line| Posting::of(context, line, None))
            .collect::<ProviderResult<Vec<_>>>()?;
        postings.sort_by_key(|posting| (posting.currency, posting.on, posting.line));
        let mut settled = Self {
            on: postings.iter().map(|one| one.on).max().unwrap_or_default(),
            ..Self::default()
        };
        for same in postings.chunk_by(|one, next| one.currency == next.currency) {
            settled.pair(same);
        }
        Ok(Some(settled))
    }

    fn pair(&mut self, postings: &[Posting]) {
        let (credits, debits): (Vec<_>, Vec<_>) = postings
            .iter()
            .map(|posting| (posting, posting.amount()))
            .partition(|(posting, _)| posting.signed < Decimal::ZERO);
        let mut credits = credits.into_iter().peekable();
        for (debit, mut open) in debits {
            while open > Decimal::ZERO
                && let Some((credit, left)) = credits.peek_mut()
            {
                let amount = open.min(*left);
                if amount > Decimal::ZERO {
                    self.pairings.push(Pairing {
                        debit: debit.line,
                        credit: (*credit).clone(),
                        amount,
                        on: debit.on.max(credit.on),
                    });
                }
                open -= amount;
                *left -= amount;
                if left.is_zero() {
                    credits.next();
                }
            }
            self.over.push((debit.line, open));
        }
        self.over
            .extend(credits.map(|(credit, left)| (credit.line, left)));
    }

    /// What no line of its currency settles of a line.
    pub(super) fn over(&self, line: i64) -> Decimal {
        let mut over = self.over.iter();
        over.find(|(of, _)| *of == line)
            .map_or(Decimal::ZERO, |(_, amount)| *amount)
    }
}

/// The counter-entry that closes what a reconciliation settled of a document in another currency, with
/// its application.
pub(super) fn counter_entry(
    closed: &Document,
    posting: &Posting,
    settled: &Settled,
) -> Option<(Document, Application)> {
    let amount = settled.over(posting.line);
    if amount.is_zero() {
        return None;
    }
    let id = format!("{}.{}#exchange", posting.posted_by, posting.line);
    let id = DocumentId::new(DocumentKind::JournalEntry, id);
    let (side, from, to) = match closed.side {
        Side::Credit => (Side::Receivable, &closed.id, &id),
        Side::Receivable | Side::Settled => (Side::Credit, &id, &closed.id),
    };
    let application = Application {
        carrier: closed.id.clone(),
        from: from.clone(),
        to: to.clone(),
        amount,
        applied_on: settled.on,
    };
    let document = Document {
        id,
        issued_on: settled.on,
        due_on: (side == Side::Receivable).then_some(settled.on),
        total: amount,
        tax: Decimal::ZERO,
        side,
        state: DocumentState::Issued,
        lines: Vec::new(),
        ledger_open: None,
        ..closed.clone()
    };
    Some((document, application))
}
