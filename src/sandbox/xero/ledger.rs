//! What the books come to in this service's terms: what is paid, credited and due, and by what.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::sandbox::books::{Books, Detail, Document, Id, Kind, Source};

/// A part of a debt settled, or of a credit used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applied<'a> {
    /// The payment whose lines say so.
    pub(super) by: &'a Document,
    /// The document at the other end: the credit of a debt, the debt of a credit.
    pub(super) other: &'a Document,
    pub(super) amount: Decimal,
}

impl Applied<'_> {
    /// When: the day of the payment, or the later of both ends.
    pub(super) fn date(&self) -> Date {
        self.by.date.max(self.other.date)
    }
}

/// How an invoice stands.
#[derive(Debug, Default)]
pub(super) struct Debt<'a> {
    /// By money that was never on account.
    pub(super) payments: Vec<Applied<'a>>,
    pub(super) credit_notes: Vec<Applied<'a>>,
    /// By money on account.
    pub(super) receipts: Vec<Applied<'a>>,
    pub(super) paid: Decimal,
    pub(super) credited: Decimal,
    pub(super) due: Decimal,
}

impl Debt<'_> {
    /// The day of the last of what settled it.
    pub(super) fn settled_on(&self) -> Option<Date> {
        let payments = self.payments.iter().map(|applied| applied.by.date);
        let credits = self.credit_notes.iter().chain(&self.receipts);
        payments.chain(credits.map(Applied::date)).max()
    }
}

/// How a credit note, or money on account, stands.
#[derive(Debug, Default)]
pub(super) struct Credit<'a> {
    pub(super) allocations: Vec<Applied<'a>>,
    /// Paid out, by an expense.
    pub(super) refunds: Vec<Applied<'a>>,
    pub(super) total: Decimal,
    pub(super) remaining: Decimal,
}

impl Credit<'_> {
    /// The day of the last of what used it.
    pub(super) fn used_on(&self) -> Option<Date> {
        let uses = self.allocations.iter().chain(&self.refunds);
        uses.map(Applied::date).max()
    }
}

/// The payments that a document is linked to, each once.
fn payments<'a>(books: &'a Books, document: &'a Document) -> impl Iterator<Item = &'a Document> {
    let mut seen: Vec<Id> = Vec::new();
    document.links.iter().filter_map(move |(kind, id)| {
        if *kind != Kind::Payment || seen.contains(id) {
            return None;
        }
        seen.push(*id);
        books.document(Kind::Payment, *id)
    })
}

/// How an invoice stands.
pub(super) fn debt<'a>(books: &'a Books, invoice: &'a Document) -> Debt<'a> {
    let mut debt = Debt::default();
    for payment in payments(books, invoice) {
        for part in books.parts(payment) {
            if (part.kind, part.to) != (Kind::Invoice, invoice.id) {
                continue;
            }
            let applied = |other| Applied {
                by: payment,
                other,
                amount: part.amount,
            };
            match part.source {
                Source::Money if is_on_account(payment) => {
                    debt.receipts.push(applied(payment));
                    debt.credited += part.amount;
                }
                Source::Money => {
                    debt.payments.push(applied(payment));
                    debt.paid += part.amount;
                }
                Source::Credit(Kind::CreditMemo, id) => {
                    if let Some(note) = books.document(Kind::CreditMemo, id) {
                        debt.credit_notes.push(applied(note));
                        debt.credited += part.amount;
                    }
                }
                // There is no word for it.
                Source::Credit(..) => {}
            }
        }
    }
    debt.due = invoice.total - debt.paid - debt.credited;
    debt
}

/// How a credit memo stands.
pub(super) fn credit<'a>(books: &'a Books, note: &'a Document) -> Credit<'a> {
    let mut credit = Credit {
        total: note.total,
        ..Credit::default()
    };
    for payment in payments(books, note) {
        for part in books.parts(payment) {
            if part.source == Source::Credit(Kind::CreditMemo, note.id) {
                use_up(books, &mut credit, payment, part.kind, part.to, part.amount);
            }
        }
    }
    credit.remaining = left(&credit);
    credit
}

/// How money on account stands. What went to where there is no word for was never there.
pub(super) fn receipt<'a>(books: &'a Books, payment: &'a Document) -> Credit<'a> {
    let mut receipt = Credit {
        total: payment.total,
        ..Credit::default()
    };
    for part in books.parts(payment) {
        if part.source == Source::Money
            && !use_up(
                books,
                &mut receipt,
                payment,
                part.kind,
                part.to,
                part.amount,
            )
        {
            receipt.total -= part.amount;
        }
    }
    receipt.remaining = left(&receipt);
    receipt
}

fn use_up<'a>(
    books: &'a Books,
    credit: &mut Credit<'a>,
    by: &'a Document,
    kind: Kind,
    to: Id,
    amount: Decimal,
) -> bool {
    let uses = match kind {
        Kind::Invoice => &mut credit.allocations,
        Kind::Purchase => &mut credit.refunds,
        _ => return false,
    };
    let Some(other) = books.document(kind, to) else {
        return false;
    };
    uses.push(Applied { by, other, amount });
    true
}

fn left(credit: &Credit<'_>) -> Decimal {
    let uses = credit.allocations.iter().chain(&credit.refunds);
    credit.total - uses.map(|applied| applied.amount).sum::<Decimal>()
}

/// Whether money of a payment was ever on account.
pub(super) fn is_on_account(payment: &Document) -> bool {
    payment.on_account != crate::sandbox::books::OnAccount::Never
}

/// Whether a document is as it was written, and not voided.
pub(super) fn is_live(books: &Books, document: &Document) -> bool {
    books.before_void(document.id).is_none()
}

/// The tax on each line: that of the document, by the taxable lines' amounts.
pub(super) fn line_taxes(document: &Document) -> Vec<Decimal> {
    let taxable = |detail: &Detail| matches!(detail, Detail::Sale { taxable: true, .. });
    let base: Decimal = document
        .lines
        .iter()
        .filter(|line| taxable(&line.detail))
        .map(|line| line.amount)
        .sum();
    let mut taxes: Vec<Decimal> = document
        .lines
        .iter()
        .map(|line| {
            if !taxable(&line.detail) {
                return Decimal::ZERO;
            }
            (document.tax * line.amount)
                .checked_div(base)
                .unwrap_or_default()
                .round_dp(2)
        })
        .collect();
    let rest = document.tax - taxes.iter().sum::<Decimal>();
    if let Some(last) = document
        .lines
        .iter()
        .rposition(|line| taxable(&line.detail))
    {
        taxes[last] += rest;
    }
    taxes
}
