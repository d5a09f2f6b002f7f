//! The parts that commands and the service share.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::auth::{self, Role};
use crate::clock::Clock;
use crate::config::{Config, EncryptionKey, ServiceUrl};
use crate::crypto::{Key, KeyRing};
use crate::domain::connection::ProviderKind;
use crate::domain::ids::{TenantId, UserId};
use crate::provider::CallMeter;
use crate::provider::http::{HttpSettings, Limits};
use crate::provider::quickbooks::{QuickBooks, QuickBooksSettings};
use crate::provider::sage::{Sage, SageSettings};
use crate::provider::tryton::{Tryton, TrytonSettings};
use crate::provider::xero::{Xero, XeroSettings};
use crate::service::connections::Connections;
use crate::service::ledger::Providers;
use crate::service::meter::{Budget, BudgetMeter, Period, Unmetered};
use crate::service::refresh_queue::RefreshQueue;
use crate::service::sync::{Sync, SyncSettings};
use crate::store::Store;

/// Opens the database named by the settings, under their keys. Runs no migration.
///
/// # Errors
/// When the database cannot be reached.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let key = |key: &EncryptionKey| Key::from_bytes(*key.expose());
    let older = config.encryption.older_keys.iter().flatten().map(key);
    let keys = KeyRing::new(key(&config.encryption.key), older.collect());
    Store::open(config.database.url.expose(), Arc::new(keys))
        .await
        .context("the database cannot be opened (database.url)")
}

/// The accounting systems of the installation. Made once in a process: their rates and breakers hold
/// for what goes through the same one.
///
/// # Errors
/// When a provider's settings make no client.
pub fn providers(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Providers> {
    let meter = |kind| -> Arc<dyn CallMeter> {
        match budget(config, kind) {
            Some(budget) => Arc::new(BudgetMeter::new(store.clone(), Arc::clone(clock), budget)),
            None => Arc::new(Unmetered),
        }
    };
    let clock = || Arc::clone(clock);
    let quickbooks = QuickBooks::new(quickbooks(config), clock(), meter(ProviderKind::QuickBooks))?;
    let xero = Xero::new(xero(config), clock(), meter(ProviderKind::Xero))?;
    let sage = Sage::new(sage(config), clock(), meter(ProviderKind::Sage))?;
    let tryton = Tryton::new(tryton(config), clock(), meter(ProviderKind::Tryton))?;
    Ok(Providers::new(vec![
        Arc::new(quickbooks),
        Arc::new(xero),
        Arc::new(sage),
        Arc::new(tryton),
    ]))
}

/// How a ledger is called by its section of the settings, which all have these in common.
macro_rules! http {
    ($settings:expr, $defaults:expr) => {
        HttpSettings {
            connect_timeout: $settings.connect_timeout,
            request_timeout: $settings.request_timeout,
            limits: Limits {
                per_minute: $settings.requests_per_minute,
                concurrent: $settings.concurrent_requests,
                ..$defaults.limits
            },
            ..$defaults
        }
    };
}

fn quickbooks(config: &Config) -> QuickBooksSettings {
    let settings = &config.quickbooks;
    let defaults = QuickBooksSettings::default();
    QuickBooksSettings {
        client_id: settings.client_id.clone().unwrap_or_default(),
        client_secret: settings.client_secret.clone().unwrap_or_default(),
        webhook_keys: webhook_keys([&settings.webhook_key, &settings.previous_webhook_key]),
        api_url: settings.api_url.as_str().to_owned(),
        authorize_url: settings.authorize_url.as_str().to_owned(),
        token_url: settings.token_url.as_str().to_owned(),
        revoke_url: settings.revoke_url.as_str().to_owned(),
        redirect_url: redirect_url(
            config,
            ProviderKind::QuickBooks,
            settings.redirect_url.as_ref(),
        ),
        http: http!(settings, defaults.http),
        ..defaults
    }
}

fn xero(config: &Config) -> XeroSettings {
    let settings = &config.xero;
    let defaults = XeroSettings::default();
    XeroSettings {
        client_id: settings.client_id.clone().unwrap_or_default(),
        client_secret: settings.client_secret.clone().unwrap_or_default(),
        webhook_keys: webhook_keys([&settings.webhook_key, &settings.previous_webhook_key]),
        api_url: settings.api_url.as_str().to_owned(),
        connections_url: settings.connections_url.as_str().to_owned(),
        authorize_url: settings.authorize_url.as_str().to_owned(),
        token_url: settings.token_url.as_str().to_owned(),
        revoke_url: settings.revoke_url.as_str().to_owned(),
        redirect_url: redirect_url(config, ProviderKind::Xero, settings.redirect_url.as_ref()),
        http: http!(settings, defaults.http),
        ..defaults
    }
}

fn sage(config: &Config) -> SageSettings {
    let settings = &config.sage;
    let defaults = SageSettings::default();
    SageSettings {
        client_id: settings.client_id.clone().unwrap_or_default(),
        client_secret: settings.client_secret.clone().unwrap_or_default(),
        api_url: settings.api_url.as_str().to_owned(),
        authorize_url: settings.authorize_url.as_str().to_owned(),
        token_url: settings.token_url.as_str().to_owned(),
        revoke_url: settings.revoke_url.as_str().to_owned(),
        redirect_url: redirect_url(config, ProviderKind::Sage, settings.redirect_url.as_ref()),
        http: http!(settings, defaults.http),
        ..defaults
    }
}

/// How Tryton is reached by the settings. It meters nothing: the server is the customer's own.
fn tryton(config: &Config) -> TrytonSettings {
    let settings = &config.tryton;
    let defaults = TrytonSettings::default();
    TrytonSettings {
        url: settings.url.as_str().to_owned(),
        database: settings.database.clone().unwrap_or_default(),
        http: http!(settings, defaults.http),
        page_size: settings.page_size.get(),
    }
}

/// The keys that a ledger's webhooks are signed with, the one in use first.
fn webhook_keys(keys: [&Option<SecretString>; 2]) -> Vec<SecretString> {
    keys.into_iter().flatten().cloned().collect()
}

/// Where a person comes back to after consenting: the address given, else ours.
fn redirect_url(config: &Config, kind: ProviderKind, given: Option<&ServiceUrl>) -> String {
    given.map_or_else(
        || {
            let origin = config.server.public_url.origin();
            format!("{origin}/oauth/{kind}/callback")
        },
        |url| url.as_str().to_owned(),
    )
}

/// The calls that a ledger meters, where it does: QuickBooks and Sage the whole app's, Xero each
/// organization's.
fn budget(config: &Config, kind: ProviderKind) -> Option<Budget> {
    let (calls, period, shared) = match kind {
        ProviderKind::QuickBooks => (config.quickbooks.monthly_reads, Period::Month, true),
        ProviderKind::Xero => (config.xero.daily_calls, Period::Day, false),
        ProviderKind::Sage => (config.sage.daily_calls, Period::Day, true),
        ProviderKind::Tryton => return None,
    };
    Some(Budget {
        calls,
        period,
        shared,
    })
}

/// How often a ledger is asked for changes, unless its connection says otherwise.
pub fn poll_interval(config: &Config, kind: ProviderKind) -> Duration {
    match kind {
        ProviderKind::QuickBooks => config.quickbooks.poll_interval,
        ProviderKind::Xero => config.xero.poll_interval,
        ProviderKind::Sage => config.sage.poll_interval,
        ProviderKind::Tryton => config.tryton.poll_interval,
    }
}

/// Adding, authorizing and listing connections.
pub fn connections(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
    providers: Providers,
) -> Connections {
    let budgets = ProviderKind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, budget(config, kind)?)))
        .collect();
    Connections::new(store.clone(), providers, Arc::clone(clock)).with_budgets(budgets)
}

/// The pages of a long read between which other connections have their turn: at a second each, a
/// minute.
const SLICE_PAGES: u32 = 60;

/// The sync, which ends after the step in hand once `stop` is cancelled.
pub fn sync(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
    providers: Providers,
    refreshes: RefreshQueue,
    stop: CancellationToken,
) -> Sync {
    let signed = |time: Duration| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    let settings = SyncSettings {
        comparison_interval: signed(config.sync.comparison_interval),
        overlap: signed(config.sync.overlap),
        lease: signed(config.sync.lease),
        slice_pages: SLICE_PAGES,
    };
    let clock = Arc::clone(clock);
    Sync::new(store.clone(), providers, clock, settings, refreshes, stop)
}

/// A client for requests to this machine, without proxies.
///
/// # Errors
/// When the TLS library cannot start.
pub fn plain_client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()?)
}

/// What a native test token is to say.
#[derive(Clone, Copy, Debug)]
pub struct TestToken<'a> {
    /// `rep`, `account_manager`, `finance` or `admin`.
    pub role: &'a str,
    /// The contact that it is for.
    pub contact: Option<&'a str>,
    /// The user.
    pub user: &'a str,
}

/// Mints a native test token under a tenant's own HS256 key, as its CRM would.
///
/// # Errors
/// When the role is none, or the tenant has no such key.
pub async fn mint_test_token(
    config: &Config,
    store: &Store,
    tenant: &TenantId,
    wish: TestToken<'_>,
    now: Timestamp,
) -> anyhow::Result<String> {
    use secrecy::ExposeSecret;

    let Some(role) = Role::parse(wish.role) else {
        bail!(
            "`{}` is no role; write rep, account_manager, finance or admin",
            wish.role
        );
    };
    let keys = store.signing_keys(Some(tenant), "native", now).await?;
    let lifetime = SignedDuration::try_from(config.native.max_age)?;
    let token = auth::TestToken {
        user: UserId::from(wish.user),
        name: None,
        role: Some(role),
        contact: wish.contact.map(str::to_owned),
        company: None,
        email: None,
        tax_number: None,
        lifetime,
    }
    .mint(&keys, &config.native.audience, now)?;
    Ok(token.expose_secret().to_owned())
}
