//! Which records each dataset is made of, and which fields are asked for of them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire::{self, Moment};

/// Parties. Tryton does not tell customers from suppliers, so all of them are read.
pub(super) fn parties(since: Option<Timestamp>) -> Value {
    changed(json!([]), since, &["contact_mechanisms", "identifiers"])
}

/// Products.
pub(super) fn products(since: Option<Timestamp>) -> Value {
    changed(json!([]), since, &[])
}

/// Customer invoices and credit notes.
pub(super) fn invoices(company: i64, since: Option<Timestamp>) -> Value {
    // A line that is reconciled, or freed again, is written; so is what an invoice is paid by.
    changed(
        json!([["company", "=", company], ["type", "=", "out"]]),
        since,
        &["move.lines", "payment_lines"],
    )
}

/// Posted moves with a receivable line of a party, other than those that invoices post themselves.
///
/// The latter come from an invoice, in a journal of invoices, and hold lines on other accounts; what
/// reschedules an invoice or moves it to another party has none of these.
pub(super) fn moves(company: i64, since: Option<Timestamp>) -> Value {
    let receivable = json!(["account.type.receivable", "=", true]);
    let not_receivable = json!(["account.type.receivable", "!=", true]);
    changed(
        json!([
            ["company", "=", company],
            ["state", "=", "posted"],
            ["lines", "where", [receivable, ["party", "!=", null]]],
            [
                "OR",
                ["origin", "=", null],
                ["origin", "not like", "account.invoice,%"],
                ["journal.type", "not in", ["revenue", "expense"]],
                ["lines", "not where", [not_receivable]],
            ],
        ]),
        since,
        &["lines"],
    )
}

/// Receivable lines of parties that changed: their parties' balances moved, which does not show on
/// the parties themselves.
pub(super) fn changed_lines(company: i64, since: Timestamp) -> Value {
    changed(
        json!([
            ["move.company", "=", company],
            ["account.type.receivable", "=", true],
            ["party", "!=", null],
        ]),
        Some(since),
        &[],
    )
}

/// A condition, limited to what changed: the record itself, or one of those that belong to it. A
/// record that was never written has only the time of its creation.
fn changed(condition: Value, since: Option<Timestamp>, parts: &[&str]) -> Value {
    let Some(since) = since else {
        return condition;
    };
    let since = json!(Moment::from(since));
    let own = json!([
        "OR",
        ["write_date", ">=", since],
        ["create_date", ">=", since]
    ]);
    let mut any = vec![json!("OR"), own.clone()];
    any.extend(parts.iter().map(|part| json!([part, "where", own])));
    json!([condition, any])
}

/// The fields of an invoice: its own, those of its receivable lines with all that these are
/// reconciled with, and those of the lines that pay part of it.
pub(super) fn invoice_fields() -> Vec<String> {
    let mut fields = owned(wire::INVOICE);
    fields.extend(below("lines_to_pay", wire::MOVE_LINE));
    fields.extend(below("lines_to_pay.reconciliation.lines", wire::MOVE_LINE));
    fields.extend(below("payment_lines", wire::MOVE_LINE));
    fields.extend(below("payment_lines.reconciliation", &["date"]));
    fields
}

/// The fields of a move: its own, and those of its lines with all that these are reconciled with.
pub(super) fn move_fields() -> Vec<String> {
    let mut fields = owned(wire::MOVE);
    fields.extend(below("lines", wire::MOVE_LINE));
    fields.extend(below("lines.reconciliation.lines", wire::MOVE_LINE));
    fields
}

/// The fields as they are.
pub(super) fn owned(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|&field| field.to_owned()).collect()
}

fn below<'a>(path: &'a str, fields: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    fields.iter().map(move |field| format!("{path}.{field}"))
}
