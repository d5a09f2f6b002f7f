//! Native test tokens, as a customer's own code would mint them.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::check_key;
use super::refusal::KeyProblem;
use super::viewer::Role;
use crate::domain::ids::UserId;
use crate::domain::signing_key::{Algorithm, KeySource, SigningKey};

/// What a test token says.
#[derive(Clone, Debug)]
pub struct TestToken {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Option<String>,
    /// Their role.
    pub role: Option<Role>,
    /// The contact, by the rule of [`super::preset::contact_id`].
    pub contact: Option<String>,
    /// The contact's company, by the same rule.
    pub company: Option<String>,
    /// The contact's e-mail address.
    pub email: Option<String>,
    /// The contact's tax number.
    pub tax_number: Option<String>,
    /// How long it lives; no longer than the configuration accepts.
    pub lifetime: SignedDuration,
}

/// Why no token could be minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// Only the tenant has the other half of a public key.
    #[error(
        "the tenant has no native HS256 key, and only its own code can sign with a private one; \
         add a key with a secret"
    )]
    NoSecret,
    /// The stored secret is unfit.
    #[error(transparent)]
    UnfitKey(#[from] KeyProblem),
    /// The token could not be written.
    #[error("the token could not be signed")]
    Unsigned(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_number: Option<&'a str>,
    iat: i64,
    exp: i64,
    jti: String,
}

impl TestToken {
    /// Signs the token with the first of a tenant's keys that has a secret and still counts.
    ///
    /// # Errors
    /// When there is none, or it is unfit.
    pub fn mint(
        &self,
        keys: &[SigningKey],
        audience: &str,
        now: Timestamp,
    ) -> Result<SecretString, MintError> {
        let usable = keys.iter().find_map(|record| match &record.source {
            KeySource::Secret(secret)
                if record.algorithm == Algorithm::Hs256 && record.stands(now) =>
            {
                Some((record, record.tenant.as_ref()?, secret))
            }
            _ => None,
        });
        let (record, tenant, secret) = usable.ok_or(MintError::NoSecret)?;
        check_key(record)?;
        let claims = Claims {
            iss: record.issuer.as_deref().unwrap_or(tenant.as_str()),
            aud: record.audience.as_deref().unwrap_or(audience),
            sub: self.user.as_str(),
            tenant: tenant.as_str(),
            name: self.name.as_deref(),
            role: self.role.map(Role::as_str),
            contact: self.contact.as_deref(),
            company: self.company.as_deref(),
            email: self.email.as_deref(),
            tax_number: self.tax_number.as_deref(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(self.lifetime.as_secs()),
            jti: Uuid::new_v4().simple().to_string(),
        };
        let header = Header {
            kid: record.kid.clone(),
            ..Header::default()
        };
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        Ok(jsonwebtoken::encode(&header, &claims, &key)?.into())
    }
}
