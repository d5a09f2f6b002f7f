//! Signing in: a CRM's token for a session of ours, wherever it is shown.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tracing::warn;

use super::Services;
use super::error::{ServiceError, refused};
use super::keys::Keys;
use super::linking::SignedFacts;
use super::one_time;
use crate::auth::preset::{KeyScope, PIPEDRIVE, Renewal, UrlHash};
use crate::auth::{
    Identity, Owner, Preset, Refusal, Session, SessionError, Sessions, Shown, Trust,
    VerifiedClaims, Verifier,
};
use crate::clock::Clock;
use crate::domain::ids::{ContactId, TenantId};
use crate::store::{Store, Tenant};

/// What a code that opens the page is for.
const PAGE: &str = "page";

/// Turns the tokens of CRMs into sessions.
#[derive(Debug)]
pub struct SignIn {
    store: Store,
    keys: Keys,
    services: Services,
    verifier: Arc<Verifier>,
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    settings: SignInSettings,
}

/// What the installation sets for signing in.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// Who may frame the widget for a Pipedrive account that names none of its own.
    pub pipedrive_ancestors: Vec<String>,
    /// How often one CRM token may be shown.
    pub token_uses: u32,
    /// How long a one-time code may be opened.
    pub code_lifetime: SignedDuration,
    /// The address under which browsers reach us, without a path.
    pub public_url: String,
}

/// The door at which a token is shown: a scheme and, where its keys are the tenants' own, the tenant
/// in whose name the route speaks. The latter is for looking up keys only.
#[derive(Clone, Debug)]
pub struct Door {
    preset: &'static Preset,
    tenant: Option<TenantId>,
}

impl Door {
    /// The door of a scheme: with the tenant in its address where the keys are the tenants' own, and
    /// without where one key signs for all. `None` when there is no such door.
    pub fn of(preset: &str, tenant: Option<TenantId>) -> Option<Self> {
        let preset = Preset::of(preset)?;
        let fits = match preset.key_scope {
            KeyScope::Installation => tenant.is_some(),
            KeyScope::App => tenant.is_none(),
        };
        fits.then_some(Self { preset, tenant })
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
    /// The scheme they came by.
    pub preset: &'static Preset,
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
        keys: Keys,
        services: Services,
        verifier: Arc<Verifier>,
        sessions: Arc<Sessions>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            keys,
            services,
            verifier,
            sessions,
            clock,
            settings,
        }
    }

    /// Lets in who shows what a CRM signed at a door, and counts the showing. What the page asks for
    /// beside it is read after that. A contact whose facts came signed is linked on the way, if the
    /// tenant wants that.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, with the same text for every cause; the cause goes to the log. When the
    /// store fails.
    pub async fn enter(
        &self,
        door: &Door,
        shown: Shown<'_>,
        requested: impl FnOnce() -> Result<Requested, ServiceError>,
    ) -> Result<SignedIn, ServiceError> {
        let claims = self.verify(door, shown).await?;
        let tenant = self.tenant_of(door, &claims).await?;
        self.count_use(&tenant, &claims).await?;
        let Requested { contact, company } = requested()?;
        let identity = claims.identity(tenant.id.clone());
        let identity = match door.preset.url_hash {
            UrlHash::Required => identity.with_signed(contact, company),
            UrlHash::Refused | UrlHash::Ignored => identity.with_requested(contact, company),
        };
        let session = self.sessions.issue(&identity, claims.hard_cap);
        let session = session.map_err(unsigned)?;
        self.link(&identity, claims).await;
        Ok(SignedIn {
            preset: door.preset,
            frame_ancestors: self.frame_ancestors(door.preset, &tenant),
            identity,
            session,
        })
    }

    /// A code under which someone who has signed in is found once more: for pages that are opened by
    /// an address. Only a hash of it is kept, and the session sealed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn code_for(&self, signed_in: &SignedIn) -> Result<OneTimeCode, ServiceError> {
        let code = SecretString::from(one_time::code());
        let expires_at = self
            .clock
            .now()
            .saturating_add(self.settings.code_lifetime)
            .unwrap_or(Timestamp::MAX);
        self.store
            .put_secret_code(
                &one_time::hash(PAGE, code.expose_secret()),
                &signed_in.identity.tenant,
                &signed_in.session.token,
                expires_at,
            )
            .await?;
        Ok(OneTimeCode { code, expires_at })
    }

    /// Lets in who shows a one-time code: the first one who does, and nobody once it has ended.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for every other, and when the key or the account that it rests on is gone.
    pub async fn open(&self, code: &str) -> Result<SignedIn, ServiceError> {
        let now = self.clock.now();
        let session = self
            .store
            .take_secret_code(&one_time::hash(PAGE, code), now)
            .await?;
        let token = session.ok_or_else(|| refused(Refusal::Replayed))?;
        let identity = self
            .sessions
            .verify(token.expose_secret())
            .map_err(refused)?;
        let preset = Preset::of(&identity.preset).ok_or_else(|| refused(Refusal::UnknownKey))?;
        let tenant = self.store.tenant(&identity.tenant).await?;
        let tenant = tenant.ok_or_else(|| refused(Refusal::UnknownTenant))?;
        let ends = self.keys.stands(&identity, now).await?;
        let session = Session {
            token,
            expires_at: identity.expires_at,
            hard_cap: identity.hard_cap,
        };
        Ok(SignedIn {
            preset,
            frame_ancestors: self.frame_ancestors(preset, &tenant),
            session: session.until(ends),
            identity,
        })
    }

    /// A new session for one that still lives, up to its hard cap: for pages whose CRM cannot give
    /// them a fresh token. Others bring one.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the session or the key that it came by has ended, or its account is
    /// another tenant's by now.
    pub async fn renew(&self, session: &str) -> Result<(Identity, Session), ServiceError> {
        let (identity, session) = self.sessions.renew(session).map_err(unsigned)?;
        let renews_itself =
            Preset::of(&identity.preset).is_some_and(|preset| preset.renewal == Renewal::Session);
        if !renews_itself {
            return Err(refused(Refusal::WrongKind));
        }
        let ends = self.keys.stands(&identity, self.clock.now()).await?;
        Ok((identity, session.until(ends)))
    }

    /// The address under which browsers reach us, without a path.
    pub fn public_url(&self) -> &str {
        &self.settings.public_url
    }

    async fn verify(&self, door: &Door, shown: Shown<'_>) -> Result<VerifiedClaims, ServiceError> {
        let keys = self
            .keys
            .of(door.preset, door.tenant.as_ref(), self.clock.now());
        let keys = keys.await?;
        let claims = self.verifier.verify(door.preset, &keys, shown).await;
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
        let Some(use_key) = &claims.use_key else {
            // The same for ever, which a tenant that wants each shown once cannot want.
            return if tenant.settings.single_use_tokens {
                Err(refused(Refusal::Weak))
            } else {
                Ok(())
            };
        };
        let now = self.clock.now();
        let uses = self
            .store
            .count_use(use_key, claims.accepted_until, now)
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

    /// The tenant's own origins; for those that name none, the CRM's.
    fn frame_ancestors(&self, preset: &Preset, tenant: &Tenant) -> Vec<String> {
        if !tenant.frame_ancestors.is_empty() {
            return tenant.frame_ancestors.clone();
        }
        if preset.name == PIPEDRIVE.name {
            return self.settings.pipedrive_ancestors.clone();
        }
        let known = preset.frame_ancestors.iter();
        known.map(|origin| (*origin).to_owned()).collect()
    }
}

/// A code that opens the page once.
#[derive(Debug)]
pub struct OneTimeCode {
    /// The code.
    pub code: SecretString,
    /// Until when.
    pub expires_at: Timestamp,
}

fn unsigned(error: SessionError) -> ServiceError {
    match error {
        SessionError::Refused(refusal) => refused(refusal),
        SessionError::Unsigned(error) => ServiceError::internal(error),
    }
}
