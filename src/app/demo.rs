//! `demo`: sandbox books, the service and a CRM page, all in this process and on this machine.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use super::serve::{RunningService, ServeArgs, start, stop_signal};
use super::terminal::{SyncBar, print};
use super::{DEMO_FILE, parts};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::demo::{Account, DemoCrm, DemoCrmOptions, situations};
use crate::domain::connection::ProviderKind;
use crate::domain::contact::{Link, LinkOrigin};
use crate::domain::credit::{CreditLimit, LimitOrigin};
use crate::domain::freshness::Progress;
use crate::domain::ids::{ConnectionId, ContactId, CustomerKey, TenantId};
use crate::domain::money::Money;
use crate::sandbox::dataset::{self, demo as books};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::service::connections::ConnectionRequest;
use crate::service::consent::ImportedTokens;
use crate::store::{KeySource, SigningKey, Store, Tenant, TenantSettings};
use crate::telemetry::logging;

/// The demo's tenant.
const TENANT: &str = "demo";

/// The time zone of the sandbox's books.
const ZONE: &str = "America/Los_Angeles";

/// The connection whose load the demo waits for, and the one whose load is slow on purpose.
const CONNECTIONS: [(&str, &str); 2] = [
    ("demo-quickbooks", books::REALM),
    ("demo-slow", books::SLOW_REALM),
];

/// How long each answer of the slow books takes, so that their first load outlasts a visit.
const SLOW_ANSWER: Duration = Duration::from_secs(20);

/// Start sandbox books, the service and a demo CRM page.
///
/// Everything is made anew at each start; nothing leaves this machine.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// The port of the service
    #[arg(long, env = "PULSE_DEMO_API_PORT", default_value_t = 8080)]
    api_port: u16,
    /// The port of the demo CRM
    #[arg(long, env = "PULSE_DEMO_CRM_PORT", default_value_t = 8090)]
    crm_port: u16,
    /// The port of the sandbox books
    #[arg(long, env = "PULSE_DEMO_SANDBOX_PORT", default_value_t = 8070)]
    sandbox_port: u16,
    /// How often the books are asked for changes, in seconds
    #[arg(long, env = "PULSE_DEMO_POLL_SECONDS", default_value_t = 1)]
    poll_seconds: u64,
}

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// When a port is taken or a part does not start.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    logging::start(EnvFilter::new("error"), logging::Format::Pretty);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder = Path::new(DEMO_FILE)
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf);
    let secrets = fresh_folder(&folder, &args)?;

    let today = dataset::today(clock.now());
    let mut companies = books::companies(today);
    for company in &mut companies {
        if company.realm == books::SLOW_REALM {
            company.page_delay = SLOW_ANSWER;
        }
    }
    let sandbox = Sandbox::start(SandboxOptions {
        listen: loopback(args.sandbox_port),
        companies,
        client_id: secrets.client_id.clone(),
        client_secret: secrets.client_secret.clone(),
        clock: Arc::clone(&clock),
        ..SandboxOptions::default()
    })
    .await
    .with_context(|| taken("sandbox", args.sandbox_port, "PULSE_DEMO_SANDBOX_PORT"))?;

    let config = Config::load(Some(Path::new(DEMO_FILE)), config::environment())
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let store = parts::open_store(&config).await?;
    store.migrate().await?;
    set_up(&config, &store, &clock, &secrets, &args).await?;
    store.close().await;

    let service = start(&config, ServeArgs::default(), Arc::clone(&clock))
        .await
        .with_context(|| taken("service", args.api_port, "PULSE_DEMO_API_PORT"))?;
    let crm = DemoCrm::start(DemoCrmOptions {
        listen: loopback(args.crm_port),
        api_url: config.server.public_url.origin(),
        secret: SecretString::from(secrets.crm_secret.clone()),
        issuer: TENANT.to_owned(),
        audience: config.native.audience.clone(),
        sandbox_url: sandbox.url(),
        clock,
        ..DemoCrmOptions::default()
    })
    .await
    .with_context(|| taken("demo CRM", args.crm_port, "PULSE_DEMO_CRM_PORT"))?;

    print(&format!(
        "\n  Demo CRM      {}\n  Service       {}\n  GraphQL       {}/graphql\n  Sandbox books {}\n\n",
        crm.url(),
        config.server.public_url.origin(),
        config.server.public_url.origin(),
        sandbox.url(),
    ));
    tokio::select! {
        loaded = first_load(&service) => loaded?,
        stopped = stop_signal() => return stopped,
    }
    print(&format!(
        "  The books are loaded. Open {} and press Ctrl-C here when you are done.\n\n",
        crm.url()
    ));
    stop_signal().await?;
    print("\n  Stopping.\n");
    crm.shutdown().await;
    service.shutdown().await;
    sandbox.shutdown().await;
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn taken(what: &str, port: u16, variable: &str) -> String {
    format!("the {what} cannot listen on port {port}; choose another with {variable}")
}

/// The secrets that this demo made for itself.
struct Secrets {
    crm_secret: String,
    client_id: String,
    client_secret: String,
}

/// Makes the demo's folder anew: its key, its secrets, its settings.
fn fresh_folder(folder: &Path, args: &DemoArgs) -> anyhow::Result<Secrets> {
    if folder.exists() {
        // Only what an earlier demo left is taken away.
        if !Path::new(DEMO_FILE).exists() && fs::read_dir(folder)?.next().is_some() {
            bail!(
                "{} holds something else; the demo needs it empty",
                folder.display()
            );
        }
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let random = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secrets = Secrets {
        crm_secret: random(),
        client_id: "sandbox".to_owned(),
        client_secret: random(),
    };
    write_private(&folder.join("pulse.key"), &random())?;
    write_private(&folder.join("quickbooks.secret"), &secrets.client_secret)?;
    let (api, sandbox) = (args.api_port, args.sandbox_port);
    let settings = format!(
        r#"# Made by `financial-pulse demo`, anew at each start.
[server]
listen = "127.0.0.1:{api}"
public_url = "http://localhost:{api}"

[database]
url = "sqlite:{folder}/pulse.sqlite"

[encryption]
key_file = "pulse.key"

[quickbooks]
client_id = "sandbox"
client_secret_file = "quickbooks.secret"
api_url = "http://127.0.0.1:{sandbox}"
authorize_url = "http://127.0.0.1:{sandbox}/connect/oauth2"
token_url = "http://127.0.0.1:{sandbox}/oauth2/v1/tokens/bearer"
revoke_url = "http://127.0.0.1:{sandbox}/v2/oauth2/tokens/revoke"
# A demo polls every second, which the free reads of a real app would not stand.
monthly_reads = 1000000000

[graphql]
introspection = true
"#,
        folder = folder.display(),
    );
    fs::write(DEMO_FILE, settings)?;
    Ok(secrets)
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// The tenant with its key, the connections with their tokens, the links and the limits.
async fn set_up(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
    secrets: &Secrets,
    args: &DemoArgs,
) -> anyhow::Result<()> {
    let now = clock.now();
    let tenant = TenantId::from(TENANT);
    let framed_by = format!("http://127.0.0.1:{}", args.crm_port);
    let record = Tenant {
        id: tenant.clone(),
        name: "Juniper Wholesale".into(),
        frame_ancestors: vec![framed_by],
        settings: TenantSettings::default(),
        version: 0,
    };
    store.put_tenant(&record, TENANT, now).await?;
    let key = SigningKey {
        id: Uuid::new_v4(),
        tenant: Some(tenant.clone()),
        preset: "native".to_owned(),
        kid: None,
        algorithm: "HS256".to_owned(),
        source: KeySource::Secret(SecretString::from(secrets.crm_secret.clone())),
        issuer: Some(TENANT.to_owned()),
        audience: None,
        valid_until: None,
    };
    store.add_signing_key(&key, TENANT, now).await?;

    let connections = parts::connections(config, store, clock)?;
    let control = Control::new(args.sandbox_port)?;
    for (id, realm) in CONNECTIONS {
        let id = ConnectionId::from(id);
        let request = ConnectionRequest {
            tenant: tenant.clone(),
            provider: ProviderKind::QuickBooks,
            id: Some(id.clone()),
            time_zone: TimeZone::get(ZONE)?,
            poll_interval: Duration::from_secs(args.poll_seconds.max(1)),
        };
        connections.add(request, TENANT).await?;
        let tokens = control.tokens(realm).await?;
        connections.import_tokens(&id, tokens, TENANT).await?;
        let customers = control.customers(realm).await?;
        for situation in situations() {
            let contact = ContactId::parse(situation.contact)?;
            for account in situation
                .accounts
                .iter()
                .filter(|account| account.realm == realm)
            {
                let found = customers
                    .iter()
                    .find(|known| known.name == account.customer);
                let customer =
                    found.with_context(|| format!("the sandbox has no `{}`", account.customer))?;
                let key = CustomerKey::new(id.clone(), customer.id.as_str());
                link(store, &tenant, &contact, &key, clock).await?;
                limit(store, &tenant, account, key, clock).await?;
            }
        }
    }
    Ok(())
}

async fn link(
    store: &Store,
    tenant: &TenantId,
    contact: &ContactId,
    customer: &CustomerKey,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let link = Link {
        contact: contact.clone(),
        customer: customer.clone(),
        origin: LinkOrigin::Import,
        actor: TENANT.into(),
        linked_at: clock.now(),
    };
    store.add_link(tenant, &link, Some("demo")).await?;
    Ok(())
}

async fn limit(
    store: &Store,
    tenant: &TenantId,
    account: &Account,
    customer: CustomerKey,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let Some(amount) = account.limit else {
        return Ok(());
    };
    let now = clock.now();
    let amount = Decimal::from_str_exact(amount)?;
    let limit = CreditLimit {
        customer: Some(customer),
        limit: Money::new(amount, account.currency.parse()?),
        origin: LimitOrigin::Manual,
        valid_from: dataset::today(now).first_of_year(),
        valid_to: None,
        reason: "Yearly review".into(),
        actor: "finance".into(),
    };
    store.set_limit(tenant, &limit, now).await?;
    Ok(())
}

/// Shows the first load of the quick books until it is done.
async fn first_load(service: &RunningService) -> anyhow::Result<()> {
    let bar = SyncBar::new();
    let connection = ConnectionId::from(CONNECTIONS[0].0);
    loop {
        let state = service.store.sync_state(&connection).await?;
        let current = state
            .datasets
            .iter()
            .filter(|dataset| dataset.attempted_at.is_some())
            .find(|dataset| dataset.succeeded_at.is_none());
        if let Some(current) = current {
            let progress = Progress {
                done: current.loaded,
                total: current.expected,
            };
            bar.show(current.dataset, progress);
        }
        // The watermark moves when the load is done and the first increment has followed.
        if state.watermark.is_some() {
            bar.finish();
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The sandbox's control endpoint.
struct Control {
    client: reqwest::Client,
    url: String,
}

#[derive(Deserialize)]
struct Minted {
    access_token: String,
    refresh_token: String,
}

#[derive(Deserialize)]
struct Customers {
    customers: Vec<KnownCustomer>,
}

#[derive(Deserialize)]
struct KnownCustomer {
    id: String,
    name: String,
}

impl Control {
    fn new(port: u16) -> anyhow::Result<Self> {
        Ok(Self {
            client: parts::plain_client()?,
            url: format!("http://127.0.0.1:{port}/sandbox"),
        })
    }

    async fn tokens(&self, realm: &str) -> anyhow::Result<ImportedTokens> {
        let request = self.client.post(format!("{}/tokens", self.url));
        let request = request.json(&json!({ "company": realm })).build()?;
        let minted: Minted = self.client.execute(request).await?.json().await?;
        Ok(ImportedTokens {
            account: realm.to_owned(),
            access: SecretString::from(minted.access_token),
            refresh: SecretString::from(minted.refresh_token),
        })
    }

    async fn customers(&self, realm: &str) -> anyhow::Result<Vec<KnownCustomer>> {
        let request = self.client.get(format!("{}/balances", self.url));
        let request = request.query(&[("company", realm)]).build()?;
        let customers: Customers = self.client.execute(request).await?.json().await?;
        Ok(customers.customers)
    }
}
