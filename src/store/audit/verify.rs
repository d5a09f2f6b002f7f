//! Checking a chain from its first entry to its head.

use std::fmt;

use super::hash::{Hash, Hasher, ORIGIN};
use super::{BROKEN, INSTALLATION, Row, sql};
use crate::domain::ids::TenantId;
use crate::store::Store;
use crate::store::database::{Tx, with_pool, with_tx};
use crate::store::error::StoreResult;

/// How many entries are read at a time.
const PAGE: i64 = 1_000;

/// What an operator kept of an earlier check: that the chain had so many entries, and how the last of
/// them was hashed.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The entries that there were.
    pub count: Option<i64>,
    /// The hash of the last of those; of any entry, when no count is given.
    pub head: Option<Vec<u8>>,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries fit, from the first.
    pub count: i64,
    /// The hash of the last of them.
    pub head: Vec<u8>,
    /// The first thing that does not fit.
    pub fault: Option<Fault>,
}

/// What does not fit in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An entry is missing: the next one there has a higher number.
    Missing(i64),
    /// An entry was changed, or put in by somebody else.
    Changed(i64),
    /// An entry does not follow the one before it.
    Unlinked(i64),
    /// An entry stands behind the end of the chain.
    BeyondHead(i64),
    /// The chain ends before its head says.
    CutOff {
        /// The last entry there.
        last: i64,
        /// The entry that should be the last.
        head: i64,
    },
    /// The chain's head is missing, or was not written by this installation.
    Head,
    /// The application found the chain not to fit when it added this entry.
    Broken(i64),
    /// There are no entries where a chain should be.
    Empty,
    /// More entries stand there than there are numbers.
    Doubled,
    /// The key of the chains is gone.
    NoKey,
    /// Entries may be removed at this moment: a permit to erase was left standing.
    Permit,
    /// What an earlier check saw is not there.
    NotAsExpected,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(seq) => write!(f, "entry {seq} is missing"),
            Self::Changed(seq) => write!(f, "entry {seq} was changed or put in"),
            Self::Unlinked(seq) => {
                write!(
                    f,
                    "entry {seq} does not follow entry {}",
                    seq.saturating_sub(1)
                )
            }
            Self::BeyondHead(seq) => write!(f, "entry {seq} stands behind the end of the chain"),
            Self::CutOff { last, head } => write!(
                f,
                "entry {} is missing: the chain was cut off (its end is entry {head})",
                last.saturating_add(1)
            ),
            Self::Head => {
                f.write_str("the end of the chain (table audit_head) was changed or removed")
            }
            Self::Broken(seq) => write!(
                f,
                "entry {seq} says that the chain did not fit when the service added to it"
            ),
            Self::Empty => f.write_str("there is no entry: the chain was removed"),
            Self::Doubled => f.write_str("a number stands twice: an entry was put in"),
            Self::NoKey => {
                f.write_str("the key of the chains (table installation_secret) was removed")
            }
            Self::Permit => f.write_str("a permit to erase stands in the table audit_erasure"),
            Self::NotAsExpected => f.write_str("the end that was expected is not in the chain"),
        }
    }
}

impl Store {
    /// Checks a tenant's chain (or, for `None`, the installation's): that each entry is as it was
    /// written, follows the one before it, and that the last is the chain's head. All is read as it
    /// was at one moment, in pages.
    ///
    /// # Errors
    /// When the database fails, or the key of the chains does not open.
    pub async fn verify_audit(
        &self,
        tenant: impl Into<Option<&TenantId>>,
        expected: &Expected,
    ) -> StoreResult<Verified> {
        let tenant = tenant.into().map_or(INSTALLATION, TenantId::as_str);
        let Some(hasher) = self.standing_hasher().await? else {
            return Ok(Verified {
                count: 0,
                head: ORIGIN.to_vec(),
                fault: Some(Fault::NoKey),
            });
        };
        let mut tx = self.reader.begin_read().await?;
        let mut walk = Walk {
            hasher,
            tenant,
            expected,
            seen: expected.head.is_none() && expected.count.is_none(),
            count: 0,
            head: ORIGIN,
        };
        let fault = match walk.entries(&mut tx).await? {
            Some(fault) => Some(fault),
            None => walk.end(&mut tx).await?,
        };
        Ok(Verified {
            count: walk.count,
            head: walk.head.to_vec(),
            fault: fault.or_else(|| (!walk.seen).then_some(Fault::NotAsExpected)),
        })
    }

    /// The tenants for whom a permit to erase stands, which is no longer than a transaction.
    pub async fn standing_permits(&self) -> StoreResult<Vec<TenantId>> {
        let names: Vec<String> = with_pool!(&self.reader, |pool| sqlx::query_scalar(sql::PERMITS)
            .fetch_all(pool)
            .await)?;
        Ok(names.into_iter().map(TenantId::from).collect())
    }
}

struct Walk<'a> {
    hasher: Hasher,
    tenant: &'a str,
    expected: &'a Expected,
    /// Whether what is expected was met.
    seen: bool,
    count: i64,
    head: Hash,
}

impl Walk<'_> {
    /// Goes through the entries, to the first that does not fit.
    async fn entries(&mut self, tx: &mut Tx) -> StoreResult<Option<Fault>> {
        let mut after = i64::MIN;
        loop {
            let rows: Vec<Row> = with_tx!(&mut *tx, |connection| sqlx::query_as(sql::PAGE)
                .bind(self.tenant)
                .bind(after)
                .bind(i64::MIN)
                .bind(i64::MAX)
                .bind(PAGE)
                .fetch_all(connection)
                .await)?;
            let Some(last) = rows.last() else {
                return Ok(None);
            };
            after = last.seq;
            for row in &rows {
                if let Some(fault) = self.entry(row) {
                    return Ok(Some(fault));
                }
            }
        }
    }

    fn entry(&mut self, row: &Row) -> Option<Fault> {
        let due = self.count.saturating_add(1);
        if row.seq > due {
            return Some(Fault::Missing(due));
        }
        if row.seq < due {
            return Some(Fault::Changed(row.seq));
        }
        let hash = self.hasher.entry(&row.hashed());
        if hash != *row.hash {
            return Some(Fault::Changed(row.seq));
        }
        if row.previous != self.head {
            return Some(Fault::Unlinked(row.seq));
        }
        if row.action == BROKEN {
            return Some(Fault::Broken(row.seq));
        }
        self.count = row.seq;
        self.head = hash;
        self.seen |= match (self.expected.count, &self.expected.head) {
            (Some(count), Some(head)) => count == row.seq && *head == row.hash,
            (Some(count), None) => count == row.seq,
            (None, Some(head)) => *head == row.hash,
            (None, None) => true,
        };
        None
    }

    /// Holds the last entry against the head.
    async fn end(&self, tx: &mut Tx) -> StoreResult<Option<Fault>> {
        let head: Option<(i64, Vec<u8>, Vec<u8>)> =
            with_tx!(&mut *tx, |connection| sqlx::query_as(sql::HEAD)
                .bind(self.tenant)
                .fetch_optional(connection)
                .await)?;
        let entries: i64 = with_tx!(&mut *tx, |connection| sqlx::query_scalar(sql::COUNT)
            .bind(self.tenant)
            .fetch_one(connection)
            .await)?;
        Ok(match head {
            None if self.count == 0 => Some(Fault::Empty),
            None => Some(Fault::Head),
            Some((seq, hash, seal)) => {
                if seal != self.hasher.head(self.tenant, seq, &hash) {
                    Some(Fault::Head)
                } else if self.count < seq {
                    Some(Fault::CutOff {
                        last: self.count,
                        head: seq,
                    })
                } else if self.count > seq {
                    Some(Fault::BeyondHead(seq.saturating_add(1)))
                } else if hash != self.head {
                    Some(Fault::Head)
                } else {
                    (entries != self.count).then_some(Fault::Doubled)
                }
            }
        })
    }
}
