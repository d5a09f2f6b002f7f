//! The keys that CRMs sign with, and what was proved under them: both may end while a session lives.

use jiff::Timestamp;

use super::error::{ServiceError, refused};
use crate::auth::preset::KeyScope;
use crate::auth::{Identity, Preset, Refusal};
use crate::domain::ids::TenantId;
use crate::domain::signing_key::SigningKey;
use crate::store::Store;

/// The keys of the store, and those of the settings.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    in_settings: Vec<SigningKey>,
}

impl Keys {
    /// The store's, and those of apps that stand in the settings.
    pub fn new(store: Store, in_settings: Vec<SigningKey>) -> Self {
        Self { store, in_settings }
    }

    /// The keys of a scheme that stand at a time: the tenant's, or where one signs for all, the app's.
    ///
    /// # Errors
    /// When the store fails, or a secret in it does not open.
    pub async fn of(
        &self,
        preset: &Preset,
        tenant: Option<&TenantId>,
        now: Timestamp,
    ) -> Result<Vec<SigningKey>, ServiceError> {
        Ok(match (preset.key_scope, tenant) {
            (KeyScope::Installation, None) => Vec::new(),
            (KeyScope::Installation, tenant) => {
                self.store.signing_keys(tenant, preset.name, now).await?
            }
            (KeyScope::App, _) => {
                let mut keys = self.store.signing_keys(None, preset.name, now).await?;
                let ours = self.in_settings(preset).filter(|key| key.stands(now));
                keys.extend(ours.cloned());
                keys
            }
        })
    }

    /// Until when someone counts as who they proved to be, by what is known now: while the key that
    /// verified them stands and, where one signs for all, their account is still their tenant's.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the key has ended, or the account is another tenant's, or the session
    /// names none. When the store fails.
    pub async fn stands(
        &self,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Timestamp, ServiceError> {
        let preset = Preset::of(&identity.preset).ok_or_else(|| refused(Refusal::UnknownKey))?;
        let app = preset.key_scope == KeyScope::App;
        let mut in_settings = self.in_settings(preset);
        let ends = if let Some(key) = in_settings.find(|key| key.id == identity.key) {
            Some(key.ends())
        } else {
            let owner = (!app).then_some(&identity.tenant);
            let ends = self
                .store
                .signing_key_ends(&identity.key, preset.name, owner);
            ends.await?
        };
        let ends = ends
            .filter(|ends| now < *ends)
            .ok_or_else(|| refused(Refusal::UnknownKey))?;
        if app {
            let account = identity.account.as_deref();
            let account = account.ok_or_else(|| refused(Refusal::MissingClaim("account")))?;
            let tenant = self.store.tenant_of_account(preset.name, account).await?;
            if tenant.as_ref() != Some(&identity.tenant) {
                return Err(refused(Refusal::UnknownTenant));
            }
        }
        Ok(ends)
    }

    fn in_settings(&self, preset: &Preset) -> impl Iterator<Item = &SigningKey> {
        let keys = self.in_settings.iter();
        keys.filter(|key| key.preset == preset.name)
    }
}
