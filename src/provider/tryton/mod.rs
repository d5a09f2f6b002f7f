//! Tryton 8.2, reading over its REST interface with an application key. The facts behind it were
//! measured on a running server; `docs/tryton.md` maps every field and names what cannot be read.
//!
//! Every page is read in the order of ids, from the last one's id on: a record that changes meanwhile
//! keeps its place, and one that comes meanwhile comes last. So nothing is skipped or told twice.

mod calls;
mod convert;
mod error;
mod query;
mod wire;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::calls::{Calls, Question, Rows, company_of};
use self::convert::{Context, Owners};
use self::wire::{Changed, Company, Invoice, Move, Ownership, Party, Product, Row};
use super::application_key::ApplicationKey;
use super::convert::refuse_absurd_amounts;
use super::http::{
    BreakerSettings, Carrier, HttpSettings, Limits, ProviderClient, RetrySettings, at_least_one,
};
use super::{
    Access, AccountingProvider, Authorization, CallMeter, Capabilities, ChangeFeed, Cursor,
    OrganizationChoice, Page, ProviderError, ProviderResult, Purpose, Reference,
};
use crate::clock::Clock;
use crate::domain::books::Organization;
use crate::domain::connection::ProviderKind;
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::{CustomerRecord, DocumentRecord, Records};

/// A record bears the time at which its transaction began, and shows when that ends.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// The most rows on a page: a server answers with any number, within its time-out.
const MAX_PAGE_SIZE: u32 = 500;
/// The most ids in one address.
const IDS_IN_ADDRESS: usize = 100;

/// How Tryton is reached.
#[derive(Clone, Debug)]
pub struct TrytonSettings {
    /// The server's address, to which `/DATABASE/rest/…` is appended.
    pub url: String,
    /// The database in which a new connection's company is looked for; empty until configured.
    pub database: String,
    /// Time-outs, retries, breaker and rates.
    pub http: HttpSettings,
    /// Rows on a page: 1 to 500.
    pub page_size: u32,
}

impl Default for TrytonSettings {
    fn default() -> Self {
        Self {
            url: "http://localhost:8000".to_owned(),
            database: String::new(),
            http: HttpSettings {
                connect_timeout: Duration::from_secs(5),
                request_timeout: Duration::from_mins(1),
                max_body_bytes: 64 * 1024 * 1024,
                retry: RetrySettings::default(),
                breaker: BreakerSettings::default(),
                limits: Limits {
                    per_minute: at_least_one(600),
                    per_second: at_least_one(50),
                    concurrent: at_least_one(4),
                    batches_per_minute: at_least_one(600),
                },
                carrier: Carrier::default(),
            },
            page_size: 200,
        }
    }
}

/// The Tryton provider, for all connections to one server.
#[derive(Debug)]
pub struct Tryton {
    calls: Calls,
    database: Arc<str>,
    authorization: ApplicationKey,
    page_size: u32,
    capabilities: Capabilities,
    /// The accounts whose server has no credit limits, which are a module of their own.
    without_credit_limits: Mutex<HashSet<Arc<str>>>,
}

impl Tryton {
    /// The provider; the meter books each read before it is made.
    ///
    /// # Errors
    /// [`ProviderError::Misconfigured`] when the address cannot be read or TLS cannot be set up.
    pub fn new(
        settings: TrytonSettings,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn CallMeter>,
    ) -> ProviderResult<Self> {
        let client = ProviderClient::new(ProviderKind::Tryton, settings.http, &[], clock, meter)?;
        Ok(Self {
            calls: Calls::new(&settings.url, Arc::new(client))?,
            database: settings.database.into(),
            authorization: ApplicationKey,
            page_size: settings.page_size.clamp(1, MAX_PAGE_SIZE),
            capabilities: Capabilities {
                datasets: ProviderKind::Tryton.datasets(),
                changes: ChangeFeed::ByDataset,
                overlap: OVERLAP,
            },
            without_credit_limits: Mutex::default(),
        })
    }

    async fn items(
        &self,
        access: &Access,
        domain: &Value,
        after: Option<i64>,
    ) -> ProviderResult<Page> {
        let question = Question {
            operation: "products",
            model: "product.product",
            fields: &query::owned(wire::PRODUCT),
        };
        let rows: Rows<Product> = self.read(access, &question, domain, after).await?;
        let records = Records {
            items: rows.all.iter().map(convert::item).collect(),
            ..Records::default()
        };
        Ok(page(records, &rows))
    }

    /// Parties. Those whose balance moved are found by their receivable lines: after the last page of
    /// those that changed themselves come pages of changed lines, each with its parties as they are.
    async fn customers(
        &self,
        access: &Access,
        since: Option<Timestamp>,
        place: Place,
    ) -> ProviderResult<Page> {
        let after = match (place, since) {
            (Place::Lines(after), Some(since)) => {
                return self.customers_by_lines(access, since, after).await;
            }
            (place, _) => place.after(),
        };
        let rows = self.parties(access, &query::parties(since), after).await?;
        let mut page = page(customers(&rows.all)?, &rows);
        if page.next.is_none() && since.is_some() {
            page.next = Some(Place::Lines(None).cursor());
        }
        Ok(page)
    }

    async fn customers_by_lines(
        &self,
        access: &Access,
        since: Timestamp,
        after: Option<i64>,
    ) -> ProviderResult<Page> {
        let company = company_of(access)?;
        let question = Question {
            operation: "changed_lines",
            model: "account.move.line",
            fields: &query::owned(wire::CHANGED),
        };
        let domain = query::changed_lines(company, since);
        let lines: Rows<Changed> = self.read(access, &question, &domain, after).await?;
        let parties: BTreeSet<i64> = lines.all.iter().filter_map(|line| line.party).collect();
        let mut found = Vec::new();
        let some = IDS_IN_ADDRESS.min(usize::try_from(self.page_size).unwrap_or(IDS_IN_ADDRESS));
        for some in chunks(&parties, some) {
            let rows = self
                .parties(access, &json!(["id", "in", some]), None)
                .await?;
            found.extend(rows.all);
        }
        Ok(Page {
            records: customers(&found)?,
            count: count(found.len()),
            next: lines.next.map(|id| Place::Lines(Some(id)).cursor()),
            expected: None,
            answered_at: lines.answered_at,
        })
    }

    async fn parties(
        &self,
        access: &Access,
        domain: &Value,
        after: Option<i64>,
    ) -> ProviderResult<Rows<Party>> {
        let plain = query::owned(wire::PARTY);
        let mut with_limit = plain.clone();
        with_limit.push(wire::CREDIT_LIMIT.to_owned());
        let read = |fields| {
            let question = Question {
                operation: "parties",
                model: "party.party",
                fields,
            };
            async move { self.read(access, &question, domain, after).await }
        };
        if self.has_credit_limits(access) {
            match read(&with_limit).await {
                Err(ProviderError::Rejected { code }) if code == wire::CREDIT_LIMIT => {
                    self.note_no_credit_limits(access);
                }
                answered => return answered,
            }
        }
        read(&plain).await
    }

    fn has_credit_limits(&self, access: &Access) -> bool {
        let without = self.without_credit_limits.lock();
        let without = without.unwrap_or_else(PoisonError::into_inner);
        !without.contains(&access.account)
    }

    fn note_no_credit_limits(&self, access: &Access) {
        tracing::info!(account = %access.account, "this server has no credit limits");
        let without = self.without_credit_limits.lock();
        let mut without = without.unwrap_or_else(PoisonError::into_inner);
        without.insert(Arc::clone(&access.account));
    }

    async fn invoices(
        &self,
        access: &Access,
        reference: &Reference,
        domain: &Value,
        after: Option<i64>,
    ) -> ProviderResult<Page> {
        let question = Question {
            operation: "invoices",
            model: "account.invoice",
            fields: &query::invoice_fields(),
        };
        let rows: Rows<Invoice> = self.read(access, &question, domain, after).await?;
        let named = convert::invoices_named_by_invoices(&rows.all);
        let owners = self.owners(access, &named, &BTreeSet::new()).await?;
        let context = Context {
            reference,
            owners: &owners,
        };
        let documents = convert::invoices(&context, &rows.all)?;
        documents_page(documents, &rows)
    }

    async fn moves(
        &self,
        access: &Access,
        reference: &Reference,
        domain: &Value,
        after: Option<i64>,
    ) -> ProviderResult<Page> {
        let question = Question {
            operation: "moves",
            model: "account.move",
            fields: &query::move_fields(),
        };
        let rows: Rows<Move> = self.read(access, &question, domain, after).await?;
        let named = convert::invoices_named_by_moves(&rows.all);
        let canceling = convert::cancel_candidates(&rows.all);
        let owners = self.owners(access, &named, &canceling).await?;
        let context = Context {
            reference,
            owners: &owners,
        };
        let documents = convert::moves(&context, &rows.all)?;
        documents_page(documents, &rows)
    }

    /// Which of these invoices posted which move, and which of these moves take an invoice back: a
    /// move names its origin, but not whether it is the one that the invoice posted.
    async fn owners(
        &self,
        access: &Access,
        invoices: &BTreeSet<i64>,
        canceling: &BTreeSet<i64>,
    ) -> ProviderResult<Owners> {
        let question = Question {
            operation: "invoice_moves",
            model: "account.invoice",
            fields: &query::owned(wire::OWNERSHIP),
        };
        let by_id = chunks(invoices, IDS_IN_ADDRESS).map(|some| json!(["id", "in", some]));
        let by_move =
            chunks(canceling, IDS_IN_ADDRESS).map(|some| json!(["cancel_move", "in", some]));
        let mut owners = Owners::default();
        for domain in by_id.chain(by_move) {
            let mut after = None;
            loop {
                let rows: Rows<Ownership> = self.read(access, &question, &domain, after).await?;
                for row in &rows.all {
                    owners.add(row);
                }
                after = rows.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(owners)
    }

    async fn read<R: Row + DeserializeOwned>(
        &self,
        access: &Access,
        question: &Question<'_>,
        domain: &Value,
        after: Option<i64>,
    ) -> ProviderResult<Rows<R>> {
        let size = self.page_size;
        self.calls.page(access, question, domain, after, size).await
    }
}

#[async_trait]
impl AccountingProvider for Tryton {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Tryton
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn organization(&self, access: &Access) -> ProviderResult<Organization> {
        let id = company_of(access)?;
        let fields = query::owned(wire::COMPANY);
        let company = self
            .calls
            .one::<Company>(access, &companies(&fields), id)
            .await;
        let (company, _) = company.map_err(|error| match error {
            ProviderError::NotFound => ProviderError::Misconfigured {
                what: "tryton.url or the connection's account: there is no such company".to_owned(),
            },
            error => error,
        })?;
        convert::organization(id, &company)
    }

    async fn page(
        &self,
        access: &Access,
        dataset: Dataset,
        reference: &Reference,
        since: Option<Timestamp>,
        cursor: Option<&Cursor>,
    ) -> ProviderResult<Page> {
        let place = Place::read(cursor);
        let company = company_of(access)?;
        match dataset {
            Dataset::Items => {
                let domain = query::products(since);
                self.items(access, &domain, place.after()).await
            }
            Dataset::Customers => self.customers(access, since, place).await,
            Dataset::Invoices => {
                let domain = query::invoices(company, since);
                self.invoices(access, reference, &domain, place.after())
                    .await
            }
            Dataset::Payments => {
                let domain = query::moves(company, since);
                self.moves(access, reference, &domain, place.after()).await
            }
            _ => Err(ProviderError::Unsupported { dataset }),
        }
    }

    async fn customer(
        &self,
        access: &Access,
        reference: &Reference,
        customer: &CustomerId,
    ) -> ProviderResult<Records> {
        let id: i64 = customer
            .as_str()
            .parse()
            .map_err(|_| ProviderError::NotFound)?;
        let company = company_of(access)?;
        let party = self.parties(access, &json!(["id", "=", id]), None).await?;
        if party.all.is_empty() {
            return Err(ProviderError::NotFound);
        }
        let mut records = customers(&party.all)?;
        // Another party may pay for the one that bought; what counts is who owes.
        let invoices = json!([
            query::invoices(company, None),
            ["OR", ["party", "=", id], ["move.lines.party", "=", id]],
        ]);
        let moves = json!([query::moves(company, None), ["lines.party", "=", id]]);
        for (dataset, domain) in [(Dataset::Invoices, invoices), (Dataset::Payments, moves)] {
            let mut after = None;
            loop {
                let page = if dataset == Dataset::Invoices {
                    self.invoices(access, reference, &domain, after).await?
                } else {
                    self.moves(access, reference, &domain, after).await?
                };
                records.documents.extend(page.records.documents);
                after = Place::read(page.next.as_ref()).after();
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(records)
    }

    /// The companies that the key's user may see, in the configured database.
    async fn organizations(
        &self,
        token: &SecretString,
        _named: Option<&str>,
    ) -> ProviderResult<Vec<OrganizationChoice>> {
        if self.database.is_empty() {
            return Err(ProviderError::Misconfigured {
                what: "tryton.database".to_owned(),
            });
        }
        let access = Access {
            account: Arc::clone(&self.database),
            token: token.clone(),
            purpose: Purpose::OpenPage,
        };
        let fields = query::owned(wire::COMPANY);
        let (mut choices, mut after) = (Vec::new(), None);
        loop {
            let everything = json!([]);
            let rows: Rows<Company> = self
                .read(&access, &companies(&fields), &everything, after)
                .await?;
            choices.extend(rows.all.iter().map(|row| OrganizationChoice {
                account: format!("{}/{}", self.database, row.id()).into(),
                name: convert::company_name(row).map(Into::into),
            }));
            after = rows.next;
            if after.is_none() {
                return Ok(choices);
            }
        }
    }

    fn authorization(&self) -> &dyn Authorization {
        &self.authorization
    }
}

/// Where the next page begins.
#[derive(Clone, Copy)]
enum Place {
    /// After the record of this id; at the start where there is none.
    Records(Option<i64>),
    /// The same among the changed lines that lead to customers.
    Lines(Option<i64>),
}

impl Place {
    /// Reads a cursor: an id, or `lines:` and perhaps an id. One that cannot be read begins anew.
    fn read(cursor: Option<&Cursor>) -> Self {
        let Some(Cursor(text)) = cursor else {
            return Self::Records(None);
        };
        match text.strip_prefix("lines:") {
            Some(id) => Self::Lines(id.parse().ok()),
            None => Self::Records(text.parse().ok()),
        }
    }

    fn cursor(self) -> Cursor {
        let text = |id: Option<i64>| id.map_or_else(String::new, |id| id.to_string());
        Cursor(match self {
            Self::Records(id) => text(id),
            Self::Lines(id) => format!("lines:{}", text(id)),
        })
    }

    fn after(self) -> Option<i64> {
        match self {
            Self::Records(id) | Self::Lines(id) => id,
        }
    }
}

fn companies(fields: &[String]) -> Question<'_> {
    Question {
        operation: "company",
        model: "company.company",
        fields,
    }
}

fn customers(rows: &[Party]) -> ProviderResult<Records> {
    let customers = rows.iter().map(convert::customer);
    let records = Records {
        customers: customers.collect::<ProviderResult<Vec<CustomerRecord>>>()?,
        ..Records::default()
    };
    refuse_absurd_amounts(&records)?;
    Ok(records)
}

fn documents_page<R>(documents: Vec<DocumentRecord>, rows: &Rows<R>) -> ProviderResult<Page> {
    let records = Records {
        documents,
        ..Records::default()
    };
    refuse_absurd_amounts(&records)?;
    Ok(page(records, rows))
}

fn page<R>(records: Records, rows: &Rows<R>) -> Page {
    Page {
        records,
        count: count(rows.all.len()),
        next: rows.next.map(|id| Place::Records(Some(id)).cursor()),
        expected: None,
        answered_at: rows.answered_at,
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// The ids in lists that fit into an address.
fn chunks(ids: &BTreeSet<i64>, size: usize) -> impl Iterator<Item = Vec<i64>> + use<> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let chunks: Vec<_> = ids.chunks(size.max(1)).map(<[i64]>::to_vec).collect();
    chunks.into_iter()
}
