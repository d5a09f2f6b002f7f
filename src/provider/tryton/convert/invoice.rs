//! Customer invoices and credit notes: what is owed on each due date, what was sold, and what settled
//! it.

use rust_decimal::Decimal;

use super::settling::{Posting, Settled, counter_entry};
use super::{Context, changed_at, currency};
use crate::domain::document::{
    Application, Document, DocumentId, DocumentKind, DocumentLine, DocumentState, Side,
};
use crate::domain::freshness::Dataset;
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::convert::{Place, count_unknown, sided};
use crate::provider::matching::first_filled;
use crate::provider::tryton::wire::{Invoice, InvoiceLine, MoveLine};

/// An invoice with what it posted.
struct Sale<'a> {
    context: &'a Context<'a>,
    row: &'a Invoice,
    record: DocumentRecord,
    /// Each document with the lines that it stands for.
    postings: Vec<(DocumentId, Posting)>,
}

pub(super) fn documents(context: &Context<'_>, row: &Invoice) -> ProviderResult<DocumentRecord> {
    let id = row.id.to_string();
    let place = Place {
        entity: "account.invoice",
        id: &id,
    };
    let state = state(row);
    let total = place.required("total_amount", row.total_amount)?;
    let (total, side) = sided(total, Side::Receivable);
    let changed_at = changed_at(place, row.write_date, row.create_date)?;
    let date = row.dated.or_else(|| {
        // A draft may have none yet.
        let made = row.create_date.filter(|_| state != DocumentState::Issued)?;
        Some(made.to_zoned(jiff::tz::TimeZone::UTC).date())
    });
    let kind = if side == Side::Credit {
        DocumentKind::CreditNote
    } else {
        DocumentKind::Invoice
    };
    let whole = Document {
        id: DocumentId::new(kind, id.as_str()),
        customer: place.required("party", row.party)?.to_string().into(),
        number: first_filled([&row.number, &row.reference]).map(Into::into),
        issued_on: place.required("invoice_date", date)?,
        due_on: None,
        currency: currency(place, "currency.code", row.currency.as_ref())?,
        exchange_rate: None,
        total,
        tax: row.tax_amount.unwrap_or_default().abs(),
        side,
        state,
        lines: lines(row, side),
        ledger_open: None,
        changed_at,
    };
    let mut sale = Sale {
        context,
        row,
        record: DocumentRecord {
            dataset: Dataset::Invoices,
            ledger_id: id.clone(),
            changed_at,
            documents: Vec::new(),
            applications: Vec::new(),
        },
        postings: Vec::new(),
    };
    if state == DocumentState::Issued {
        sale.split(&whole)?;
        sale.settle()?;
    }
    if sale.record.documents.is_empty() {
        sale.record.documents.push(whole);
    }
    Ok(sale.record)
}

/// An invoice that is canceled after it was posted is taken back by a move of its own, and neither
/// counts. Where its due dates had been moved before, other moves stand between the two: then all of
/// them count, which comes to nothing.
fn state(row: &Invoice) -> DocumentState {
    match row.state.as_deref() {
        Some("draft" | "validated") => DocumentState::Draft,
        Some("cancelled") if row.posted_by.is_none() || row.additional_moves.is_empty() => {
            DocumentState::Voided
        }
        Some("posted" | "paid" | "cancelled") => DocumentState::Issued,
        other => {
            count_unknown("tryton", "state", other.unwrap_or_default());
            // What was posted counts, whatever a later version calls it.
            if row.posted_by.is_some() {
                DocumentState::Issued
            } else {
                DocumentState::Draft
            }
        }
    }
}

/// What was sold: texts and sums are left out, and a credit note's amounts count as given back.
fn lines(row: &Invoice, side: Side) -> Vec<DocumentLine> {
    if row.state.as_deref() == Some("cancelled") {
        return Vec::new();
    }
    let sign = if side == Side::Credit {
        Decimal::NEGATIVE_ONE
    } else {
        Decimal::ONE
    };
    let sold = |line: &InvoiceLine| line.kind.as_deref().is_none_or(|kind| kind == "line");
    let read = |line: &InvoiceLine| DocumentLine {
        item: (line.product.as_ref()).map(|product| product.id.to_string().into()),
        description: told(line).into(),
        quantity: line.quantity.map(|quantity| sign * quantity),
        unit_price: line.unit_price,
        amount: sign * line.amount.unwrap_or_default(),
    };
    row.lines
        .iter()
        .filter(|line| sold(line))
        .map(read)
        .collect()
}

impl Sale<'_> {
    /// The invoice's own lines: those of its move, but not those of moves that changed due dates.
    fn own(&self) -> impl Iterator<Item = &MoveLine> {
        let posted_by = self.row.posted_by;
        self.row
            .lines_to_pay
            .iter()
            .filter(move |line| line.posted_by.is_some() && line.posted_by == posted_by)
    }

    /// One document for what is owed on each due date (an invoice with a single one is one document),
    /// and one for all that is owing.
    fn split(&mut self, whole: &Document) -> ProviderResult<()> {
        let mut postings = self
            .own()
            .map(|line| Posting::of(self.context, line, Some(self.row.id)))
            .collect::<ProviderResult<Vec<_>>>()?;
        postings.sort_by_key(|posting| (posting.due_on, posting.line));
        let (owing, owed): (Vec<_>, Vec<_>) = postings
            .into_iter()
            .filter(|posting| !posting.signed.is_zero())
            .partition(|posting| posting.signed < Decimal::ZERO);
        let alone = owed.len() + usize::from(!owing.is_empty()) == 1;
        let parts = owed.len();
        for (n, posting) in owed.into_iter().enumerate() {
            let (id, number) = if n == 0 {
                (self.row.id.to_string(), whole.number.clone())
            } else {
                let number = whole.number.as_ref();
                let number = number.map(|number| format!("{number} {}/{parts}", n + 1).into());
                (format!("{}#{}", self.row.id, n + 1), number)
            };
            self.record.documents.push(Document {
                id: DocumentId::new(DocumentKind::Invoice, id.as_str()),
                number,
                due_on: posting.due_on,
                total: posting.amount(),
                side: Side::Receivable,
                ..self.part(whole, &posting)
            });
            self.postings
                .push((DocumentId::new(DocumentKind::Invoice, id), posting));
        }
        if let Some(first) = owing.first() {
            let id = first.document(self.context);
            self.record.documents.push(Document {
                id: id.clone(),
                total: owing.iter().map(Posting::amount).sum(),
                side: Side::Credit,
                ..self.part(whole, first)
            });
            self.postings
                .extend(owing.into_iter().map(|posting| (id.clone(), posting)));
        }
        // What was sold, and the tax on it, is told once.
        for later in self.record.documents.iter_mut().skip(1) {
            later.lines.clear();
            later.tax = Decimal::ZERO;
        }
        if let ([only], true) = (self.record.documents.as_mut_slice(), alone) {
            only.ledger_open = self.row.amount_to_pay.map(|amount| amount.abs());
        }
        Ok(())
    }

    fn part(&self, whole: &Document, posting: &Posting) -> Document {
        // Another party may pay for the one that bought; the line names it.
        let named = Some(&posting.customer).filter(|customer| !customer.as_str().is_empty());
        Document {
            customer: named.unwrap_or(&whole.customer).clone(),
            currency: posting.currency,
            exchange_rate: posting.exchange_rate(self.context),
            ..whole.clone()
        }
    }

    /// The invoice tells what settled its debits: by reconciliation, and by the lines that pay part of
    /// it. A credit note tells what was paid out of it in part; what it settled is told there.
    fn settle(&mut self) -> ProviderResult<()> {
        let mut open = Vec::new();
        for (id, posting) in std::mem::take(&mut self.postings) {
            let line = self.own().find(|line| line.id == posting.line);
            let Some(settled) = line
                .map(|line| Settled::of(self.context, line))
                .transpose()?
                .flatten()
            else {
                open.push((id, posting));
                continue;
            };
            let pairings = settled.pairings.iter();
            let own: Vec<_> = pairings
                .filter(|pairing| pairing.debit == posting.line)
                .map(|pairing| Application {
                    carrier: id.clone(),
                    from: pairing.credit.document(self.context),
                    to: id.clone(),
                    amount: pairing.amount,
                    applied_on: pairing.on,
                })
                .collect();
            self.record.applications.extend(own);
            let closed = self.record.documents.iter().find(|one| one.id == id);
            if let Some((document, application)) =
                closed.and_then(|closed| counter_entry(closed, &posting, &settled))
            {
                self.record.documents.push(document);
                self.record.applications.push(application);
            }
        }
        self.pay_in_part(open)
    }

    fn pay_in_part(&mut self, mut open: Vec<(DocumentId, Posting)>) -> ProviderResult<()> {
        let Some(carrier) = self.record.documents.first().map(|one| one.id.clone()) else {
            return Ok(());
        };
        // Debits that moved the due date stand where the invoice's own stood.
        for line in &self.row.lines_to_pay {
            if line.posted_by != self.row.posted_by && line.reconciliation.is_none() {
                let posting = Posting::of(self.context, line, None)?;
                open.push((posting.document(self.context), posting));
            }
        }
        open.sort_by_key(|(_, posting)| (posting.due_on, posting.line));
        for line in &self.row.payment_lines {
            if line.reconciliation.is_some() {
                continue;
            }
            let payment = Posting::of(self.context, line, None)?;
            let mut left = payment.amount();
            let credit = payment.signed < Decimal::ZERO;
            let fits = |posting: &Posting| {
                posting.currency == payment.currency && (posting.signed < Decimal::ZERO) != credit
            };
            for (id, posting) in open.iter_mut().filter(|(_, posting)| fits(posting)) {
                let amount = left.min(posting.amount());
                if amount.is_zero() {
                    continue;
                }
                let (from, to) = if credit {
                    (payment.document(self.context), id.clone())
                } else {
                    (id.clone(), payment.document(self.context))
                };
                self.record.applications.push(Application {
                    carrier: carrier.clone(),
                    from,
                    to,
                    amount,
                    applied_on: posting.on.max(payment.on),
                });
                left -= amount;
                posting.signed -= if credit { amount } else { -amount };
            }
        }
        Ok(())
    }
}

/// What a line is for: its text, else its product's name.
fn told(line: &InvoiceLine) -> &str {
    let product = line
        .product
        .as_ref()
        .and_then(|product| product.name.as_deref());
    let text = line.description.as_deref().filter(|text| !text.is_empty());
    text.or(product).unwrap_or_default()
}
