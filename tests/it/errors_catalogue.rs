//! The error catalogue: the document and the code say the same.

use financial_pulse::service::ErrorCode;

/// The rows of the catalogue: code, status, whether trying again helps.
fn documented() -> Vec<(String, String, String)> {
    let document = include_str!("../../docs/errors.md");
    // The catalogue is the first of the document's tables.
    let catalogue = document.split("\n## ").nth(1).unwrap_or_default();
    catalogue
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let cell = |index: usize| cells.get(index).copied().unwrap_or_default().to_owned();
            (cell(0).replace('`', ""), cell(1), cell(2))
        })
        .collect()
}

#[test]
fn every_code_is_documented_with_its_status_and_no_other() {
    let coded: Vec<(String, String, String)> = ErrorCode::ALL
        .into_iter()
        .map(|code| {
            let retry = if code.is_retryable() { "yes" } else { "no" };
            (
                code.as_str().to_owned(),
                code.http_status().to_string(),
                retry.to_owned(),
            )
        })
        .collect();
    assert_eq!(documented(), coded);
}
