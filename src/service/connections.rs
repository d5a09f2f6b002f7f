//! Connections: added by an operator, authorized by a person, watched by both.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rand::RngCore;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::ledger::{LedgerError, Providers, stored};
use crate::clock::Clock;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::freshness::{ConnectionState, DatasetFreshness};
use crate::domain::ids::{ConnectionId, TenantId};
use crate::provider::ProviderError;
use crate::store::{NewConnection, Store, StoreError, StoredTokens};

/// How long a person has to consent after the address was printed.
const CONSENT_TIME: SignedDuration = SignedDuration::from_mins(30);

/// Adds, authorizes and lists connections.
#[derive(Clone, Debug)]
pub struct Connections {
    store: Store,
    providers: Providers,
    clock: Arc<dyn Clock>,
}

/// A connection as an operator wants it.
#[derive(Clone, Debug)]
pub struct ConnectionRequest {
    /// Whose it is.
    pub tenant: TenantId,
    /// The accounting system.
    pub provider: ProviderKind,
    /// Its id; made from tenant and provider where none is given.
    pub id: Option<ConnectionId>,
    /// The time zone in which the books' dates are meant.
    pub time_zone: TimeZone,
    /// How often it is polled.
    pub poll_interval: Duration,
}

/// Tokens obtained elsewhere, with the organization that they are for.
#[derive(Clone, Debug)]
pub struct ImportedTokens {
    /// The organization's id at the provider.
    pub account: String,
    /// The access token; taken as expired, so that the first call refreshes it, where its end is
    /// unknown.
    pub access: SecretString,
    /// The refresh token.
    pub refresh: SecretString,
}

/// One connection as `connection status` shows it.
#[derive(Clone, Debug)]
pub struct ConnectionStatus {
    /// The connection.
    pub connection: Connection,
    /// Every dataset of it.
    pub datasets: Vec<DatasetFreshness>,
}

/// Why a connection could not be added or authorized.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is no such tenant.
    #[error("there is no tenant `{0}`; add it first: financial-pulse tenant add {0}")]
    NoSuchTenant(TenantId),
    /// The id is taken.
    #[error("there is a connection `{0}` already; choose another with --id")]
    Taken(ConnectionId),
    /// The answer to a consent that nobody asked for, or that came too late or twice.
    #[error("this consent was not asked for here, is too old, or was used already; start again")]
    UnknownState,
    /// The person did not consent.
    #[error("consent was not given ({0})")]
    Declined(String),
    /// The organization is connected already, under another connection.
    #[error("this organization is connected already, as `{0}`")]
    AlreadyConnected(ConnectionId),
    /// The consent is for other books than those that the connection mirrors.
    #[error("`{0}` holds the books of another organization; add a connection for these")]
    OtherBooks(ConnectionId),
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Work on the ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Connections {
    /// Connections over a store.
    pub fn new(store: Store, providers: Providers, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            providers,
            clock,
        }
    }

    /// Adds a connection that nobody has authorized yet.
    ///
    /// # Errors
    /// [`ConnectionError::NoSuchTenant`], [`ConnectionError::Taken`], or when the store fails.
    pub async fn add(
        &self,
        request: ConnectionRequest,
        actor: &str,
    ) -> Result<ConnectionId, ConnectionError> {
        if self.store.tenant(&request.tenant).await?.is_none() {
            return Err(ConnectionError::NoSuchTenant(request.tenant));
        }
        let id = match request.id {
            Some(id) if self.store.connection(&id).await?.is_some() => {
                return Err(ConnectionError::Taken(id));
            }
            Some(id) => id,
            None => self.free_id(&request.tenant, request.provider).await?,
        };
        let new = NewConnection {
            id: id.clone(),
            tenant: request.tenant,
            provider: request.provider,
            time_zone: request.time_zone,
            poll_interval: request.poll_interval,
            account: None,
        };
        self.store
            .add_connection(&new, actor, self.clock.now())
            .await?;
        Ok(id)
    }

    /// `acme-quickbooks`, then `acme-quickbooks-2` and so on.
    async fn free_id(
        &self,
        tenant: &TenantId,
        provider: ProviderKind,
    ) -> Result<ConnectionId, ConnectionError> {
        let taken = self.store.connections().await?;
        let is_free = |id: &ConnectionId| taken.iter().all(|connection| connection.id != *id);
        let plain = ConnectionId::from(format!("{tenant}-{provider}"));
        if is_free(&plain) {
            return Ok(plain);
        }
        let numbered = (2_u32..).map(|n| ConnectionId::from(format!("{tenant}-{provider}-{n}")));
        Ok(numbered.into_iter().find(is_free).unwrap_or(plain))
    }

    /// The address that a person opens to consent. It holds for half an hour and for one consent.
    ///
    /// # Errors
    /// When the provider is not configured or the store fails.
    pub async fn consent_url(&self, id: &ConnectionId) -> Result<String, ConnectionError> {
        let connection = self.require(id).await?;
        let provider = self.providers.get(connection.provider)?;
        let mut secret = [0_u8; 32];
        rand::rng().fill_bytes(&mut secret);
        let state = hex(&secret);
        let until = self.clock.now() + CONSENT_TIME;
        self.store.put_oauth_state(&hash(&state), id, until).await?;
        Ok(provider.authorization().authorize_url(&state, None)?)
    }

    /// Takes the answer to a consent: trades the code for tokens and stores them.
    ///
    /// # Errors
    /// [`ConnectionError::UnknownState`] for an answer to no question of ours,
    /// [`ConnectionError::AlreadyConnected`] when the organization stands under another connection,
    /// [`ConnectionError::OtherBooks`] when this one mirrors another organization, or when the
    /// provider refuses the code.
    pub async fn finish_consent(
        &self,
        state: &str,
        code: &str,
        account: &str,
    ) -> Result<Connection, ConnectionError> {
        let now = self.clock.now();
        let id = self
            .store
            .take_oauth_state(&hash(state), now)
            .await?
            .ok_or(ConnectionError::UnknownState)?;
        let connection = self.require(&id).await?;
        // Before the tokens, which would take the place of those that fit.
        self.refuse_misfit(&connection, account).await?;
        let provider = self.providers.get(connection.provider)?;
        let grant = provider.authorization().exchange(code, None).await?;
        self.store.put_tokens(&id, &stored(grant), now).await?;
        self.activate(&connection, account, "consent").await
    }

    /// Takes tokens obtained elsewhere.
    ///
    /// # Errors
    /// [`ConnectionError::AlreadyConnected`], [`ConnectionError::OtherBooks`], or when the store fails.
    pub async fn import_tokens(
        &self,
        id: &ConnectionId,
        tokens: ImportedTokens,
        actor: &str,
    ) -> Result<Connection, ConnectionError> {
        let connection = self.require(id).await?;
        self.refuse_misfit(&connection, &tokens.account).await?;
        let now = self.clock.now();
        // How long the access token still lives is not known. Its documented life is an hour; the
        // ledger's refusal of it is answered by a refresh all the same.
        let tokens_kept = StoredTokens {
            access: tokens.access,
            access_expires_at: now + SignedDuration::from_hours(1),
            refresh: tokens.refresh,
            refresh_expires_at: None,
        };
        self.store.put_tokens(id, &tokens_kept, now).await?;
        self.activate(&connection, &tokens.account, actor).await
    }

    /// Gives consent up at the provider and forgets the tokens. The mirror stays.
    ///
    /// # Errors
    /// When the provider or the store fails; the tokens are then kept, so that it can be tried again.
    pub async fn revoke(&self, id: &ConnectionId) -> Result<(), ConnectionError> {
        let connection = self.require(id).await?;
        if let Some(tokens) = self.store.tokens(id).await? {
            let provider = self.providers.get(connection.provider)?;
            match provider.authorization().revoke(&tokens.refresh).await {
                // Gone at the provider already: nothing is left to give up.
                Ok(()) | Err(ProviderError::ConsentLost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            self.store.delete_tokens(id).await?;
        }
        let (state, now) = (ConnectionState::Revoked, self.clock.now());
        self.store
            .set_connection_state(id, state, Some("revoked"), now)
            .await?;
        Ok(())
    }

    /// Every connection, or those of one tenant, with its datasets.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(
        &self,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<ConnectionStatus>, ConnectionError> {
        let connections = match tenant {
            Some(tenant) => self.store.connections_of(tenant).await?,
            None => self.store.connections().await?,
        };
        let mut all = Vec::with_capacity(connections.len());
        for connection in connections {
            let datasets = self.store.sync_state(&connection.id).await?.datasets;
            all.push(ConnectionStatus {
                connection,
                datasets,
            });
        }
        Ok(all)
    }

    async fn require(&self, id: &ConnectionId) -> Result<Connection, ConnectionError> {
        let found = self.store.connection(id).await?;
        Ok(found.ok_or_else(|| LedgerError::NoSuchConnection(id.to_string()))?)
    }

    /// One organization read twice would double every figure of a contact linked into both; two
    /// organizations in one mirror would mix theirs.
    async fn refuse_misfit(
        &self,
        connection: &Connection,
        account: &str,
    ) -> Result<(), ConnectionError> {
        if connection
            .account
            .as_deref()
            .is_some_and(|known| known != account)
        {
            return Err(ConnectionError::OtherBooks(connection.id.clone()));
        }
        let others = self.store.connections_of(&connection.tenant).await?;
        let same = others.into_iter().find(|other| {
            other.id != connection.id
                && other.provider == connection.provider
                && other.account.as_deref() == Some(account)
        });
        same.map_or(Ok(()), |other| {
            Err(ConnectionError::AlreadyConnected(other.id))
        })
    }

    async fn activate(
        &self,
        connection: &Connection,
        account: &str,
        actor: &str,
    ) -> Result<Connection, ConnectionError> {
        let now = self.clock.now();
        self.store
            .set_connection_account(&connection.id, account, actor, now)
            .await?;
        self.require(&connection.id).await
    }
}

fn hash(state: &str) -> [u8; 32] {
    Sha256::digest(state.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
