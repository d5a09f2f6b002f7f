//! Fetching the texts of keys from where they are published: no further than is allowed, within a
//! time and a size, and nothing but a plain answer.

use std::time::Duration;

use reqwest::StatusCode;

use crate::config::NativeSettings;
use crate::outbound::{Reach, Unreachable};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches texts of up to so many bytes.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    client: reqwest::Client,
    reach: Reach,
    most_bytes: usize,
}

/// Why there is no text. None of these tells the address.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The address is none that may be called.
    #[error("the address is not called: {0}")]
    Unreachable(#[from] Unreachable),
    /// It answered with something other than 200.
    #[error("the address answered with status {0}")]
    Status(StatusCode),
    /// It answered with more than keys are.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// It answered with something other than text.
    #[error("the answer is no text")]
    NotText(#[from] std::string::FromUtf8Error),
    /// It did not answer, or not in time.
    #[error("the address cannot be reached: {0}")]
    Http(reqwest::Error),
}

impl Fetcher {
    /// A fetcher with the reach of the settings.
    ///
    /// # Errors
    /// When no HTTP client can be made (no source of trusted certificates).
    pub(super) fn new(
        settings: &NativeSettings,
        most_bytes: usize,
    ) -> Result<Self, reqwest::Error> {
        let reach = Reach {
            loopback: settings.jwks_allow_loopback,
            networks: settings.jwks_allow_networks.clone(),
        };
        let client = reach
            .client()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            reach,
            most_bytes,
        })
    }

    /// The text at an address.
    pub(super) async fn fetch(&self, address: &str) -> Result<String, FetchError> {
        let hidden = |error: reqwest::Error| FetchError::Http(error.without_url());
        let address = self.reach.check(address)?;
        let mut response = self.client.get(address).send().await.map_err(hidden)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(hidden)? {
            if body.len() + chunk.len() > self.most_bytes {
                return Err(FetchError::TooLarge(self.most_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8(body)?)
    }
}
