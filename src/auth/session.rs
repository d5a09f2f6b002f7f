//! Our own session tokens: short, signed under a key derived from the encryption key, and the same
//! for every scheme, so that what follows the exchange knows nothing of CRMs.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{EncodingKey, Header};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::jws::Jws;
use super::key::VerifyingKey;
use super::refusal::{KeyProblem, Refusal};
use super::viewer::{Identity, Role, Trust};
use crate::clock::Clock;
use crate::config::SessionSettings;
use crate::domain::ids::{ContactId, TenantId, UserId};

/// The header's `typ`: no CRM token has it, and no session is without it, so that neither can stand
/// where the other is asked for.
pub(super) const KIND: &str = "pulse-session";

/// For which door a session is.
const AUDIENCE: &str = "graphql";

/// A session as it is handed to the page.
#[derive(Debug)]
pub struct Session {
    /// The bearer of its requests.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Until when it may be renewed from itself.
    pub hard_cap: Timestamp,
}

/// Issues and verifies session tokens.
pub struct Sessions {
    signing: EncodingKey,
    verifying: VerifyingKey,
    older: Vec<VerifyingKey>,
    lifetime: SignedDuration,
    hard_cap: SignedDuration,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions")
            .field("lifetime", &self.lifetime)
            .field("hard_cap", &self.hard_cap)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// The session as it is told to the page when what it rests on ends earlier.
    #[must_use]
    pub fn until(self, ends: Timestamp) -> Self {
        Self {
            expires_at: self.expires_at.min(ends),
            hard_cap: self.hard_cap.min(ends),
            ..self
        }
    }
}

impl Sessions {
    /// Sessions under a key of 32 bytes that serves nothing else.
    ///
    /// # Errors
    /// When the key is unfit; never for one of 32 bytes.
    pub fn new(
        key: &[u8; 32],
        settings: &SessionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyProblem> {
        let signed =
            |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Ok(Self {
            signing: EncodingKey::from_secret(key),
            verifying: VerifyingKey::from_secret_bytes(key)?,
            older: Vec::new(),
            lifetime: signed(settings.lifetime),
            hard_cap: signed(settings.hard_cap),
            clock,
        })
    }

    /// Takes sessions that were signed under these keys, too: those of before a rotation, and those
    /// that another instance signs while one is under way.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn also_verifying(mut self, keys: &[[u8; 32]]) -> Result<Self, KeyProblem> {
        self.older = keys
            .iter()
            .map(|key| VerifyingKey::from_secret_bytes(key))
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// A session for someone whom a CRM's token has just proved. It and those that descend from it
    /// end after the configured cap, or after `longest` where that is shorter.
    ///
    /// # Errors
    /// When the token cannot be written, which no input brings about.
    pub fn issue(
        &self,
        identity: &Identity,
        longest: Option<SignedDuration>,
    ) -> Result<Session, SessionError> {
        let longest = longest.map_or(self.hard_cap, |longest| longest.min(self.hard_cap));
        let cap = self.clock.now().saturating_add(longest);
        self.sign(identity, cap.unwrap_or(Timestamp::MAX))
    }

    /// A new session from one that still lives, where the CRM gives no fresh tokens. Its hard cap
    /// stays.
    ///
    /// # Errors
    /// [`SessionError::Refused`] when the session does not verify or has reached its cap.
    pub fn renew(&self, token: &str) -> Result<(Identity, Session), SessionError> {
        let identity = self.verify(token)?;
        let session = self.sign(&identity, identity.hard_cap)?;
        Ok((identity, session))
    }

    fn sign(&self, identity: &Identity, hard_cap: Timestamp) -> Result<Session, SessionError> {
        let now = self.clock.now().as_second();
        let cap = hard_cap.as_second();
        let exp = now.saturating_add(self.lifetime.as_secs()).min(cap);
        let record = |named: &Option<(ContactId, Trust)>| {
            named
                .as_ref()
                .map(|(id, trust)| (id.as_str().to_owned(), *trust == Trust::Signed))
        };
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            tenant: identity.tenant.as_str().to_owned(),
            preset: identity.preset.as_ref().to_owned(),
            account: identity.account.as_deref().map(str::to_owned),
            sub: identity.user.as_str().to_owned(),
            name: identity.name.as_deref().map(str::to_owned),
            role: identity.signed_role.map(|role| role.as_str().to_owned()),
            contact: record(&identity.contact),
            company: record(&identity.company),
            locale: identity.locale.as_deref().map(str::to_owned),
            key: identity.key.as_str().to_owned(),
            iat: now,
            exp,
            cap,
            jti: Uuid::new_v4().simple().to_string(),
        };
        let header = Header {
            typ: Some(KIND.to_owned()),
            ..Header::default()
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.signing)?;
        Ok(Session {
            token: token.into(),
            expires_at: instant(exp)?,
            hard_cap: instant(cap)?,
        })
    }

    /// Who a session token proves.
    ///
    /// # Errors
    /// When it is not one of ours, or has ended: to the second, since both clocks are ours.
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        let jws = Jws::parse(token)?;
        if jws.kind() != Some(KIND) {
            return Err(Refusal::WrongKind);
        }
        let mut older = self.older.iter();
        let payload = jws
            .verify(&self.verifying)
            .or_else(|refusal| older.find_map(|key| jws.verify(key).ok()).ok_or(refusal))?;
        let claims: Claims =
            serde_json::from_slice(payload).map_err(|_| Refusal::Malformed("not our claims"))?;
        if claims.aud != AUDIENCE {
            return Err(Refusal::WrongAudience);
        }
        let expires_at = instant(claims.exp)?;
        let hard_cap = instant(claims.cap)?;
        if expires_at.min(hard_cap) <= self.clock.now() {
            return Err(Refusal::Expired);
        }
        let record = |named: Option<(String, bool)>, claim| {
            named
                .map(|(id, signed)| {
                    let trust = if signed {
                        Trust::Signed
                    } else {
                        Trust::Requested
                    };
                    ContactId::parse(&id)
                        .map(|id| (id, trust))
                        .map_err(|_| Refusal::BadClaim(claim))
                })
                .transpose()
        };
        let role = claims
            .role
            .map(|word| Role::parse(&word).ok_or(Refusal::BadClaim("role")))
            .transpose()?;
        Ok(Identity {
            tenant: TenantId::new(claims.tenant),
            preset: claims.preset.into(),
            account: claims.account.map(Into::into),
            user: UserId::new(claims.sub),
            name: claims.name.map(Into::into),
            signed_role: role,
            contact: record(claims.contact, "contact")?,
            company: record(claims.company, "company")?,
            locale: claims.locale.map(Into::into),
            key: claims.key.into(),
            expires_at,
            hard_cap,
        })
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The session shown does not verify.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The token could not be written.
    #[error("the session could not be signed")]
    Unsigned(#[from] jsonwebtoken::errors::Error),
}

/// The wire form of a session: instants in whole seconds, records with whether they were signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    aud: String,
    tenant: String,
    preset: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<(String, bool)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<(String, bool)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    key: String,
    iat: i64,
    exp: i64,
    cap: i64,
    jti: String,
}

fn instant(second: i64) -> Result<Timestamp, Refusal> {
    Timestamp::from_second(second).map_err(|_| Refusal::BadClaim("exp"))
}
