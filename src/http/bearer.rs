//! From the `Authorization` header to the caller, fast for tokens that were seen before.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jiff::Timestamp;

use super::answers::Sight;
use super::rates::{Person, Rates};
use crate::auth::preset::NATIVE;
use crate::auth::{
    Identity, Owner, Refusal, Sessions, TokenKind, VerifiedTokens, Verifier, Viewer,
};
use crate::cache::version::Stamp;
use crate::clock::Clock;
use crate::domain::ids::TenantId;
use crate::service::error::refused;
use crate::service::keys::Keys;
use crate::service::read::Reader;
use crate::service::views::Views;
use crate::service::{Caller, ServiceError};

/// How often a token is verified when its tenant keeps changing meanwhile.
const ATTEMPTS: usize = 3;

/// Verifies bearers of the GraphQL door: our sessions, and native tokens of a CRM.
#[derive(Debug)]
pub struct Bearers {
    sessions: Arc<Sessions>,
    verifier: Arc<Verifier>,
    keys: Keys,
    reader: Arc<Reader>,
    clock: Arc<dyn Clock>,
    verified: VerifiedTokens<Arc<Bearer>>,
    rates: Arc<Rates>,
}

/// A caller as proven by a token.
#[derive(Debug)]
pub struct Bearer {
    /// Who is asking.
    pub caller: Arc<Caller>,
    /// What they may see, shared with all who may see the same.
    pub sight: Arc<Sight>,
    /// The same with their person, for answers that speak of it.
    pub own_sight: Arc<Sight>,
    /// How often they may ask.
    pub person: Arc<Person>,
    /// The keys, roles and settings that the proof rests on.
    stamp: Stamp,
    expires_at: Timestamp,
}

impl Bearer {
    fn new(identity: Identity, viewer: Viewer, person: Arc<Person>, stamp: Stamp) -> Self {
        Self {
            person,
            sight: Arc::new(Sight::shared(&viewer)),
            own_sight: Arc::new(Sight::own(&viewer)),
            expires_at: viewer.session_expires_at.min(viewer.session_hard_cap),
            caller: Arc::new(Caller {
                identity,
                viewer: Arc::new(viewer),
            }),
            stamp,
        }
    }

    /// Whether the proof still counts.
    pub fn counts(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.stamp.holds(now)
    }

    /// Waits until what the proof rests on has changed.
    pub async fn moved(&self) {
        self.stamp.moved().await;
    }
}

impl Bearers {
    /// A door for sessions and for native tokens under these keys, that keeps up to `kept` verified
    /// tokens.
    pub fn new(
        sessions: Arc<Sessions>,
        verifier: Arc<Verifier>,
        keys: Keys,
        reader: Arc<Reader>,
        clock: Arc<dyn Clock>,
        kept: u64,
        rates: Arc<Rates>,
    ) -> Self {
        Self {
            sessions,
            verifier,
            keys,
            reader,
            clock,
            verified: VerifiedTokens::new(kept),
            rates,
        }
    }

    /// The record of who saw what.
    pub fn views(&self) -> &Arc<Views> {
        self.reader.views()
    }

    /// How often anyone may ask.
    pub fn rates(&self) -> &Arc<Rates> {
        &self.rates
    }

    /// The bearer of a token that verified before and still counts.
    pub fn known(&self, token: &str, now: Timestamp) -> Option<Arc<Bearer>> {
        self.verified.get(token, now, |bearer| bearer.counts(now))
    }

    /// The bearer of a token, verified now.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with one text for every cause; the cause goes to the log.
    pub async fn verify(&self, token: &str) -> Result<Arc<Bearer>, ServiceError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let bearer = Arc::new(self.prove(token).await?);
            let now = self.clock.now();
            if bearer.counts(now) {
                self.verified
                    .put(token, Arc::clone(&bearer), bearer.expires_at);
                return Ok(bearer);
            }
            if now >= bearer.expires_at {
                return Err(refused(Refusal::Expired));
            }
            // The tenant changed meanwhile, which says nothing against the token. What was proved
            // held while this request ran; it is not kept, so the next one asks again.
            if attempts == ATTEMPTS {
                return Ok(bearer);
            }
        }
    }

    /// Whether a token is still taken, and for the viewer that it was taken for.
    pub async fn still(&self, token: &str, viewer: &Viewer) -> bool {
        let bearer = match self.known(token, self.clock.now()) {
            Some(known) => known,
            None => match self.verify(token).await {
                Ok(bearer) => bearer,
                Err(_) => return false,
            },
        };
        bearer.caller.viewer.is_still(viewer)
    }

    async fn prove(&self, token: &str) -> Result<Bearer, ServiceError> {
        let kind = TokenKind::of(token).map_err(refused)?;
        let mut stamp = Stamp::default();
        // Noted before keys and accounts are read, so that one that ends later ends what it proved.
        let mut note = |tenant: &TenantId| {
            stamp.note(self.reader.snapshots().versions().tenant(tenant));
        };
        let now = self.clock.now();
        let identity = match kind {
            TokenKind::Session => {
                let identity = self.sessions.verify(token).map_err(refused)?;
                note(&identity.tenant);
                let ends = self.keys.stands(&identity, now).await?;
                Identity {
                    expires_at: identity.expires_at.min(ends),
                    ..identity
                }
            }
            TokenKind::Native { tenant } => {
                note(&tenant);
                let keys = self.keys.of(&NATIVE, Some(&tenant), now).await?;
                let claims = self.verifier.verify(&NATIVE, &keys, token).await;
                let claims = claims.map_err(refused)?;
                if claims.owner != Owner::Tenant(tenant.clone()) {
                    return Err(refused(Refusal::WrongTenant));
                }
                claims.identity(tenant)
            }
        };
        let viewer = self
            .reader
            .viewer(&identity, &mut stamp)
            .await?
            .ok_or_else(|| refused(Refusal::UnknownTenant))?;
        let person = self.rates.person(&viewer);
        Ok(Bearer::new(identity, viewer, person, stamp))
    }
}

/// The token that a request must carry.
///
/// # Errors
/// `UNAUTHENTICATED` when there is none, or it has another scheme.
pub fn required_token(headers: &HeaderMap) -> Result<&str, ServiceError> {
    bearer_token(headers).ok_or_else(|| refused(Refusal::Missing))
}

/// The token of the `Authorization: Bearer …` header, where there is exactly one.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    only(headers, header::AUTHORIZATION.as_str()).and_then(strip_scheme)
}

/// The text of a header that is there once: of two, one could be meant for somebody else.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok())?
}

/// The token behind the scheme's word, in any case.
pub fn strip_scheme(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
