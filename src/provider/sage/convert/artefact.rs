//! What a payment or an allocation points at: an invoice, a credit note, a quick entry, an opening
//! balance or a payment on account. Sage gives its id, unique in the business, and a path.

use rust_decimal::Decimal;

use super::count_unknown;
use super::sales::quick_kind;
use crate::domain::document::{Application, DocumentId, DocumentKind, Side};
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::sage::wire::{Allocated, Artefact};

/// A document with the amount of it that is settled or used, above zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) document: DocumentId,
    pub(super) side: Side,
    pub(super) amount: Decimal,
    /// What is settled beside `amount` without money.
    pub(super) discount: Decimal,
}

/// Reads the artefacts of a record. `positive` is the side of an artefact with a positive amount where
/// its path does not tell: an invoice where money comes in, a credit where it goes out.
pub(super) fn shares(
    place: Place<'_>,
    artefacts: &[Allocated],
    positive: Side,
) -> ProviderResult<Vec<Share>> {
    let mut shares = Vec::with_capacity(artefacts.len());
    for (index, allocated) in artefacts.iter().enumerate() {
        let field = |name: &str| format!("allocated_artefacts[{index}].{name}");
        let artefact = place.required(&field("artefact"), allocated.artefact.as_ref())?;
        let amount = place.required(&field("amount"), allocated.amount)?;
        let discount = allocated.discount.unwrap_or_default();
        if amount.is_zero() && discount.is_zero() {
            continue;
        }
        let negative = amount.is_sign_negative() && !amount.is_zero();
        let by_sign = if negative {
            super::opposite(positive)
        } else {
            positive
        };
        let (kind, side) = meant(artefact, by_sign);
        shares.push(Share {
            document: DocumentId::new(kind, artefact.id.as_str()),
            side,
            amount: amount.abs(),
            discount: discount.abs(),
        });
    }
    Ok(shares)
}

/// The kind and side of an artefact: by its path, as far as that tells them.
fn meant(artefact: &Artefact, by_sign: Side) -> (DocumentKind, Side) {
    let path = artefact.path.as_deref().unwrap_or_default();
    let list = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    match list {
        "sales_invoices" => (DocumentKind::Invoice, by_sign),
        "sales_credit_notes" => (DocumentKind::CreditNote, Side::Credit),
        "sales_quick_entries" | "quick_entries" => (quick_kind(by_sign), by_sign),
        "contact_opening_balances" => (DocumentKind::OpeningBalance, by_sign),
        "payments_on_account" | "payment_on_accounts" | "contact_payments" => {
            (DocumentKind::Overpayment, by_sign)
        }
        // Its id is right all the same; most often it is an invoice or a credit note.
        other => {
            count_unknown("artefact.$path", other);
            (quick_kind(by_sign), by_sign)
        }
    }
}

/// Applications that a record carries, gathered so that each pair of documents has one.
pub(super) struct Applied<'a> {
    pub(super) carrier: &'a DocumentId,
    pub(super) on: jiff::civil::Date,
    pub(super) applications: Vec<Application>,
}

impl Applied<'_> {
    /// Notes the use of an amount of one document on another.
    pub(super) fn add(&mut self, from: &DocumentId, to: &DocumentId, amount: Decimal) {
        if amount.is_zero() {
            return;
        }
        let mut known = self.applications.iter_mut();
        match known.find(|known| known.from == *from && known.to == *to) {
            Some(known) => known.amount += amount,
            None => self.applications.push(Application {
                carrier: self.carrier.clone(),
                from: from.clone(),
                to: to.clone(),
                amount,
                applied_on: self.on,
            }),
        }
    }

    /// Pairs credits with debits, first with first, each up to what it has left; what then remains of
    /// either comes back, in order.
    pub(super) fn pair(&mut self, mut credits: Vec<Share>, mut debits: Vec<Share>) -> Vec<Share> {
        let (mut credit, mut debit) = (0, 0);
        while let (Some(from), Some(to)) = (credits.get_mut(credit), debits.get_mut(debit)) {
            let used = from.amount.min(to.amount);
            self.add(&from.document, &to.document, used);
            from.amount -= used;
            to.amount -= used;
            credit += usize::from(from.amount.is_zero());
            debit += usize::from(to.amount.is_zero());
        }
        credits.drain(..credit);
        debits.drain(..debit);
        credits.append(&mut debits);
        credits
    }
}
