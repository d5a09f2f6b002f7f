//! Keys that verify a CRM's signatures, as they are registered.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::ids::{SigningKeyId, TenantId};

/// A signature algorithm that a key may have. Every key has exactly one, from its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256, under a shared secret.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// A name that is none of the four algorithms'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write HS256, RS256, ES256 or EdDSA")]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name in token headers and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// By [`Algorithm::as_str`]; names are case-sensitive (RFC 7515 section 4.1.1).
impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.as_str() == name)
            .ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that a credential may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The tenant (installation keys) or the CRM's account (app keys).
    Account,
    /// The person.
    User,
    /// Their name.
    Name,
    /// Their role in our words.
    Role,
    /// The contact that the page shows.
    Contact,
    /// The company of the contact.
    Company,
    /// The contact's e-mail address, by which it may be linked.
    Email,
    /// The contact's tax number, by which it may be linked.
    TaxNumber,
    /// The page's language.
    Locale,
}

impl Claim {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Account,
        Self::User,
        Self::Name,
        Self::Role,
        Self::Contact,
        Self::Company,
        Self::Email,
        Self::TaxNumber,
        Self::Locale,
    ];

    /// Its word on the command line, in the store (where `serde` writes it) and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::User => "user",
            Self::Name => "name",
            Self::Role => "role",
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Email => "email",
            Self::TaxNumber => "tax_number",
            Self::Locale => "locale",
        }
    }

    /// The claim of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|claim| claim.as_str() == word)
    }
}

/// Where a key's material is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A shared secret: its literal UTF-8 text is the key. Sealed at rest.
    Secret(SecretString),
    /// One public key in PEM form.
    Pem(String),
    /// A set of public keys (RFC 7517), given once.
    Jwks(String),
    /// The address of such a set, which its owner may change.
    JwksUrl(String),
}

/// A registered key.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its id, which is also its name in logs.
    pub id: SigningKeyId,
    /// The tenant whose tokens it signs; `None` for a key of the whole app, whose tokens name their
    /// account.
    pub tenant: Option<TenantId>,
    /// The scheme that it belongs to (`native`, `pipedrive`).
    pub preset: String,
    /// The `kid` of its tokens, where they have one.
    pub kid: Option<String>,
    /// The one algorithm that it is for.
    pub algorithm: Algorithm,
    /// Its material.
    pub source: KeySource,
    /// What `iss` must be, in schemes that require it. Without it: the tenant's id.
    pub issuer: Option<String>,
    /// What `aud` must hold, in schemes that require it. Without it: the configured one.
    pub audience: Option<String>,
    /// Until when it is accepted: a secret that was replaced lives on for a while. `None` for no end.
    pub valid_until: Option<Timestamp>,
    /// Paths of claims where they are other than the scheme's.
    pub claims: BTreeMap<Claim, String>,
}

impl SigningKey {
    /// Until when the key is accepted: the end of time where no end is set.
    pub fn ends(&self) -> Timestamp {
        self.valid_until.unwrap_or(Timestamp::MAX)
    }

    /// Whether the key is accepted at a time.
    pub fn stands(&self, now: Timestamp) -> bool {
        now < self.ends()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claims_word_is_the_same_everywhere() {
        for claim in Claim::ALL {
            assert_eq!(Claim::parse(claim.as_str()), Some(claim));
            let stored = serde_json::to_value(claim).expect("JSON");
            assert_eq!(stored, claim.as_str());
        }
    }
}
