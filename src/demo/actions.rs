//! The buttons: what happens in the books while the widget stands open.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Format, Shared, find};

/// Which of a contact's customers is meant, by the ledger that is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    account: usize,
    provider: Option<Format>,
}

/// The customer pays 100, on what is due first.
pub(super) async fn payment(
    State(shared): State<Shared>,
    Path(contact): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    post(&shared, "payments", &contact, &which, 100).await
}

/// The customer is billed 250.
pub(super) async fn invoice(
    State(shared): State<Shared>,
    Path(contact): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    post(&shared, "invoices", &contact, &which, 250).await
}

async fn post(shared: &Shared, what: &str, contact: &str, which: &Which, amount: u32) -> Response {
    let format = which.provider.unwrap_or(shared.options.first);
    let account =
        find(contact).and_then(|situation| situation.in_format(format).accounts.get(which.account));
    let Some(account) = account else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let url = format!("{}/sandbox/{what}", shared.options.sandbox_url);
    let body = json!({
        "company": account.realm,
        "customer": account.customer,
        "amount": amount.to_string(),
    });
    let posted = shared.client.post(url).json(&body).send().await;
    match posted {
        Ok(answer) if answer.status().is_success() => match answer.json::<Value>().await {
            Ok(document) => Json(json!({
                "id": document["Id"],
                "number": document["DocNumber"],
                "amount": amount.to_string(),
                "currency": account.currency,
            }))
            .into_response(),
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        },
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}
