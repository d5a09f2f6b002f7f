//! How entries are written: for people, for spreadsheets, for programs.

use std::borrow::Cow;
use std::io::{self, Write};

use anyhow::bail;
use jiff::Timestamp;
use serde_json::json;

use crate::domain::ids::TenantId;
pub(super) use crate::store::audit::hex;
use crate::store::{AuditRow, StoreError};

/// One way to write entries.
pub(super) trait Lines {
    /// What stands before the first.
    fn head(&self, out: &mut impl Write) -> Result<(), LineError>;
    /// One entry.
    fn line(&self, out: &mut impl Write, row: &AuditRow) -> Result<(), LineError>;
}

/// Why entries were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// They cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They cannot be written.
    #[error("the entries cannot be written")]
    Io(#[from] io::Error),
}

/// For people.
pub(super) struct ListLines;

impl Lines for ListLines {
    fn head(&self, out: &mut impl Write) -> Result<(), LineError> {
        Ok(writeln!(
            out,
            "{:<20}  {:<16}  {:<20}  {:<18}  {:<28}  reason",
            "at", "tenant", "actor", "action", "subject"
        )?)
    }

    fn line(&self, out: &mut impl Write, row: &AuditRow) -> Result<(), LineError> {
        let entry = &row.entry;
        let actor = match &row.on_behalf_of {
            Some(person) => format!("{} for {person}", entry.actor),
            None => entry.actor.to_string(),
        };
        Ok(writeln!(
            out,
            "{:<20}  {:<16}  {:<20}  {:<18}  {:<28}  {}",
            at(entry.at),
            shown(tenant(row)),
            shown(&actor),
            shown(&entry.action),
            shown(&entry.subject),
            shown(entry.reason.as_deref().unwrap_or_default()),
        )?)
    }
}

/// For spreadsheets.
pub(super) struct CsvLines;

const COLUMNS: [&str; 11] = [
    "tenant",
    "seq",
    "at",
    "actor",
    "on_behalf_of",
    "action",
    "subject",
    "detail",
    "reason",
    "previous",
    "hash",
];

impl Lines for CsvLines {
    fn head(&self, out: &mut impl Write) -> Result<(), LineError> {
        csv_record(out, &COLUMNS.map(Cow::Borrowed))
    }

    fn line(&self, out: &mut impl Write, row: &AuditRow) -> Result<(), LineError> {
        let entry = &row.entry;
        let detail = entry.detail.to_string();
        let cells = [
            harmless(tenant(row)),
            row.seq.to_string().into(),
            at(entry.at).into(),
            harmless(&entry.actor),
            harmless(row.on_behalf_of.as_deref().unwrap_or_default()),
            harmless(&entry.action),
            harmless(&entry.subject),
            harmless(&detail),
            harmless(entry.reason.as_deref().unwrap_or_default()),
            hex(&row.previous).into(),
            hex(&row.hash).into(),
        ];
        csv_record(out, &cells)
    }
}

fn csv_record(out: &mut impl Write, cells: &[Cow<'_, str>]) -> Result<(), LineError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(cells.iter().map(|cell| cell.as_bytes()))
        .map_err(io::Error::other)?;
    let line = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(out.write_all(&line)?)
}

/// A text that no spreadsheet takes for a formula: those begin with one of a few characters, before
/// which an apostrophe makes a text of the cell.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// For programs.
pub(super) struct JsonLines;

impl Lines for JsonLines {
    fn head(&self, _out: &mut impl Write) -> Result<(), LineError> {
        Ok(())
    }

    fn line(&self, out: &mut impl Write, row: &AuditRow) -> Result<(), LineError> {
        let entry = &row.entry;
        let line = json!({
            "tenant": entry.tenant.as_ref().map(TenantId::as_str),
            "seq": row.seq,
            "at": entry.at.to_string(),
            "actor": &*entry.actor,
            "on_behalf_of": row.on_behalf_of.as_deref(),
            "action": &*entry.action,
            "subject": &*entry.subject,
            "detail": entry.detail,
            "reason": entry.reason.as_deref(),
            "previous": hex(&row.previous),
            "hash": hex(&row.hash),
        });
        Ok(writeln!(out, "{line}")?)
    }
}

fn tenant(row: &AuditRow) -> &str {
    row.entry.tenant.as_ref().map_or("", TenantId::as_str)
}

fn at(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A text for a terminal: what would steer it is written out.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let plain = (!c.is_control()).then_some(c);
            let escaped = c.is_control().then(|| c.escape_default());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// Reads what [`hex`] wrote.
pub(super) fn from_hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let text = text.trim();
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    match digits {
        Some(digits) if digits.len() == 64 => Ok(digits
            .chunks_exact(2)
            .map(|pair| {
                pair.iter().fold(0, |byte, digit| {
                    byte << 4 | u8::try_from(*digit).unwrap_or(0)
                })
            })
            .collect()),
        _ => bail!("--expect-head is the hash that `audit verify` prints: 64 hexadecimal digits"),
    }
}

#[cfg(test)]
mod tests {
    use super::{from_hex, harmless, hex, shown};

    #[test]
    fn a_formula_becomes_a_text_and_all_else_stays() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("limit.set"), "limit.set");
        assert_eq!(harmless("a=1"), "a=1");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
    }

    #[test]
    fn a_hash_reads_as_it_was_written() {
        let hash: Vec<u8> = (0..32).collect();
        assert_eq!(from_hex(&hex(&hash)).unwrap(), hash);
        assert!(from_hex("00").is_err());
        assert!(from_hex(&"g".repeat(64)).is_err());
    }
}
