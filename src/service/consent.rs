//! Consent: asked for, answered, and placed on the connections that it reaches.
//!
//! A grant may reach several organizations. A connection takes the one that it mirrors; a new one the
//! only one that is not connected yet, or the one that a person chooses.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::connections::{ConnectionError, ConnectionRequest, Connections};
use super::ledger::LedgerError;
use super::one_time;
use super::tokens::stored;
use crate::domain::connection::{Connection, ProviderKind};
use crate::domain::freshness::ConnectionState;
use crate::domain::ids::{ConnectionId, GrantId};
use crate::provider::OrganizationChoice;
use crate::store::{Grant, StoredTokens};

/// What one-time codes are for: the state of an authorization, and the choice of an organization.
const STATE: &str = "authorization";
const CHOICE: &str = "organization choice";

/// When a key ends that does not end by itself: the year 9999. The last instant that there is cannot be
/// stored, which keeps milliseconds.
const NEVER: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// How long a person has to consent after the address was printed.
const CONSENT_TIME: SignedDuration = SignedDuration::from_mins(30);

/// How long a person has to choose an organization.
const CHOICE_TIME: SignedDuration = SignedDuration::from_mins(15);

/// How long a grant is kept that ended up at no connection.
const STRAY_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Tokens obtained elsewhere, with the organization that they are for.
#[derive(Clone, Debug)]
pub struct ImportedTokens {
    /// The organization's id at the provider.
    pub account: String,
    /// The access token; taken as good for an hour, since its end is unknown.
    pub access: SecretString,
    /// The refresh token.
    pub refresh: SecretString,
}

/// What a person's browser brings back from the provider.
#[derive(Clone, Copy, Debug)]
pub struct ConsentAnswer<'a> {
    /// At whose address it came back.
    pub provider: ProviderKind,
    /// The state that was sent along.
    pub state: &'a str,
    /// What is traded for tokens.
    pub code: &'a str,
    /// The organization, where the provider names it (QuickBooks: the realm id).
    pub organization: Option<&'a str>,
}

/// What came of a consent.
#[derive(Clone, Debug)]
pub enum Consented {
    /// The connection has its organization.
    Connected(Connected),
    /// A person has to choose one.
    Undecided(Choice),
}

/// A connection that can be read from here on.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The connection.
    pub connection: Connection,
    /// The organization that it took.
    pub organization: OrganizationChoice,
    /// Other connections that are read under this consent from here on.
    pub others: Vec<ConnectionId>,
    /// What the consent reaches besides, connected nowhere yet.
    pub further: Vec<OrganizationChoice>,
}

/// A question for the person who consented.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Which connection it is for.
    pub connection: ConnectionId,
    /// The ledger.
    pub provider: ProviderKind,
    /// Comes back with the answer; good once, for a quarter of an hour.
    pub code: String,
    /// What can be chosen.
    pub organizations: Vec<OrganizationChoice>,
}

/// An organization that a connection's grant reaches.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The organization.
    pub organization: OrganizationChoice,
    /// The connection that reads it, where one does.
    pub connected_as: Option<ConnectionId>,
}

/// A question that waits for its answer.
#[derive(Serialize, Deserialize)]
struct Waiting {
    connection: String,
    grant: String,
    organizations: Vec<Offered>,
}

#[derive(Serialize, Deserialize)]
struct Offered {
    account: String,
    name: Option<String>,
}

/// A connection with a grant that reaches organizations, one of which it may take.
struct Placing<'a> {
    connection: &'a Connection,
    grant: &'a GrantId,
    reached: &'a [OrganizationChoice],
    actor: &'a str,
}

impl Connections {
    /// The address that a person opens to consent. It holds for half an hour and for one consent.
    ///
    /// # Errors
    /// When the provider is not configured or the store fails.
    pub async fn consent_url(&self, id: &ConnectionId) -> Result<String, ConnectionError> {
        let connection = self.one(id).await?;
        let provider = self.providers.get(connection.provider)?;
        let authorization = provider.authorization();
        let state = self.state();
        let challenge = authorization.rules().proof_key.then(|| {
            let verifier = self.verifier(&state);
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()))
        });
        let url = authorization.authorize_url(&state, challenge.as_deref())?;
        let until = self.clock.now() + CONSENT_TIME;
        self.store
            .put_oauth_state(&one_time::hash(STATE, &state), id, until)
            .await?;
        Ok(url)
    }

    /// Takes the answer to a consent: trades the code for tokens, stores them, and gives the connection
    /// its organization, as far as that is clear.
    ///
    /// # Errors
    /// [`ConnectionError::UnknownState`] for an answer to no question of ours,
    /// [`ConnectionError::AlreadyConnected`] when every organization stands under another connection,
    /// [`ConnectionError::OtherBooks`] when the consent does not reach the one that this connection
    /// mirrors, [`ConnectionError::NoOrganization`] when it reaches none, or when the provider refuses
    /// the code.
    pub async fn finish_consent(
        &self,
        answer: ConsentAnswer<'_>,
    ) -> Result<Consented, ConnectionError> {
        let id = self
            .store
            .take_oauth_state(&one_time::hash(STATE, answer.state), self.clock.now())
            .await?
            .ok_or(ConnectionError::UnknownState)?;
        let connection = self.one(&id).await?;
        // An answer that came in by another provider's door is none to this question.
        if connection.provider != answer.provider {
            return Err(ConnectionError::UnknownState);
        }
        // Before the exchange, where it is known: a new consent may end the one that fits.
        if let Some(named) = answer.organization {
            self.refuse_misfit(&connection, named).await?;
        }
        let provider = self.providers.get(connection.provider)?;
        let authorization = provider.authorization();
        let bound = authorization.rules().proof_key;
        let verifier = bound.then(|| self.verifier(answer.state));
        let issued = authorization
            .exchange(answer.code, verifier.as_ref())
            .await?;
        let grant = self.keep(&connection, stored(issued)).await?;
        let placed = async {
            let reached = provider
                .organizations(&grant.tokens.access, answer.organization)
                .await?;
            let placing = Placing {
                connection: &connection,
                grant: &grant.id,
                reached: &reached,
                actor: "consent",
            };
            let mut fit = self.candidates(&placing, None).await?;
            match fit.pop() {
                Some(only) if fit.is_empty() => self.connect(placing, only).await.map(done),
                last => {
                    fit.extend(last);
                    self.ask(placing, fit).await
                }
            }
        };
        self.or_forget(&grant.id, placed.await).await
    }

    /// Takes the choice of an organization.
    ///
    /// # Errors
    /// [`ConnectionError::UnknownState`] for an answer to no question of ours, or one that was not to
    /// be chosen; [`ConnectionError::AlreadyConnected`] when it was connected meanwhile.
    pub async fn choose(
        &self,
        provider: ProviderKind,
        code: &str,
        account: &str,
    ) -> Result<Connected, ConnectionError> {
        let waiting = self
            .store
            .take_code(&one_time::hash(CHOICE, code), self.clock.now())
            .await?
            .and_then(|text| serde_json::from_str::<Waiting>(&text).ok())
            .ok_or(ConnectionError::UnknownState)?;
        let grant = GrantId::from(waiting.grant);
        let placed = async {
            let connection = self.one(&waiting.connection.as_str().into()).await?;
            let reached: Vec<_> = waiting.organizations.into_iter().map(choice).collect();
            let chosen = reached
                .iter()
                .find(|organization| *organization.account == *account)
                .filter(|_| connection.provider == provider)
                .cloned()
                .ok_or(ConnectionError::UnknownState)?;
            self.refuse_misfit(&connection, account).await?;
            let placing = Placing {
                connection: &connection,
                grant: &grant,
                reached: &reached,
                actor: "consent",
            };
            self.connect(placing, chosen).await
        };
        self.or_forget(&grant, placed.await).await
    }

    /// Takes a key that an operator hands over. The ledger is asked what it reaches.
    ///
    /// # Errors
    /// [`ConnectionError::Undecided`] when it reaches several organizations and none is named,
    /// [`ConnectionError::NotReached`], [`ConnectionError::AlreadyConnected`],
    /// [`ConnectionError::OtherBooks`], or when the ledger refuses the key.
    pub async fn use_key(
        &self,
        id: &ConnectionId,
        key: SecretString,
        organization: Option<&str>,
        actor: &str,
    ) -> Result<Connected, ConnectionError> {
        let connection = self.one(id).await?;
        let provider = self.providers.get(connection.provider)?;
        let reached = provider.organizations(&key, None).await?;
        let tokens = StoredTokens {
            access: key.clone(),
            access_expires_at: NEVER,
            // The key is what tells this grant's tokens from others.
            refresh: key,
            refresh_expires_at: None,
        };
        let grant = self.keep(&connection, tokens).await?;
        let placed = async {
            let placing = Placing {
                connection: &connection,
                grant: &grant.id,
                reached: &reached,
                actor,
            };
            match <[_; 1]>::try_from(self.candidates(&placing, organization).await?) {
                Ok([only]) => self.connect(placing, only).await,
                Err(several) => {
                    let accounts = several.iter().map(|one| one.account.to_string());
                    Err(ConnectionError::Undecided(accounts.collect()))
                }
            }
        };
        self.or_forget(&grant.id, placed.await).await
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
        let connection = self.one(id).await?;
        self.refuse_misfit(&connection, &tokens.account).await?;
        let kept = StoredTokens {
            access: tokens.access,
            // How long it still lives is not known; the ledger's refusal is answered by a refresh.
            access_expires_at: self.clock.now() + SignedDuration::from_hours(1),
            refresh: tokens.refresh,
            refresh_expires_at: None,
        };
        let grant = self.keep(&connection, kept).await?;
        let now = self.clock.now();
        self.store
            .set_connection_account(id, &tokens.account, Some(&grant.id), actor, now)
            .await?;
        self.one(id).await
    }

    /// The organizations that a connection's grant reaches.
    ///
    /// # Errors
    /// When the connection is not authorized, or the provider or the store fails.
    pub async fn reached(&self, from: &ConnectionId) -> Result<Vec<Reached>, ConnectionError> {
        let connection = self.one(from).await?;
        let provider = self.providers.get(connection.provider)?;
        let organizations = self
            .tokens(from)
            .call(provider.authorization(), |token| {
                let provider = Arc::clone(&provider);
                let named = connection.account.clone();
                async move { provider.organizations(&token, named.as_deref()).await }.boxed()
            })
            .await??;
        let readers = self.store.connections_of(&connection.tenant).await?;
        let reader = |organization: &OrganizationChoice| {
            readers
                .iter()
                .find(|other| reads(other, connection.provider, &organization.account))
                .map(|other| other.id.clone())
        };
        Ok(organizations
            .into_iter()
            .map(|organization| Reached {
                connected_as: reader(&organization),
                organization,
            })
            .collect())
    }

    /// Adds a connection under the grant of another one, without a new consent.
    ///
    /// # Errors
    /// [`ConnectionError::NotReached`], [`ConnectionError::AlreadyConnected`], or as
    /// [`Connections::add`] and [`Connections::reached`].
    pub async fn add_from(
        &self,
        from: &ConnectionId,
        account: &str,
        request: ConnectionRequest,
        actor: &str,
    ) -> Result<Connection, ConnectionError> {
        let reached = self.reached(from).await?;
        let found = reached
            .into_iter()
            .find(|reached| *reached.organization.account == *account)
            .ok_or_else(|| ConnectionError::NotReached(account.to_owned()))?;
        if let Some(other) = found.connected_as {
            return Err(ConnectionError::AlreadyConnected(other));
        }
        let grant = self.one(from).await?.grant;
        let grant = grant.ok_or(LedgerError::NotAuthorized(ConnectionState::Pending))?;
        let id = self.add(request, actor).await?;
        let now = self.clock.now();
        self.store
            .set_connection_account(&id, account, Some(&grant), actor, now)
            .await?;
        self.one(&id).await
    }

    /// Stores tokens as a grant of their own, before anyone uses them.
    async fn keep(
        &self,
        connection: &Connection,
        tokens: StoredTokens,
    ) -> Result<Grant, ConnectionError> {
        let now = self.clock.now();
        self.store.forget_stray_grants(now - STRAY_LIFE).await?;
        let id = GrantId::from(uuid::Uuid::new_v4().to_string());
        let grant = Grant { id, tokens };
        self.store
            .add_grant(&connection.tenant, &grant, now)
            .await?;
        Ok(grant)
    }

    /// A grant that could not be placed is not kept.
    async fn or_forget<T>(
        &self,
        grant: &GrantId,
        placed: Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        if placed.is_err() {
            self.store.forget_unused_grant(grant).await?;
        }
        placed
    }

    /// The organizations that a connection may take, at least one: the one that it mirrors, the one
    /// that is wanted, or all that are connected nowhere else.
    async fn candidates(
        &self,
        placing: &Placing<'_>,
        wanted: Option<&str>,
    ) -> Result<Vec<OrganizationChoice>, ConnectionError> {
        let connection = placing.connection;
        if let Some(account) = wanted.or(connection.account.as_deref()) {
            self.refuse_misfit(connection, account).await?;
            let mut reached = placing.reached.iter();
            return match reached.find(|one| *one.account == *account) {
                Some(found) => Ok(vec![found.clone()]),
                None if connection.account.is_some() => {
                    Err(ConnectionError::OtherBooks(connection.id.clone()))
                }
                None => Err(ConnectionError::NotReached(account.to_owned())),
            };
        }
        let mut refused = ConnectionError::NoOrganization;
        let mut free = Vec::new();
        for organization in placing.reached {
            match self.refuse_misfit(connection, &organization.account).await {
                Ok(()) => free.push(organization.clone()),
                Err(taken @ ConnectionError::AlreadyConnected(_)) => refused = taken,
                Err(error) => return Err(error),
            }
        }
        if free.is_empty() {
            return Err(refused);
        }
        Ok(free)
    }

    /// Asks the person which organization it is to be.
    async fn ask(
        &self,
        placing: Placing<'_>,
        organizations: Vec<OrganizationChoice>,
    ) -> Result<Consented, ConnectionError> {
        let waiting = Waiting {
            connection: placing.connection.id.to_string(),
            grant: placing.grant.to_string(),
            organizations: placing.reached.iter().map(offered).collect(),
        };
        let text = serde_json::to_string(&waiting).map_err(|_| ConnectionError::NoOrganization)?;
        let code = one_time::code();
        let until = self.clock.now() + CHOICE_TIME;
        self.store
            .put_code(
                &one_time::hash(CHOICE, &code),
                &placing.connection.tenant,
                &text,
                until,
            )
            .await?;
        Ok(Consented::Undecided(Choice {
            connection: placing.connection.id.clone(),
            provider: placing.connection.provider,
            code,
            organizations,
        }))
    }

    /// Gives a connection its organization under a grant, and the grant to those other connections
    /// that had lost theirs or shared the one before.
    async fn connect(
        &self,
        placing: Placing<'_>,
        organization: OrganizationChoice,
    ) -> Result<Connected, ConnectionError> {
        let Placing {
            connection,
            grant,
            reached,
            actor,
        } = placing;
        let now = self.clock.now();
        let account = &organization.account;
        self.store
            .set_connection_account(&connection.id, account, Some(grant), actor, now)
            .await?;
        let mut others = Vec::new();
        let mut further = Vec::new();
        let known = self.store.connections_of(&connection.tenant).await?;
        for choice in reached.iter().filter(|choice| choice.account != *account) {
            let reader = known
                .iter()
                .find(|other| reads(other, connection.provider, &choice.account));
            let Some(reader) = reader else {
                further.push(choice.clone());
                continue;
            };
            let shared = reader.grant.is_some() && reader.grant == connection.grant;
            if shared || reader.state == ConnectionState::Disconnected {
                self.store
                    .set_connection_account(&reader.id, &choice.account, Some(grant), actor, now)
                    .await?;
                others.push(reader.id.clone());
            }
        }
        Ok(Connected {
            connection: self.one(&connection.id).await?,
            organization,
            others,
            further,
        })
    }

    /// A new state. It names the key that its proof key is derived from, which may be an older one of
    /// ours when the answer comes.
    fn state(&self) -> String {
        format!("{}.{}", one_time::code(), self.store.keys().active())
    }

    /// The secret that binds a code (RFC 7636): derived from a key of ours and the state, so that it
    /// need not be kept, and whoever sees the state cannot make it.
    fn verifier(&self, state: &str) -> SecretString {
        let keys = self.store.keys();
        let label = format!("oauth proof key {state}");
        let bytes = state
            .rsplit_once('.')
            .and_then(|(_, id)| keys.derive_under(id, &label))
            .unwrap_or_else(|| keys.derive(&label));
        SecretString::from(URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn done(connected: Connected) -> Consented {
    Consented::Connected(connected)
}

/// Which connection reads which organization.
fn reads(connection: &Connection, provider: ProviderKind, account: &str) -> bool {
    connection.provider == provider && connection.account.as_deref() == Some(account)
}

fn offered(choice: &OrganizationChoice) -> Offered {
    Offered {
        account: choice.account.to_string(),
        name: choice.name.as_deref().map(str::to_owned),
    }
}

fn choice(offered: Offered) -> OrganizationChoice {
    OrganizationChoice {
        account: offered.account.into(),
        name: offered.name.map(Into::into),
    }
}
