//! The ledgers that the demo connects: the same company in three wire formats, each in a tenant of its
//! own with its key, links and limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::folder::Secrets;
use super::{DemoArgs, ISSUER};
use crate::app::parts;
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::{Account, Format, situations};
use crate::domain::connection::ProviderKind;
use crate::domain::contact::{Link, LinkOrigin};
use crate::domain::credit::{CreditLimit, LimitOrigin};
use crate::domain::ids::{ConnectionId, ContactId, CustomerKey, TenantId};
use crate::domain::money::Money;
use crate::domain::signing_key::{Algorithm, KeySource, SigningKey};
use crate::sandbox::dataset::{self, demo as books};
use crate::service::connections::{ConnectionRequest, Connections};
use crate::service::consent::ImportedTokens;
use crate::store::{Store, Tenant, TenantSettings};

/// The time zone of the sandbox's books.
const ZONE: &str = "America/Los_Angeles";

/// One company read in one wire format.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoConnection {
    pub(super) id: &'static str,
    pub(super) tenant: &'static str,
    pub(super) format: Format,
    kind: ProviderKind,
    realm: &'static str,
}

/// Every connection of the demo. The books that load slowly on purpose are QuickBooks' only.
static CONNECTIONS: [DemoConnection; 4] = [
    DemoConnection {
        id: "demo-quickbooks",
        tenant: "demo",
        format: Format::QuickBooks,
        kind: ProviderKind::QuickBooks,
        realm: books::REALM,
    },
    DemoConnection {
        id: "demo-slow",
        tenant: "demo",
        format: Format::QuickBooks,
        kind: ProviderKind::QuickBooks,
        realm: books::SLOW_REALM,
    },
    DemoConnection {
        id: "demo-xero",
        tenant: "demo-xero",
        format: Format::Xero,
        kind: ProviderKind::Xero,
        realm: books::REALM,
    },
    DemoConnection {
        id: "demo-sage",
        tenant: "demo-sage",
        format: Format::Sage,
        kind: ProviderKind::Sage,
        realm: books::REALM,
    },
];

/// The connections of the company that is read in every format, one for each ledger.
pub(super) fn prompt() -> impl Iterator<Item = &'static DemoConnection> {
    CONNECTIONS
        .iter()
        .filter(|connection| connection.realm == books::REALM)
}

/// Puts everything that the CRM needs into the store.
pub(super) struct SetUp<'a> {
    store: &'a Store,
    clock: &'a Arc<dyn Clock>,
    secrets: &'a Secrets,
    args: &'a DemoArgs,
    connections: Connections,
    control: Control,
}

impl<'a> SetUp<'a> {
    pub(super) fn new(
        config: &Config,
        store: &'a Store,
        clock: &'a Arc<dyn Clock>,
        secrets: &'a Secrets,
        args: &'a DemoArgs,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            store,
            clock,
            secrets,
            args,
            connections: parts::connections(
                config,
                store,
                clock,
                parts::providers(config, store, clock)?,
            ),
            control: Control::new(args.sandbox_port)?,
        })
    }

    /// The tenants with their keys, the connections with their tokens, the links and the limits.
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        for connection in prompt() {
            self.tenant(connection.tenant).await?;
        }
        for connection in &CONNECTIONS {
            self.connect(connection).await?;
        }
        Ok(())
    }

    async fn tenant(&self, id: &str) -> anyhow::Result<()> {
        let now = self.clock.now();
        let tenant = TenantId::from(id);
        let framed_by = format!("http://127.0.0.1:{}", self.args.crm_port);
        let record = Tenant {
            id: tenant.clone(),
            name: "Juniper Wholesale".into(),
            frame_ancestors: vec![framed_by],
            settings: TenantSettings::default(),
            version: 0,
        };
        self.store.put_tenant(&record, ISSUER, now).await?;
        let secret = SecretString::from(self.secrets.crm_secret.clone());
        let key = SigningKey {
            id: Uuid::new_v4().to_string().into(),
            tenant: Some(tenant),
            preset: "native".to_owned(),
            kid: None,
            algorithm: Algorithm::Hs256,
            source: KeySource::Secret(secret),
            issuer: Some(ISSUER.to_owned()),
            audience: None,
            valid_until: None,
            claims: BTreeMap::new(),
        };
        self.store.add_signing_key(&key, ISSUER, now).await?;
        Ok(())
    }

    async fn connect(&self, connection: &DemoConnection) -> anyhow::Result<()> {
        let id = ConnectionId::from(connection.id);
        let tenant = TenantId::from(connection.tenant);
        let request = ConnectionRequest {
            tenant: tenant.clone(),
            provider: connection.kind,
            id: Some(id.clone()),
            time_zone: TimeZone::get(ZONE)?,
            poll_interval: Duration::from_secs(self.args.poll_seconds.max(1)),
        };
        self.connections.add(request, ISSUER).await?;
        let known = self.control.balances(connection).await?;
        let minted = self.control.tokens(connection).await?;
        let tokens = ImportedTokens {
            account: known.organization,
            access: SecretString::from(minted.access_token),
            refresh: SecretString::from(minted.refresh_token),
        };
        self.connections.import_tokens(&id, tokens, ISSUER).await?;
        for situation in situations() {
            let contact = ContactId::parse(situation.contact)?;
            let accounts = situation.in_format(connection.format).accounts;
            let here = accounts
                .iter()
                .filter(|account| account.realm == connection.realm);
            for account in here {
                let found = known
                    .customers
                    .iter()
                    .find(|customer| customer.own_name() == account.customer);
                let customer =
                    found.with_context(|| format!("the sandbox has no `{}`", account.customer))?;
                let key = CustomerKey::new(id.clone(), customer.id.as_str());
                self.link(&tenant, &contact, &key).await?;
                self.limit(&tenant, account, key).await?;
            }
        }
        Ok(())
    }

    async fn link(
        &self,
        tenant: &TenantId,
        contact: &ContactId,
        customer: &CustomerKey,
    ) -> anyhow::Result<()> {
        let link = Link {
            contact: contact.clone(),
            customer: customer.clone(),
            origin: LinkOrigin::Import,
            actor: ISSUER.into(),
            linked_at: self.clock.now(),
        };
        self.store.add_link(tenant, &link, Some("demo")).await?;
        Ok(())
    }

    async fn limit(
        &self,
        tenant: &TenantId,
        account: &Account,
        customer: CustomerKey,
    ) -> anyhow::Result<()> {
        let Some(amount) = account.limit else {
            return Ok(());
        };
        let now = self.clock.now();
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
        self.store.set_limit(tenant, &limit, now).await?;
        Ok(())
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

/// A company as a wire format names it.
#[derive(Deserialize)]
struct Known {
    organization: String,
    customers: Vec<KnownCustomer>,
}

#[derive(Deserialize)]
struct KnownCustomer {
    id: String,
    name: String,
}

impl KnownCustomer {
    /// Its name without those of the customers above it.
    fn own_name(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or_default()
    }
}

impl Control {
    fn new(port: u16) -> anyhow::Result<Self> {
        Ok(Self {
            client: parts::plain_client()?,
            url: format!("http://127.0.0.1:{port}/sandbox"),
        })
    }

    async fn tokens(&self, of: &DemoConnection) -> anyhow::Result<Minted> {
        let wish = json!({ "format": of.format, "company": of.realm });
        let request = self.client.post(format!("{}/tokens", self.url)).json(&wish);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn balances(&self, of: &DemoConnection) -> anyhow::Result<Known> {
        let format = of.format.to_string();
        let query = [("format", format.as_str()), ("company", of.realm)];
        let request = self.client.get(format!("{}/balances", self.url));
        let request = request.query(&query);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}
