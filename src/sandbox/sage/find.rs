//! Which records of a list a request is about, and in which order.

use std::cmp::Reverse;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::fault::Fault;
use super::key::{Key, Tag};
use super::query::{Query, SortBy};
use super::record::{Collection, Fate, Made, Record, Records};
use super::show::filters;
use crate::sandbox::books::{Detail, Id, List};

/// The filters of a request. Those that a list does not offer are passed over.
struct Filters<'a> {
    query: &'a Query,
    updated_since: Option<i64>,
    deleted_since: Option<i64>,
    from: Option<Date>,
    to: Option<Date>,
    contact: Whose,
    search: Option<String>,
}

/// Whose records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Everybodys,
    /// A contact's.
    Of(Id),
    /// Those of an id that is no contact's.
    Nobodys,
}

impl<'a> Filters<'a> {
    fn read(query: &'a Query, realm: &str) -> Result<Self, Fault> {
        let contact = |id: &str| match Key::parse(id, realm) {
            Some(key) if key == Key::of(Tag::Contact, key.id) => Whose::Of(key.id),
            _ => Whose::Nobodys,
        };
        Ok(Self {
            query,
            updated_since: query.instant("updated_or_created_since")?,
            deleted_since: query.instant("deleted_since")?,
            from: query.date("from_date")?,
            to: query.date("to_date")?,
            contact: query.get("contact_id").map_or(Whose::Everybodys, contact),
            search: query.get("search").map(str::to_lowercase),
        })
    }

    /// Whether a record is asked for. The wire has whole seconds, so that is how times are compared: one
    /// changed in that very second is in, one deleted in it is out.
    fn admit(&self, records: Records<'_>, list: Collection, record: &Record<'_>) -> bool {
        if let Some(since) = self.updated_since
            && record.updated.as_second() < since
        {
            return false;
        }
        if let (Some(since), Fate::Deleted(at)) = (self.deleted_since, record.fate)
            && at.as_second() <= since
        {
            return false;
        }
        let is = |parameter: &str, value: &str| {
            let wanted = self.query.get(parameter);
            wanted.is_none_or(|wanted| wanted == value)
        };
        match record.made {
            Made::Entry(names, entry) => {
                let (words, fits) = if names == List::Item {
                    let active = if entry.active { "true" } else { "false" };
                    (filters::item_words(entry), is("active", active))
                } else {
                    let kind = if names == List::Customer {
                        "CUSTOMER"
                    } else {
                        "VENDOR"
                    };
                    let email = self.query.get("email");
                    let fits = is("contact_type_id", kind)
                        && (entry.active || !self.query.is("filter_inactive_contacts"))
                        && email.is_none_or(|email| {
                            email.eq_ignore_ascii_case(filters::email_of(entry))
                        });
                    (filters::displayed_as(entry).to_lowercase(), fits)
                };
                fits && self.finds(&words)
            }
            Made::Document(document) => {
                let is_theirs = match self.contact {
                    Whose::Everybodys => true,
                    Whose::Of(contact) => record.contact() == Some(contact),
                    Whose::Nobodys => false,
                };
                if !is_theirs {
                    return false;
                }
                if list == Collection::ContactOpeningBalances {
                    return is("contact_type_id", "CUSTOMER");
                }
                let dated = list != Collection::ContactAllocations;
                if dated
                    && (self.from.is_some_and(|from| document.date < from)
                        || self.to.is_some_and(|to| document.date > to))
                {
                    return false;
                }
                match list {
                    Collection::ContactPayments => {
                        is("transaction_type_id", filters::payment_type(record).0)
                    }
                    Collection::ContactAllocations => {
                        is("transaction_type_id", "CUSTOMER_ALLOCATION")
                    }
                    _ => {
                        let (total, open) = outstanding(record);
                        let contact = record
                            .contact()
                            .and_then(|contact| records.books.name(List::Customer, contact));
                        is("status_id", filters::status_id(record.fate, total, open))
                            && self.finds(&filters::document_words(document, contact))
                    }
                }
            }
        }
    }

    fn finds(&self, words: &str) -> bool {
        self.search
            .as_ref()
            .is_none_or(|search| words.contains(search.as_str()))
    }
}

/// The total and the outstanding amount of an invoice, credit note or quick entry.
fn outstanding(record: &Record<'_>) -> (Decimal, Decimal) {
    let Some(document) = record.document() else {
        return (Decimal::ZERO, Decimal::ZERO);
    };
    let posted = record.key.at().and_then(|line| document.lines.get(line));
    match posted.map(|line| (line.amount, &line.detail)) {
        Some((total, Detail::Posting { open, .. })) => (total, *open),
        _ => (document.total, document.open),
    }
}

/// What a request asks for, in its order.
///
/// # Errors
///
/// When a parameter cannot be read, or the order is none that is offered.
pub(super) fn find<'a>(
    records: Records<'a>,
    list: Collection,
    query: &Query,
    realm: &str,
) -> Result<Vec<Record<'a>>, Fault> {
    let filters = Filters::read(query, realm)?;
    let sort = query.sort(list.sorts())?;
    let mut found = if filters.deleted_since.is_some() {
        records.deleted(list)
    } else {
        records.live(list)
    };
    found.retain(|record| filters.admit(records, list, record));
    match sort {
        // Without an order asked for, what moves under a reader's pages: the newest first, and names by
        // the alphabet. The service promises none.
        None if list.sorts().is_empty() => found.sort_by_cached_key(|record| {
            let name = record.name().map(|entry| entry.name.to_lowercase());
            (name, record.date(), record.key)
        }),
        None => found.sort_by_key(|record| Reverse((record.date(), record.created, record.key))),
        Some((by, downward)) => {
            found.sort_by_key(|record| {
                let date = match by {
                    SortBy::Date => record.date(),
                    SortBy::Due => record.due(),
                    SortBy::Created | SortBy::Updated => None,
                };
                let at = match by {
                    SortBy::Created => Some(record.created.as_second()),
                    SortBy::Updated => Some(record.updated.as_second()),
                    SortBy::Date | SortBy::Due => None,
                };
                (date, at, record.key)
            });
            if downward {
                found.reverse();
            }
        }
    }
    Ok(found)
}
