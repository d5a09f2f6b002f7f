//! Moves that no invoice posted: payments, refunds, write-offs and manual entries on receivable
//! accounts. What a party is credited with by one move is one document; each debit is one of its own,
//! since each has its own due date.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::settling::{Posting, Settled, counter_entry};
use super::{Context, changed_at};
use crate::domain::document::{Application, Document, DocumentId, DocumentState, Side};
use crate::domain::freshness::Dataset;
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::convert::Place;
use crate::provider::tryton::wire::{Move, MoveLine};

pub(super) fn documents(context: &Context<'_>, row: &Move) -> ProviderResult<DocumentRecord> {
    let id = row.id.to_string();
    let place = Place {
        entity: "account.move",
        id: &id,
    };
    let mut record = DocumentRecord {
        dataset: Dataset::Payments,
        ledger_id: id.clone(),
        changed_at: changed_at(place, row.write_date, row.create_date)?,
        documents: Vec::new(),
        applications: Vec::new(),
    };
    if context.owners.owns(row) {
        return Ok(record);
    }
    let mut documents: BTreeMap<DocumentId, Document> = BTreeMap::new();
    let mut read = Vec::new();
    for line in row.lines.iter().filter(|line| is_receivable(line)) {
        let posting = Posting::of(context, line, None)?;
        let settled = Settled::of(context, line)?;
        let over = settled
            .as_ref()
            .map_or(Decimal::ZERO, |settled| settled.over(posting.line));
        if posting.signed.is_zero() || (posting.adjustment && over == posting.amount()) {
            // An exchange difference settles nothing in its own currency.
            continue;
        }
        let id = posting.document(context);
        documents
            .entry(id.clone())
            .and_modify(|document| document.total += posting.amount())
            .or_insert_with(|| Document {
                id,
                customer: posting.customer.clone(),
                number: row.number.as_deref().map(Into::into),
                issued_on: row.date.unwrap_or(posting.on),
                due_on: posting.due_on.filter(|_| posting.signed > Decimal::ZERO),
                currency: posting.currency,
                exchange_rate: posting.exchange_rate(context),
                total: posting.amount(),
                tax: Decimal::ZERO,
                side: if posting.signed > Decimal::ZERO {
                    Side::Receivable
                } else {
                    Side::Credit
                },
                state: DocumentState::Issued,
                lines: Vec::new(),
                ledger_open: None,
                changed_at: record.changed_at,
            });
        read.extend(settled.map(|settled| (posting, settled)));
    }
    for (posting, settled) in read {
        let id = posting.document(context);
        let own = settled
            .pairings
            .iter()
            .filter(|pairing| pairing.debit == posting.line);
        record.applications.extend(own.map(|pairing| Application {
            carrier: id.clone(),
            from: pairing.credit.document(context),
            to: id.clone(),
            amount: pairing.amount,
            applied_on: pairing.on,
        }));
        let counter = documents
            .get(&id)
            .and_then(|closed| counter_entry(closed, &posting, &settled));
        if let Some((document, application)) = counter {
            record.documents.push(document);
            record.applications.push(application);
        }
    }
    record.documents.extend(documents.into_values());
    Ok(record)
}

fn is_receivable(line: &MoveLine) -> bool {
    let kind = line.account.as_ref().and_then(|one| one.kind.as_ref());
    line.party.is_some() && kind.and_then(|kind| kind.receivable) == Some(true)
}
