//! Files that operators hand in: read whole, every mistake named with its line, all or nothing.

use std::fmt;

use serde::de::DeserializeOwned;

/// The largest file taken, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportProblem {
    /// The line, the header being 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl ImportProblem {
    /// A problem of the file as a whole, or of storing it.
    fn whole(what: &dyn fmt::Display) -> Vec<Self> {
        vec![Self {
            line: 0,
            what: what.to_string(),
        }]
    }
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines that changed something.
    pub added: u64,
    /// Lines that said what was so already.
    pub unchanged: u64,
}

/// Takes a CSV with the given columns: checks every line, and stores them only when all are right.
/// `keep` answers whether a line changed anything.
///
/// # Errors
/// Every line that is wrong, with what is wrong and what to write instead.
pub(super) async fn import<Row: DeserializeOwned, Checked, E: fmt::Display>(
    csv: &[u8],
    columns: &[&str],
    check: impl AsyncFn(Row) -> Result<Checked, String>,
    keep: impl AsyncFn(Checked) -> Result<bool, E>,
) -> Result<Imported, Vec<ImportProblem>> {
    let mut problems = Vec::new();
    let mut right = Vec::new();
    for (line, row) in read_rows(csv, columns)? {
        match check(row).await {
            Ok(checked) => right.push(checked),
            Err(what) => problems.push(ImportProblem { line, what }),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut imported = Imported::default();
    for checked in right {
        let changed = keep(checked).await;
        if changed.map_err(|error| ImportProblem::whole(&error))? {
            imported.added += 1;
        } else {
            imported.unchanged += 1;
        }
    }
    Ok(imported)
}

/// Reads the lines of a CSV with the given columns, without looking at the books.
///
/// # Errors
/// Every line that is wrong by itself.
pub(super) fn read<Row: DeserializeOwned, Checked>(
    csv: &[u8],
    columns: &[&str],
    check: impl Fn(Row) -> Result<Checked, String>,
) -> Result<Vec<(u64, Checked)>, Vec<ImportProblem>> {
    let mut problems = Vec::new();
    let mut right = Vec::new();
    for (line, row) in read_rows(csv, columns)? {
        match check(row) {
            Ok(checked) => right.push((line, checked)),
            Err(what) => problems.push(ImportProblem { line, what }),
        }
    }
    if problems.is_empty() {
        Ok(right)
    } else {
        Err(problems)
    }
}

/// Reads CSV with a header of the given columns, in any order; optional ones may be left out.
///
/// # Errors
/// Every line that cannot be read.
fn read_rows<Row: DeserializeOwned>(
    csv: &[u8],
    columns: &[&str],
) -> Result<Vec<(u64, Row)>, Vec<ImportProblem>> {
    if csv.len() > MAX_BYTES {
        return Err(ImportProblem::whole(&format!(
            "the file is larger than {MAX_BYTES} bytes; split it"
        )));
    }
    // Spreadsheets put a byte order mark in front.
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(csv);
    let header = reader
        .headers()
        .map_err(|error| ImportProblem::whole(&error))?
        .clone();
    let unknown: Vec<ImportProblem> = header
        .iter()
        .filter(|name| !columns.contains(name))
        .map(|name| ImportProblem {
            line: 1,
            what: format!(
                "unknown column `{name}`; the columns are {}",
                columns.join(", ")
            ),
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let what = error.to_string();
                problems.push(ImportProblem { line, what });
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match record.deserialize(Some(&header)) {
            Ok(row) => rows.push((line, row)),
            Err(error) => problems.push(ImportProblem {
                line,
                what: deserialize_problem(&error),
            }),
        }
    }
    if problems.is_empty() {
        Ok(rows)
    } else {
        Err(problems)
    }
}

fn deserialize_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}
