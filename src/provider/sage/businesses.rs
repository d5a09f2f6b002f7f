//! The businesses that a consent reaches (`GET /businesses`), and the one that is connected.

use serde::Deserialize;

use super::wire::{id, text};
use crate::provider::http::decode;
use crate::provider::{ProviderError, ProviderResult};

/// A business, as far as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct Business {
    /// Its id: the value of `X-Business`.
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    displayed_as: Option<String>,
}

impl Business {
    /// What people call it; its id where it has no name.
    pub(super) fn title(&self) -> &str {
        let names = [&self.name, &self.displayed_as];
        names.into_iter().flatten().next().unwrap_or(&self.id)
    }
}

#[derive(Deserialize)]
struct Businesses {
    #[serde(rename = "$total")]
    total: Option<u64>,
    #[serde(rename = "$items")]
    items: Vec<Business>,
}

/// Reads the list. It has no pages.
///
/// # Errors
/// [`ProviderError::Malformed`] when it holds fewer than it says: a business would be missing from
/// the choice.
pub(super) fn read(body: &[u8]) -> ProviderResult<Vec<Business>> {
    let list: Businesses = decode(body, |_| ())?;
    let stated = list.total.unwrap_or(0);
    if (list.items.len() as u64) < stated {
        return Err(ProviderError::Malformed {
            path: "$items".to_owned(),
            reason: "there are fewer businesses than the answer says".to_owned(),
        });
    }
    Ok(list.items)
}
