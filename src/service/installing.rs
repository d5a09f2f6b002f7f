//! Installing at Atlassian: the site that an operator let in hands over its shared secret.
//!
//! An operator gives out an address with a one-time code. The first site that installs by it binds the
//! tenant; from then on that site alone may change its secret or take it back. Another one needs a
//! new code, and the keys of the first retired.
//!
//! A key binds while no end is set to it. One that has an end, be it hours away, opens pages until
//! then and installs nothing: else the site of a retired key could give itself a new one for ever.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tracing::info;
use uuid::Uuid;

use super::error::{ServiceError, refused};
use super::one_time;
use crate::auth::preset::records::ATLASSIAN_CONNECT;
use crate::auth::{InstallVerifier, Refusal, ShownRequest, check_key};
use crate::clock::Clock;
use crate::domain::ids::TenantId;
use crate::domain::signing_key::{Algorithm, KeySource, SigningKey};
use crate::store::Store;

/// What such a code is for.
const INSTALL: &str = "atlassian-install";
/// Who acts, in the audit.
const ACTOR: &str = "atlassian";
/// How long a code waits for the installation.
pub const CODE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How long pages that were loaded under the earlier secret may still come.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// A code by which one site may install for a tenant.
///
/// # Errors
/// When the store fails.
pub async fn invite(
    store: &Store,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<String, ServiceError> {
    let code = one_time::code();
    let until = now.saturating_add(CODE_LIFETIME).unwrap_or(Timestamp::MAX);
    let hash = one_time::hash(INSTALL, &code);
    store
        .put_code(&hash, tenant, tenant.as_str(), until)
        .await?;
    Ok(code)
}

/// What a site says of itself.
#[derive(Debug)]
pub struct Site {
    /// Its name.
    pub client_key: String,
    /// What it signs with from now on.
    pub shared_secret: SecretString,
}

/// A call of Atlassian's, before it is believed.
pub struct Call<'a> {
    /// The tenant that the address names.
    pub tenant: TenantId,
    /// The code in the address; spent after the first installation.
    pub code: &'a str,
    /// The token.
    pub token: &'a str,
    /// The request.
    pub request: ShownRequest<'a>,
}

/// Shows no token and no code.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// Takes and ends the secrets of sites.
#[derive(Debug)]
pub struct Installing {
    store: Store,
    verifier: InstallVerifier,
    clock: Arc<dyn Clock>,
    public_url: String,
}

impl Installing {
    /// Installing under the store's codes and keys.
    pub fn new(
        store: Store,
        verifier: InstallVerifier,
        clock: Arc<dyn Clock>,
        public_url: String,
    ) -> Self {
        Self {
            store,
            verifier,
            clock,
            public_url,
        }
    }

    /// The address under which Atlassian reaches us, without a path.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Stores the secret of a site that was installed. What the site says is read once its call is
    /// verified.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for every site but the one that the tenant is bound to, or the first by a
    /// code; `BAD_USER_INPUT` when the secret is too short; whatever reading ends with.
    pub async fn installed(
        &self,
        call: &Call<'_>,
        said: impl FnOnce() -> Result<Site, ServiceError>,
    ) -> Result<(), ServiceError> {
        let bound = self.bound(&call.tenant).await?;
        let now = self.clock.now();
        let hash = one_time::hash(INSTALL, call.code);
        if bound.is_empty() {
            // Looked at before anything is fetched, and taken when all is right.
            let invited = self.store.code(&hash, now).await?;
            if invited.as_deref() != Some(call.tenant.as_str()) {
                return Err(refused(Refusal::UnknownTenant));
            }
        }
        let caller = self
            .verify(call, |site| bound.is_empty() || binds(&bound, site))
            .await?;
        let site = said()?;
        if site.client_key != caller {
            return Err(refused(Refusal::WrongIssuer));
        }
        let key = SigningKey {
            id: Uuid::new_v4().to_string().into(),
            tenant: Some(call.tenant.clone()),
            preset: ATLASSIAN_CONNECT.name.to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret(site.shared_secret),
            issuer: Some(site.client_key),
            audience: None,
            valid_until: None,
            claims: std::collections::BTreeMap::new(),
        };
        check_key(&key)
            .map_err(|problem| ServiceError::bad_input("sharedSecret", problem.to_string()))?;
        // One transaction: the caller may go away at any moment.
        if bound.is_empty() {
            let added = self
                .store
                .add_invited_key(&hash, &call.tenant, &key, ACTOR, now);
            if !added.await? {
                return Err(refused(Refusal::Replayed));
            }
        } else {
            let earlier_end = now.saturating_add(OVERLAP).unwrap_or(Timestamp::MAX);
            self.store
                .replace_signing_keys(&key, earlier_end, ACTOR, now)
                .await?;
        }
        info!(tenant = %call.tenant, "a site of Atlassian's was installed");
        Ok(())
    }

    /// Ends the keys of a site that was removed. The tenant is then bound to none. What the site says
    /// its name is, is read once its call is verified.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for every site but the one that the tenant is bound to; whatever reading ends
    /// with.
    pub async fn uninstalled(
        &self,
        call: &Call<'_>,
        said: impl FnOnce() -> Result<String, ServiceError>,
    ) -> Result<(), ServiceError> {
        let bound = self.bound(&call.tenant).await?;
        let caller = self.verify(call, |site| binds(&bound, site)).await?;
        if said()? != caller {
            return Err(refused(Refusal::WrongIssuer));
        }
        let now = self.clock.now();
        self.store
            .end_signing_keys(&call.tenant, ATLASSIAN_CONNECT.name, now, ACTOR, now)
            .await?;
        info!(tenant = %call.tenant, "a site of Atlassian's was removed");
        Ok(())
    }

    /// The site that calls, where it is one that may.
    async fn verify(
        &self,
        call: &Call<'_>,
        may: impl Fn(&str) -> bool,
    ) -> Result<String, ServiceError> {
        let verified = self.verifier.verify(call.token, call.request, may);
        verified.await.map_err(refused)
    }

    /// The tenant's keys of Atlassian that bind it to a site.
    async fn bound(&self, tenant: &TenantId) -> Result<Vec<SigningKey>, ServiceError> {
        let keys = self
            .store
            .signing_keys(Some(tenant), ATLASSIAN_CONNECT.name, self.clock.now());
        let mut keys = keys.await?;
        keys.retain(|key| key.valid_until.is_none());
        Ok(keys)
    }
}

fn binds(keys: &[SigningKey], site: &str) -> bool {
    keys.iter().any(|key| key.issuer.as_deref() == Some(site))
}
