//! `connection status`: what every connection is, how far it is, and what needs a person.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::context::table;
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::ConnectionId;
use crate::provider::ConsentGiver;
use crate::service::connections::{Comparison, ConnectionStatus};
use crate::service::meter::{CallsLeft, Period};
use crate::store::Drift;

/// The command with which a person gives consent, again or for the first time.
pub(super) fn authorize_command(given_by: ConsentGiver, id: &ConnectionId) -> String {
    match given_by {
        ConsentGiver::Browser => format!("financial-pulse connection authorize {id}"),
        ConsentGiver::ApplicationKey => {
            format!("financial-pulse connection authorize {id} --application-key-file FILE")
        }
    }
}

/// What a person has to do for a connection.
struct Need {
    /// In words.
    words: &'static str,
    /// How.
    command: String,
}

fn need(status: &ConnectionStatus) -> Option<Need> {
    let connection = &status.connection;
    let words = match connection.state {
        ConnectionState::Active => return None,
        ConnectionState::Pending => "a person has to consent",
        ConnectionState::Disconnected => "consent is lost, a person has to consent again",
        ConnectionState::Revoked => "nothing; to read it again, a person has to consent",
    };
    let command = authorize_command(status.given_by, &connection.id);
    Some(Need { words, command })
}

/// The connections as a table, each with its datasets below it.
pub(super) fn as_table(statuses: &[ConnectionStatus]) -> String {
    if statuses.is_empty() {
        return "There is no connection yet: financial-pulse connection add --help\n".to_owned();
    }
    let mut rows = Vec::new();
    for status in statuses {
        let connection = &status.connection;
        let books = connection.organization.as_ref();
        let organization = match (books, &connection.account) {
            (Some(books), _) => books.name.to_string(),
            (None, Some(account)) => format!("{account}, not read yet"),
            (None, None) => "none yet".to_owned(),
        };
        let needs = need(status).map_or_else(
            || "nothing".to_owned(),
            |need| format!("{}: {}", need.words, need.command),
        );
        rows.push(vec![
            connection.id.to_string(),
            connection.provider.title().to_owned(),
            organization,
            connection.state.as_str().to_owned(),
            moment(connection.state_since),
            status.calls.map_or_else(|| "not limited".to_owned(), calls),
            needs,
        ]);
        for dataset in &status.datasets {
            rows.push(vec![
                format!("  {}", dataset.dataset.as_str()),
                String::new(),
                match dataset.expected {
                    Some(expected) => format!("{} of {expected} read", dataset.loaded),
                    None => format!("{} read", dataset.loaded),
                },
                "last up to date".to_owned(),
                or_never(dataset.succeeded_at),
                String::new(),
                format!("tried {}", or_never(dataset.attempted_at)),
            ]);
        }
        rows.push(comparison_row(status.comparison));
    }
    let header = [
        "connection",
        "provider",
        "organization",
        "state",
        "since",
        "calls left",
        "needs",
    ];
    table(&header, &rows)
}

/// What the last full comparison found: a mirror that needed mending has missed something.
fn comparison_row(comparison: Comparison) -> Vec<String> {
    let found = match comparison.drift {
        None => String::new(),
        Some(Drift { mended: 0, gone: 0 }) => "equal to the ledger".to_owned(),
        Some(Drift { mended, gone }) => format!("{mended} mended, {gone} removed"),
    };
    let running = comparison.running_since.map_or_else(String::new, |since| {
        format!("another under way since {}", moment(since))
    });
    vec![
        "  compared in full".to_owned(),
        String::new(),
        found,
        String::new(),
        or_never(comparison.compared_at),
        String::new(),
        running,
    ]
}

fn calls(calls: CallsLeft) -> String {
    let period = match calls.period {
        Period::Month => "this month",
        Period::Day => "in 24 hours",
    };
    format!("{} of {} {period}", calls.left, calls.of)
}

fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn or_never(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), moment)
}

/// The connections for a program to read.
pub(super) fn as_json(statuses: &[ConnectionStatus]) -> Value {
    statuses.iter().map(one_as_json).collect()
}

fn one_as_json(status: &ConnectionStatus) -> Value {
    let connection = &status.connection;
    let datasets = status.datasets.iter().map(|dataset| {
        json!({
            "dataset": dataset.dataset.as_str(),
            "lastSuccess": dataset.succeeded_at,
            "lastAttempt": dataset.attempted_at,
            "read": dataset.loaded,
            "expected": dataset.expected,
        })
    });
    json!({
        "connection": connection.id.as_str(),
        "tenant": connection.tenant.as_str(),
        "provider": connection.provider.as_str(),
        "account": connection.account,
        "organization": connection.organization.as_ref().map(|books| &books.name),
        "state": connection.state.as_str(),
        "reason": connection.state_reason,
        "since": connection.state_since,
        "datasets": datasets.collect::<Vec<_>>(),
        "comparison": json!({
            "lastBegan": status.comparison.compared_at,
            "underWaySince": status.comparison.running_since,
            "mended": status.comparison.drift.map(|drift| drift.mended),
            "removed": status.comparison.drift.map(|drift| drift.gone),
        }),
        "callsLeft": status.calls.map(|calls| json!({
            "left": calls.left,
            "of": calls.of,
            "period": match calls.period {
                Period::Month => "month",
                Period::Day => "day",
            },
        })),
        "needs": need(status).map(|need| json!({
            "words": need.words,
            "command": need.command,
        })),
    })
}
