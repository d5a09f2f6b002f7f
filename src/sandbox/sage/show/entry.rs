//! Quick entries and opening balances: what was posted on receivables by hand.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::contact::{name_of, reference_of};
use super::{Teller, base, currency, decimal, members, reference, status};
use crate::sandbox::books::{Detail, List, Side};
use crate::sandbox::sage::record::{Fate, Record, side};

/// The kinds of quick entry and of opening balance, by the side that they stand on. Only that they are
/// an invoice or a credit note is documented, the ids are chosen after the transaction types.
pub(in crate::sandbox::sage) const ENTRY_TYPES: [(&str, &str); 2] =
    [("INVOICE", "Invoice"), ("CREDIT_NOTE", "Credit Note")];

fn entry_type(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Debit => ENTRY_TYPES[0],
        Side::Credit => ENTRY_TYPES[1],
    }
}

impl Teller<'_> {
    /// What quick entries and opening balances have in common; amounts are positive on either side.
    fn posted(
        &self,
        list: &str,
        record: &Record<'_>,
    ) -> Option<(Side, Decimal, Map<String, Value>)> {
        let document = record.document()?;
        let line = record.key.at()?;
        let posted = document.lines.get(line)?;
        let Detail::Posting { open, .. } = posted.detail else {
            return None;
        };
        let words = document.number.as_deref().unwrap_or_default();
        let mut told = members(self.reference(list, record.key, words));
        let (total, rate) = (posted.amount, document.rate);
        told.extend(members(json!({
            "transaction": self.transaction(record.key),
            "contact": self.contact_reference(record.contact()),
            "date": document.date.to_string(),
            "reference": words,
            "details": posted.description.as_deref().unwrap_or_default(),
            "net_amount": decimal(total),
            "tax_rate": self.tax_rate(false),
            "tax_amount": "0.0",
            "tax_breakdown": [],
            "total_amount": decimal(total),
            "currency": currency(document.currency),
            "exchange_rate": decimal(rate),
            "base_currency_net_amount": decimal(base(total, rate)),
            "base_currency_tax_amount": "0.0",
            "base_currency_tax_breakdown": [],
            "base_currency_total_amount": decimal(base(total, rate)),
        })));
        Some((side(document, line)?, open, told))
    }

    pub(super) fn quick_entry(&self, record: &Record<'_>) -> Map<String, Value> {
        let posted = self.posted("sales_quick_entries", record);
        let (Some((side, open, mut told)), Some(document)) = (posted, record.document()) else {
            return Map::new();
        };
        let open = match record.fate {
            Fate::Void => Decimal::ZERO,
            _ => open,
        };
        let (kind, words) = entry_type(side);
        let customer = record
            .contact()
            .and_then(|contact| self.books().name(List::Customer, contact));
        let total = record
            .key
            .at()
            .and_then(|line| document.lines.get(line))
            .map_or(Decimal::ZERO, |line| line.amount);
        let inverse = if document.rate.is_zero() {
            Decimal::ZERO
        } else {
            (Decimal::ONE / document.rate).round_dp(6)
        };
        told.extend(members(json!({
            "transaction_type": reference(
                "transaction_types", "SALES_QUICK_ENTRY", "Sales Quick Entry"
            ),
            "quick_entry_type": reference("quick_entry_types", kind, words),
            "contact_name": customer.map(name_of),
            "contact_reference": customer.map(reference_of),
            "due_date": record.due().map(|due| due.to_string()),
            "ledger_account": self.sales_account(),
            "outstanding_amount": decimal(open),
            "inverse_exchange_rate": decimal(inverse),
            "base_currency_outstanding_amount": decimal(base(open, document.rate)),
            "status": status(record.fate, total, open),
            "tax_address_region": null,
            "migrated": false,
            "trade_of_asset": false,
        })));
        told
    }

    /// An opening balance says what it was, not what of it is outstanding.
    pub(super) fn opening_balance(&self, record: &Record<'_>) -> Map<String, Value> {
        let posted = self.posted("contact_opening_balances", record);
        let Some((side, _, mut told)) = posted else {
            return Map::new();
        };
        let (kind, words) = entry_type(side);
        told.extend(members(json!({
            "transaction_type": reference(
                "transaction_types", "CUSTOMER_OPENING_BALANCE", "Customer Opening Balance"
            ),
            "contact_opening_balance_type": reference(
                "contact_opening_balance_types", kind, words
            ),
        })));
        told
    }
}
