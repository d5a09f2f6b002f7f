//! From a CRM's token to who it proves.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::claims::{self, Expected, Life, Said};
use super::jwks::KeySets;
use super::jws::Jws;
use super::key::{KeyRecord, KeySource, VerifyingKey};
use super::object::Object;
use super::preset::{KeyScope, PIPEDRIVE, Preset};
use super::refusal::Refusal;
use super::session;
use super::viewer::{Identity, Role, Trust};
use crate::clock::Clock;
use crate::config::{NativeSettings, PipedriveSettings};
use crate::domain::ids::{ContactId, TenantId, UserId};

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A tenant: the one that the verifying key belongs to.
    Tenant(TenantId),
    /// An account of the CRM, signed: the tenant is the one it is registered for, if any.
    Account(String),
}

/// What a verified token of a CRM says.
#[derive(Clone, Debug)]
pub struct VerifiedClaims {
    /// Whose it is.
    pub owner: Owner,
    /// The scheme.
    pub preset: &'static Preset,
    /// The person's id in the CRM.
    pub user: UserId,
    /// Their name.
    pub name: Option<Arc<str>>,
    /// Their signed role.
    pub role: Option<Role>,
    /// The signed contact.
    pub contact: Option<ContactId>,
    /// The signed company of the contact.
    pub company: Option<ContactId>,
    /// The contact's signed e-mail address: personal data, for linking only.
    pub email: Option<String>,
    /// The contact's signed tax number: for linking only.
    pub tax_number: Option<String>,
    /// The page's language.
    pub locale: Option<Arc<str>>,
    /// The last instant at which the token is accepted.
    pub accepted_until: Timestamp,
    /// Under what to count how often the token is shown: a hash of what was signed, so that another
    /// valid signature over the same words is the same token.
    pub use_key: [u8; 32],
    /// The record of the key that verified, for logs.
    pub key_id: String,
}

impl VerifiedClaims {
    /// Who the token proves, for the tenant that it belongs to. Such an identity lives as long as
    /// the token itself; [`super::Sessions::issue`] gives it the life of a session.
    pub fn identity(&self, tenant: TenantId) -> Identity {
        let signed = |record: &Option<ContactId>| record.clone().map(|id| (id, Trust::Signed));
        Identity {
            tenant,
            preset: self.preset.name.into(),
            user: self.user.clone(),
            name: self.name.clone(),
            signed_role: self.role,
            contact: signed(&self.contact),
            company: signed(&self.company),
            locale: self.locale.clone(),
            expires_at: self.accepted_until,
            hard_cap: self.accepted_until,
        }
    }
}

/// What kind of token a bearer is, by its header and unverified claims: to look up what verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// One of ours.
    Session,
    /// A native token of a CRM, which must name its tenant to be a bearer.
    Native {
        /// The tenant that it says it is of; to be confirmed by the tenant's key.
        tenant: TenantId,
    },
}

impl TokenKind {
    /// Looks at a token.
    ///
    /// # Errors
    /// When it is neither, or not a strict JWS at all.
    pub fn of(token: &str) -> Result<Self, Refusal> {
        let jws = Jws::parse(token)?;
        if jws.kind() == Some(session::KIND) {
            return Ok(Self::Session);
        }
        let tenant = jws
            .unverified_claims()?
            .text("tenant")?
            .filter(|tenant| !tenant.is_empty())
            .ok_or(Refusal::MissingClaim("tenant"))?;
        Ok(Self::Native {
            tenant: TenantId::new(tenant),
        })
    }
}

/// Verifies CRM tokens.
#[derive(Debug)]
pub struct Verifier {
    key_sets: KeySets,
    clock: Arc<dyn Clock>,
    audience: String,
    leeway: SignedDuration,
    native_longest: SignedDuration,
    pipedrive_longest: SignedDuration,
}

impl Verifier {
    /// A verifier with the configured bounds.
    ///
    /// # Errors
    /// When no HTTP client for key sets can be made.
    pub fn new(
        native: &NativeSettings,
        pipedrive: &PipedriveSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let signed =
            |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Ok(Self {
            key_sets: KeySets::new(native, Arc::clone(&clock))?,
            clock,
            audience: native.audience.clone(),
            leeway: signed(native.leeway),
            native_longest: signed(native.max_age),
            pipedrive_longest: signed(pipedrive.max_age),
        })
    }

    /// Verifies a token of a scheme under the registered keys: those of the tenant that the route
    /// names, or those of the app.
    ///
    /// # Errors
    /// The reason, for the log; the outside is told [`Refusal::OUTWARD`].
    pub async fn verify(
        &self,
        preset: &'static Preset,
        keys: &[KeyRecord],
        token: &str,
    ) -> Result<VerifiedClaims, Refusal> {
        let jws = Jws::parse(token)?;
        if !jws
            .kind()
            .is_none_or(|kind| kind.eq_ignore_ascii_case("JWT"))
        {
            return Err(Refusal::WrongKind);
        }
        let (record, payload) = self.verify_signature(preset, keys, &jws).await?;
        let claims = Object::parse(payload)?;
        let owner_name = record.tenant.as_ref().map_or("", TenantId::as_str);
        let expected = Expected {
            issuer: record.issuer.as_deref().unwrap_or(owner_name),
            audience: record.audience.as_deref().unwrap_or(&self.audience),
        };
        let said = claims::judge(
            &claims,
            preset,
            expected,
            self.life(preset),
            self.clock.now(),
        )?;
        Ok(VerifiedClaims {
            owner: owner(preset, record, &said)?,
            preset,
            user: said.user,
            name: said.name,
            role: said.role,
            contact: said.contact,
            company: said.company,
            email: said.email,
            tax_number: said.tax_number,
            locale: said.locale,
            accepted_until: said.accepted_until,
            use_key: Sha256::digest(jws.signing_input()).into(),
            key_id: record.id.clone(),
        })
    }

    /// Finds the key. Each key is tried with its own algorithm only, so that nothing in a token can
    /// choose how it is verified.
    async fn verify_signature<'k, 'j>(
        &self,
        preset: &Preset,
        keys: &'k [KeyRecord],
        jws: &'j Jws<'_>,
    ) -> Result<(&'k KeyRecord, &'j [u8]), Refusal> {
        let now = self.clock.now();
        let of_scheme = || {
            keys.iter().filter(|record| {
                record.preset == preset.name
                    && preset.algorithms.contains(&record.algorithm)
                    && record.valid_until.is_none_or(|until| now < until)
            })
        };
        let mut refusal = match of_scheme().next() {
            None => Refusal::UnknownKey,
            Some(_) => Refusal::WrongAlgorithm,
        };
        for record in of_scheme().filter(|record| jws.names(record.algorithm)) {
            let candidates = match self.candidates(record, jws.kid()).await {
                Ok(candidates) => candidates,
                Err(reason) => {
                    refusal = reason;
                    continue;
                }
            };
            for key in candidates {
                match jws.verify(&key) {
                    Ok(payload) => return Ok((record, payload)),
                    Err(reason) => refusal = reason,
                }
            }
        }
        Err(refusal)
    }

    /// The keys of a record that a token's `kid` lets in.
    async fn candidates(
        &self,
        record: &KeyRecord,
        kid: Option<&str>,
    ) -> Result<Vec<VerifyingKey>, Refusal> {
        if let KeySource::JwksUrl(address) = &record.source {
            let key = self.key_sets.find(address, record.algorithm, kid).await?;
            return Ok(vec![key]);
        }
        let mut keys = record.held_keys().map_err(Refusal::UnfitKey)?;
        let single = keys.len() == 1;
        keys.retain(|key| match (kid, key.kid()) {
            // A secret or PEM without a name is for tokens of any name.
            (Some(_), None) => !matches!(record.source, KeySource::Jwks(_)),
            (Some(asked), Some(named)) => asked == named,
            (None, _) => single,
        });
        if keys.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        Ok(keys)
    }

    fn life(&self, preset: &Preset) -> Life {
        Life {
            leeway: self.leeway,
            longest: if preset.name == PIPEDRIVE.name {
                self.pipedrive_longest
            } else {
                self.native_longest
            },
        }
    }
}

fn owner(preset: &Preset, record: &KeyRecord, said: &Said) -> Result<Owner, Refusal> {
    match (preset.key_scope, &record.tenant, &said.account) {
        (KeyScope::Installation, Some(tenant), None) => Ok(Owner::Tenant(tenant.clone())),
        (KeyScope::Installation, Some(tenant), Some(named)) if tenant.as_str() == named => {
            Ok(Owner::Tenant(tenant.clone()))
        }
        (KeyScope::Installation, Some(_), Some(_)) => Err(Refusal::WrongTenant),
        (KeyScope::App, None, Some(account)) => Ok(Owner::Account(account.clone())),
        (KeyScope::App, None, None) => Err(Refusal::MissingClaim("account")),
        // A key without a tenant cannot name one, and one tenant's key must not vouch for others.
        (KeyScope::Installation, None, _) | (KeyScope::App, Some(_), _) => Err(Refusal::UnknownKey),
    }
}

/// The keys of Pipedrive's scheme from the configuration: the present secret and the one before.
pub fn pipedrive_keys(settings: &PipedriveSettings) -> Vec<KeyRecord> {
    let record = |id: &str, secret: &secrecy::SecretString, valid_until| KeyRecord {
        id: id.to_owned(),
        tenant: None,
        preset: PIPEDRIVE.name.to_owned(),
        kid: None,
        algorithm: super::Algorithm::Hs256,
        source: KeySource::Secret(secret.clone()),
        issuer: None,
        audience: None,
        valid_until,
    };
    let current = settings.client_secret.as_ref();
    let previous = settings.previous_client_secret.as_ref();
    current
        .map(|secret| record("pipedrive.client_secret", secret, None))
        .into_iter()
        .chain(previous.map(|secret| {
            let until = settings.previous_client_secret_until;
            record("pipedrive.previous_client_secret", secret, until)
        }))
        .collect()
}
