//! Consent without OAuth: an operator hands over a key that the ledger issued for this application.
//! It is used as the bearer token, does not end by itself, and cannot be renewed.

use async_trait::async_trait;
use secrecy::SecretString;

use super::{Authorization, ConsentGiver, ConsentRules, ProviderError, ProviderResult, TokenGrant};

/// The authorization of a ledger that is read with an application key.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplicationKey;

const RULES: ConsentRules = ConsentRules {
    given_by: ConsentGiver::ApplicationKey,
    proof_key: false,
    refresh_grace: None,
};

#[async_trait]
impl Authorization for ApplicationKey {
    fn rules(&self) -> &ConsentRules {
        &RULES
    }

    /// There is no such page.
    fn authorize_url(&self, _state: &str, _challenge: Option<&str>) -> ProviderResult<String> {
        Err(no_page())
    }

    async fn exchange(
        &self,
        _code: &str,
        _verifier: Option<&SecretString>,
    ) -> ProviderResult<TokenGrant> {
        Err(no_page())
    }

    /// A key that is refused stays refused.
    async fn refresh(&self, _refresh_token: &SecretString) -> ProviderResult<TokenGrant> {
        Err(ProviderError::ConsentLost {
            code: "key_refused".to_owned(),
        })
    }

    /// Nothing to tell: whoever issued the key takes it back in the ledger.
    async fn revoke(&self, _refresh_token: &SecretString) -> ProviderResult<()> {
        Ok(())
    }
}

fn no_page() -> ProviderError {
    ProviderError::Misconfigured {
        what: "this ledger has no consent page, it is read with an application key".to_owned(),
    }
}
