//! Lists: what is asked for, in which order, and which page of it.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::filter::Filter;
use super::rows::{Kept, Resource, Row, Shown};
use super::show::{Extent, Form, Show};
use crate::sandbox::books::List;
use crate::sandbox::consent::Asked;

/// The rows of a page when the caller does not say.
const DEFAULT_PAGE: usize = 100;
/// The most rows of a page.
const MOST_ROWS: usize = 1000;
/// The most rows of an answer that is not in pages.
const MOST_UNPAGED: usize = 100_000;

/// Why a list is refused, in the words of a `QueryParseException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// What is asked for.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) resource: Resource,
    asked: &'a Asked,
    since: Option<&'a str>,
}

/// What comes of it.
pub(super) struct Answer {
    pub(super) pagination: Option<Value>,
    pub(super) rows: Vec<Value>,
}

/// An instant as `If-Modified-Since` has it: UTC, with a zone or without.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let time: DateTime = text.parse().ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Updated,
    Date,
    Name,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Time(Timestamp),
    Date(Date),
    Text(String),
    Bits(u128),
}

impl<'a> Query<'a> {
    pub(super) fn new(resource: Resource, asked: &'a Asked, since: Option<&'a str>) -> Self {
        Self {
            resource,
            asked,
            since,
        }
    }

    fn given(&self, name: &str) -> Option<&str> {
        Some(self.asked.get(name)).filter(|value| !value.is_empty())
    }

    fn flag(&self, name: &str) -> bool {
        self.given(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether only the short form is wanted.
    pub(super) fn is_summary(&self) -> bool {
        matches!(self.resource, Resource::Contacts | Resource::Invoices) && self.flag("summaryOnly")
    }

    /// Whether unit prices are wanted with four decimals.
    pub(super) fn is_precise(&self) -> bool {
        self.given("unitdp") == Some("4")
    }

    /// The page and its size, where there are pages: when one is asked for, or by what forces them.
    fn page(&self) -> Option<(usize, usize)> {
        let forced = self.is_summary()
            || (self.resource == Resource::Invoices && self.given("Statuses").is_some());
        let page = match self.given("page") {
            Some(page) => page.parse().unwrap_or(1).max(1),
            None if forced => 1,
            None => return None,
        };
        // Out of range is not refused.
        let size = self
            .given("pageSize")
            .and_then(|size| size.parse::<i64>().ok())
            .map_or(DEFAULT_PAGE, |size| {
                usize::try_from(size.max(1)).unwrap_or(1).min(MOST_ROWS)
            });
        (self.resource != Resource::Items).then_some((page, size))
    }

    fn order(&self) -> Result<(Field, bool), Refused> {
        let Some(order) = self.given("order") else {
            return Ok((Field::Updated, false));
        };
        let mut words = order.split_whitespace();
        let name = words.next().unwrap_or_default();
        let downward = words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("DESC"));
        let field = if name.eq_ignore_ascii_case(self.resource.id_field()) {
            Field::Id
        } else {
            match name.to_ascii_lowercase().as_str() {
                "updateddateutc" => Field::Updated,
                "date" if self.resource != Resource::Contacts => Field::Date,
                "name" if self.resource == Resource::Contacts => Field::Name,
                _ => return Err(Refused(format!("No property or field '{name}' exists"))),
            }
        };
        Ok((field, downward))
    }

    /// The identifiers of a parameter that lists them.
    fn listed(&self, name: &str) -> Option<HashSet<String>> {
        self.given(name)
            .map(|list| list.split(',').map(|id| id.trim().to_lowercase()).collect())
    }

    /// The answer to the question.
    ///
    /// # Errors
    ///
    /// When a filter or an order is none, or the answer would be too long.
    pub(super) fn answer(&self, show: &Show<'_>, kept: &mut Kept) -> Result<Answer, Refused> {
        let rows = self.sorted(show, kept)?;
        let page = self.page();
        let chosen: &[Row] = match page {
            None if rows.len() > MOST_UNPAGED => {
                return Err(Refused("Too many records: use paging".to_owned()));
            }
            None => &rows,
            Some((page, size)) => {
                let start = (page - 1).saturating_mul(size).min(rows.len());
                &rows[start..(start + size).min(rows.len())]
            }
        };
        let owes = match self.resource {
            Resource::Contacts => Some(kept.owes(show.books, show.today)),
            _ => None,
        };
        let form = Form {
            extent: match page {
                _ if self.is_summary() => Extent::Summary,
                Some(_) => Extent::Paged,
                None => Extent::Listed,
            },
            precise: self.is_precise(),
        };
        Ok(Answer {
            pagination: page.map(|(page, size)| {
                json!({
                    "page": page,
                    "pageSize": size,
                    "pageCount": rows.len().div_ceil(size),
                    "itemCount": rows.len(),
                })
            }),
            rows: chosen
                .iter()
                .map(|row| show.row(self.resource, row, form, owes.as_deref()))
                .collect(),
        })
    }

    /// All that pass, in order; the same question again is not worked out again.
    fn sorted(&self, show: &Show<'_>, kept: &mut Kept) -> Result<Arc<[Row]>, Refused> {
        let mut question: Vec<String> = self
            .asked
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "page" | "pageSize" | "unitdp"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        question.sort();
        question.push(format!("{:?} {:?}", self.resource, self.since));
        let question = question.join("&");
        if let Some(rows) = kept.sorted(show.books, show.today, &question) {
            return Ok(rows);
        }
        let (field, downward) = self.order()?;
        let all = kept.rows(show.books, show.realm, show.today, self.resource);
        let mut rows: Vec<(Key, Row)> = self
            .passing(show, &all, kept)?
            .into_iter()
            .map(|row| (key(show, self.resource, field, &row), row))
            .collect();
        rows.sort_by(|(left, one), (right, other)| {
            let order = left.cmp(right);
            let order = if downward { order.reverse() } else { order };
            order.then_with(|| one.bits.cmp(&other.bits))
        });
        let rows: Arc<[Row]> = rows.into_iter().map(|(_, row)| row).collect();
        kept.keep(question, rows.clone());
        Ok(rows)
    }

    fn passing(&self, show: &Show<'_>, all: &[Row], kept: &mut Kept) -> Result<Vec<Row>, Refused> {
        let filter = self
            .given("where")
            .filter(|_| self.resource != Resource::Items)
            .map(Filter::parse)
            .transpose()
            .map_err(|words| Refused(words.to_owned()))?;
        let since = self.since.and_then(instant);
        let ids = self.listed("IDs");
        let contacts = self.listed("ContactIDs");
        let statuses = self.listed("Statuses");
        let numbers = self.listed("InvoiceNumbers");
        let term = self.given("searchTerm").map(str::to_lowercase);
        let archived = self.flag("includeArchived");
        let owes = match self.resource {
            Resource::Contacts if filter.is_some() => Some(kept.owes(show.books, show.today)),
            _ => None,
        };
        let plain = Form::default();
        let mut passing = Vec::new();
        for row in all {
            if since.is_some_and(|since| row.updated <= since) {
                continue;
            }
            if let Some(ids) = &ids
                && !ids.contains(&row.guid.hyphenated(show.realm))
            {
                continue;
            }
            if self.resource == Resource::Contacts
                && let Some((name, active)) = contact(show, row)
            {
                let found = term
                    .as_ref()
                    .is_none_or(|term| name.to_lowercase().contains(term.as_str()));
                if !found || (!active && !archived) {
                    continue;
                }
            }
            let view = || show.row(self.resource, row, plain, owes.as_deref());
            if contacts.is_some() || statuses.is_some() || numbers.is_some() {
                let shown = view();
                let is_in = |wanted: &Option<HashSet<String>>, value: &Value| {
                    wanted.as_ref().is_none_or(|wanted| {
                        value
                            .as_str()
                            .is_some_and(|value| wanted.contains(&value.to_lowercase()))
                    })
                };
                if !is_in(&contacts, &shown["Contact"]["ContactID"])
                    || !is_in(&statuses, &shown["Status"])
                    || !is_in(&numbers, &shown["InvoiceNumber"])
                {
                    continue;
                }
            }
            let quick = |path: &[String]| show.quick(self.resource, row, path);
            if let Some(filter) = &filter
                && !filter.passes(quick, view)
            {
                continue;
            }
            passing.push(*row);
        }
        Ok(passing)
    }
}

/// A contact's name, and whether it is not archived.
fn contact<'a>(show: &Show<'a>, row: &Row) -> Option<(&'a str, bool)> {
    match row.shown {
        Shown::Live(id) => show
            .books
            .name(List::Customer, id)
            .map(|name| (name.name.as_ref(), name.active)),
        Shown::Merged(id) => show
            .books
            .merged()
            .get(&id)
            .map(|merged| (merged.customer.name.as_ref(), false)),
        _ => None,
    }
}

fn key(show: &Show<'_>, resource: Resource, field: Field, row: &Row) -> Key {
    match field {
        Field::Id => Key::Bits(row.bits),
        Field::Updated => Key::Time(row.updated),
        Field::Name => {
            Key::Text(contact(show, row).map_or_else(String::new, |(name, _)| name.to_lowercase()))
        }
        Field::Date => Key::Date(show.date(resource, row)),
    }
}
