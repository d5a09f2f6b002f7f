//! Signing in: a CRM's token for a session of ours, wherever it is shown.

use std::sync::Arc;

use tracing::{info, warn};

use super::Services;
use super::error::ServiceError;
use super::keys::key_records;
use super::linking::SignedFacts;
use crate::auth::preset::{KeyScope, NATIVE, PIPEDRIVE};
use crate::auth::{
    Identity, KeyRecord, Owner, Preset, Refusal, Session, SessionError, Sessions, Trust,
    VerifiedClaims, Verifier,
};
use crate::clock::Clock;
use crate::domain::ids::{ContactId, TenantId};
use crate::store::{Store, Tenant};

/// Turns the tokens of CRMs into sessions.
#[derive(Debug)]
pub struct SignIn {
    store: Store,
    services: Services,
    verifier: Arc<Verifier>,
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    settings: SignInSettings,
}

/// What the installation sets for signing in.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// Keys that sign for all tenants of a scheme, beside those in the store.
    pub app_keys: Vec<KeyRecord>,
    /// Who may frame the widget for a Pipedrive account that names none of its own.
    pub pipedrive_ancestors: Vec<String>,
    /// How often one CRM token may be shown.
    pub token_uses: u32,
}

/// The door at which a token is shown: a scheme and, where its keys are the tenants' own, the tenant
/// in whose name the route speaks. The latter is for looking up keys only.
#[derive(Clone, Debug)]
pub struct Door {
    preset: &'static Preset,
    tenant: Option<TenantId>,
}

impl Door {
    /// The door of a tenant's own code.
    pub fn native(tenant: TenantId) -> Self {
        Self {
            preset: &NATIVE,
            tenant: Some(tenant),
        }
    }

    /// The door of Pipedrive.
    pub fn pipedrive() -> Self {
        Self {
            preset: &PIPEDRIVE,
            tenant: None,
        }
    }

    /// The tenant in whose name the route speaks.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// The scheme.
    pub fn preset(&self) -> &'static Preset {
        self.preset
    }
}

/// What the page asks for beside the token: no one vouches for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// The contact that it shows.
    pub contact: Option<ContactId>,
    /// The contact's company.
    pub company: Option<ContactId>,
}

/// Someone who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub identity: Identity,
    /// Their session.
    pub session: Session,
    /// The origins that may frame the widget for their tenant, as they were registered. None means
    /// nowhere.
    pub frame_ancestors: Vec<String>,
}

impl SignIn {
    /// Signing in under the store's keys and the settings.
    pub fn new(
        settings: SignInSettings,
        store: Store,
        services: Services,
        verifier: Arc<Verifier>,
        sessions: Arc<Sessions>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            services,
            verifier,
            sessions,
            clock,
            settings,
        }
    }

    /// Lets in who shows a token of a CRM at a door, and counts the showing. A contact whose facts
    /// came signed is linked on the way, if the tenant wants that.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, with the same text for every cause; the cause goes to the log. When the
    /// store fails.
    pub async fn enter(
        &self,
        door: &Door,
        token: &str,
        requested: Requested,
    ) -> Result<SignedIn, ServiceError> {
        let claims = self.verify(door, token).await?;
        let tenant = self.tenant_of(door, &claims).await?;
        self.count_use(&tenant, &claims).await?;
        let identity = claims
            .identity(tenant.id.clone())
            .with_requested(requested.contact, requested.company);
        self.link(&identity, claims).await;
        let session = self.sessions.issue(&identity).map_err(unsigned)?;
        Ok(SignedIn {
            frame_ancestors: self.frame_ancestors(door, &tenant),
            identity,
            session,
        })
    }

    /// A new session for one that still lives, up to its hard cap: for pages whose CRM cannot give
    /// them a fresh token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the session has ended or its tenant is gone.
    pub async fn renew(&self, session: &str) -> Result<(Identity, Session), ServiceError> {
        let (identity, session) = self.sessions.renew(session).map_err(unsigned)?;
        match self.store.tenant(&identity.tenant).await? {
            Some(_) => Ok((identity, session)),
            None => Err(refused(Refusal::UnknownTenant)),
        }
    }

    async fn verify(&self, door: &Door, token: &str) -> Result<VerifiedClaims, ServiceError> {
        let stored = self
            .store
            .signing_keys(door.tenant.as_ref(), door.preset.name)
            .await?;
        let mut keys = key_records(stored);
        if door.preset.key_scope == KeyScope::App {
            keys.extend(self.settings.app_keys.iter().cloned());
        }
        let claims = self.verifier.verify(door.preset, &keys, token).await;
        claims.map_err(refused)
    }

    /// The tenant: of the key that verified, or the one that the signed account is registered for.
    async fn tenant_of(
        &self,
        door: &Door,
        claims: &VerifiedClaims,
    ) -> Result<Tenant, ServiceError> {
        let id = match &claims.owner {
            Owner::Tenant(tenant) if door.tenant.as_ref() == Some(tenant) => Some(tenant.clone()),
            Owner::Tenant(_) => return Err(refused(Refusal::WrongTenant)),
            Owner::Account(account) => {
                let preset = door.preset.name;
                self.store.tenant_of_account(preset, account).await?
            }
        };
        let tenant = match id {
            Some(id) => self.store.tenant(&id).await?,
            None => None,
        };
        tenant.ok_or_else(|| refused(Refusal::UnknownTenant))
    }

    /// A browser's reload shows the same token again, so a few times are let pass; a tenant may want
    /// each token to count once.
    async fn count_use(
        &self,
        tenant: &Tenant,
        claims: &VerifiedClaims,
    ) -> Result<(), ServiceError> {
        let allowed = if tenant.settings.single_use_tokens {
            1
        } else {
            self.settings.token_uses
        };
        let now = self.clock.now();
        let uses = self
            .store
            .count_use(&claims.use_key, claims.accepted_until, now)
            .await?;
        if uses > allowed {
            return Err(refused(Refusal::Replayed));
        }
        Ok(())
    }

    /// Links a signed contact by its signed facts. A failure keeps nobody out: the contact then
    /// stands as not linked.
    async fn link(&self, identity: &Identity, claims: VerifiedClaims) {
        let Some((contact, Trust::Signed)) = &identity.contact else {
            return;
        };
        let facts = SignedFacts {
            email: claims.email,
            tax_number: claims.tax_number,
        };
        if facts == SignedFacts::default() {
            return;
        }
        let linking = &self.services.linking;
        match linking
            .link_by_signed_facts(&identity.tenant, contact, &facts)
            .await
        {
            Ok(None) => {}
            Ok(Some(_)) => self
                .services
                .reader
                .snapshots()
                .tenant_changed(&identity.tenant),
            Err(error) => warn!(error = %error, "a signed contact could not be linked"),
        }
    }

    /// The tenant's own origins; for Pipedrive's accounts that name none, the configured ones.
    fn frame_ancestors(&self, door: &Door, tenant: &Tenant) -> Vec<String> {
        if tenant.frame_ancestors.is_empty() && door.preset.name == PIPEDRIVE.name {
            return self.settings.pipedrive_ancestors.clone();
        }
        tenant.frame_ancestors.clone()
    }
}

/// The answer to a token that does not hold; its cause goes to the log.
pub fn refused(refusal: Refusal) -> ServiceError {
    info!(reason = refusal.as_str(), "token refused");
    ServiceError::Unauthenticated {
        reason: Refusal::OUTWARD,
    }
}

fn unsigned(error: SessionError) -> ServiceError {
    match error {
        SessionError::Refused(refusal) => refused(refusal),
        SessionError::Unsigned(error) => ServiceError::internal(error),
    }
}
