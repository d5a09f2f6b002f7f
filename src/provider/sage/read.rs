//! From a place in a read to records: which list is asked, what its rows become, and where the read
//! goes on.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, future, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::calls::{Answered, Listed, POSTINGS_AT_MOST};
use super::convert::{self, Context};
use super::list::{Ask, Part, Shape, documents_of, instant};
use super::paging::{Place, Step, step, window};
use super::terms::Terms;
use super::wire::{Bare, Contact, Item, Reference as WireReference, Row, Sale};
use super::{OVERLAP, Sage};
use crate::domain::freshness::Dataset;
use crate::domain::records::{Deletion, DocumentRecord, Records};
use crate::provider::convert::refuse_absurd_amounts;
use crate::provider::{Access, Page, ProviderError, ProviderResult, Reference};

/// How many contacts are read one by one at the same time.
const CONTACTS_AT_ONCE: usize = 4;

/// A page of rows, before conversion.
struct ReadPage<T> {
    rows: Vec<T>,
    /// Rows that were not counted before.
    count: u64,
    /// How many rows the list has.
    total: Option<u64>,
    /// Where the next page of the part begins.
    next: Option<Place>,
    /// The place from which this page was read in the end.
    place: Place,
    at: Timestamp,
}

/// A page of records with what the cursor needs.
struct Converted {
    records: Records,
    count: u64,
    total: Option<u64>,
    next: Next,
    place: Place,
    at: Timestamp,
}

/// How a read goes on.
enum Next {
    /// Within the part.
    Page(Place),
    /// With the next part.
    Part,
    /// Not at all, whatever parts are left.
    End,
}

impl Sage {
    /// Reads the page at a place of a dataset.
    pub(super) async fn read_page(
        &self,
        access: &Access,
        reference: &Reference,
        dataset: Dataset,
        parts: &[Part],
        mut place: Place,
    ) -> ProviderResult<Page> {
        // A place behind the last part is of another version: anew.
        if place.part >= parts.len() {
            place = Place::default();
        }
        let Some(part) = parts.get(place.part) else {
            return Err(ProviderError::Unsupported { dataset });
        };
        let begins = place.is_start();
        let converted = match part.ask {
            Ask::Deleted(_) => self.read_deleted(access, dataset, part, place).await?,
            Ask::Moved(since) => self.read_moved(access, reference, place, since).await?,
            _ => {
                self.read_rows(access, reference, dataset, part, place)
                    .await?
            }
        };
        let Converted {
            records,
            count,
            total,
            next,
            place,
            at,
        } = converted;
        let meanwhile = part.ask == Ask::Meanwhile;
        // It read those rows again that were counted already.
        let count = if meanwhile { 0 } else { count };
        let done_before = place.done;
        let next = match next {
            Next::Page(mut next) => {
                let began = at.saturating_sub(OVERLAP).unwrap_or(at);
                next.began.get_or_insert_with(|| instant(began));
                Some(next)
            }
            Next::Part => next_part(parts, &place, done_before + count),
            Next::End => None,
        };
        refuse_absurd_amounts(&records)?;
        Ok(Page {
            records,
            count,
            next: next.as_ref().map(Place::cursor),
            expected: total
                .filter(|_| begins && !meanwhile)
                .map(|total| total.saturating_add(done_before)),
            answered_at: at,
        })
    }

    /// Reads the rows at a place; where some may have been skipped, from an earlier place, and where a
    /// page is too much for Sage, half of it.
    async fn rows<T: DeserializeOwned + Row + Send>(
        &self,
        access: &Access,
        part: &Part,
        mut place: Place,
    ) -> ProviderResult<ReadPage<T>> {
        loop {
            let window = window_of(&place, self.page_size);
            let began = (part.ask == Ask::Meanwhile).then(|| place.began.clone());
            let since = place
                .time
                .clone()
                .or_else(|| part.since())
                .or(began.flatten());
            let listed = self
                .calls
                .list::<T>(access, part, since.as_deref(), window)
                .await?;
            let Listed::Page(Answered { value: list, at }) = listed else {
                place = place.halved(self.page_size);
                continue;
            };
            match step(part, &place, window, self.page_size, &list)? {
                Step::Again(earlier) => place = earlier,
                Step::Read { count, next } => {
                    return Ok(ReadPage {
                        rows: list.items,
                        count,
                        total: list.total,
                        next,
                        place,
                        at,
                    });
                }
            }
        }
    }

    async fn read_rows(
        &self,
        access: &Access,
        reference: &Reference,
        dataset: Dataset,
        part: &Part,
        place: Place,
    ) -> ProviderResult<Converted> {
        let read = Read {
            sage: self,
            access,
            reference,
            dataset,
            part,
        };
        match part.endpoint.shape {
            Shape::Item => {
                let page = self.rows(access, part, place).await?;
                read.converted(page, |_, row: &Item, records| {
                    records.items.push(convert::item(row));
                    Ok(())
                })
            }
            Shape::Contact => read.contacts(place).await,
            Shape::OpeningBalance => read.documents(place, convert::opening_balance).await,
            Shape::Invoice => {
                read.documents(place, |context, row: &Sale| {
                    convert::sale(context, &convert::INVOICE, row)
                })
                .await
            }
            Shape::CreditNote => {
                read.documents(place, |context, row: &Sale| {
                    convert::sale(context, &convert::CREDIT_NOTE, row)
                })
                .await
            }
            Shape::QuickEntry => read.documents(place, convert::quick_entry).await,
            Shape::Payment => read.documents(place, convert::payment).await,
            Shape::Allocation => read.documents(place, convert::allocation).await,
        }
    }

    /// What was deleted. A row that does not say so is none, whatever the list was asked for.
    async fn read_deleted(
        &self,
        access: &Access,
        dataset: Dataset,
        part: &Part,
        place: Place,
    ) -> ProviderResult<Converted> {
        let page = self.rows::<Bare>(access, part, place).await?;
        let gone = page.rows.iter().filter(|row| row.is_deleted());
        let deletions = gone
            .map(|row| Deletion {
                dataset,
                ledger_id: row.id.clone(),
            })
            .collect();
        Ok(Converted {
            records: Records {
                deletions,
                ..Records::default()
            },
            count: page.count,
            total: None,
            next: page.next.map_or(Next::Part, Next::Page),
            place: page.place,
            at: page.at,
        })
    }

    /// The contacts whose balance moved: nothing says that a contact's own time of change moves with
    /// it, so the postings tell whose did, and those are read again. Where there are too many postings,
    /// or where they may not be seen, the next part reads every contact.
    async fn read_moved(
        &self,
        access: &Access,
        reference: &Reference,
        mut place: Place,
        since: Timestamp,
    ) -> ProviderResult<Converted> {
        let postings = match self.calls.postings(access, since).await {
            Ok(postings) => Some(postings),
            Err(ProviderError::Forbidden { code }) if code == "MultiUserAccessDenied" => None,
            Err(error) => return Err(error),
        };
        let most = u64::from(POSTINGS_AT_MOST);
        let fits = |list: &Answered<super::wire::List<super::wire::Posting>>| {
            let rows = list.value.items.len() as u64;
            list.value.total.map_or(rows < most, |total| total <= rows)
        };
        let Some(Answered { value: list, at }) = postings.filter(fits) else {
            return Ok(Converted {
                records: Records::default(),
                count: 0,
                total: None,
                next: Next::Part,
                at: self.calls.now(),
                place,
            });
        };
        let moved: BTreeSet<String> = list
            .items
            .iter()
            .filter(|posting| {
                let kind = WireReference::id(posting.transaction_type.as_ref()).unwrap_or_default();
                !kind.starts_with("PURCHASE") && !kind.starts_with("VENDOR")
            })
            .filter_map(|posting| WireReference::id(posting.contact.as_ref()).map(str::to_owned))
            .collect();
        let contacts: Vec<Option<Answered<Contact>>> = stream::iter(moved)
            .map(|id| async move {
                match self.calls.contact(access, &id).await {
                    Ok(contact) => Ok(Some(contact)),
                    // Deleted meanwhile: the part before this one tells, or the next look does.
                    Err(ProviderError::NotFound) => Ok(None),
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(CONTACTS_AT_ONCE)
            .try_collect()
            .await?;
        let contacts: Vec<_> = contacts.into_iter().flatten().collect();
        let rows = contacts.iter().map(|contact| &contact.value);
        let terms = self.terms_for(access, place.terms.take(), rows).await?;
        let terms = terms.unwrap_or_default();
        let mut records = Records::default();
        for contact in &contacts {
            let context = Context {
                reference,
                answered_at: contact.at,
            };
            add_contact(&context, &contact.value, &terms, &mut records)?;
        }
        Ok(Converted {
            count: records.customers.len() as u64,
            records,
            total: None,
            next: Next::End,
            place,
            at,
        })
    }

    /// The terms of the business: those known already, else read where a contact needs them.
    async fn terms_for<'a>(
        &self,
        access: &Access,
        known: Option<Terms>,
        contacts: impl IntoIterator<Item = &'a Contact>,
    ) -> ProviderResult<Option<Terms>> {
        let needed = contacts.into_iter().any(|contact| {
            convert::is_customer(contact)
                && (contact.credit_days.is_none() || contact.credit_terms.is_none())
        });
        match known {
            None if needed => self.calls.business_terms(access).await.map(Some),
            known => Ok(known),
        }
    }

    /// One customer as it is now, with its documents.
    pub(super) async fn read_customer(
        &self,
        access: &Access,
        reference: &Reference,
        customer: &str,
    ) -> ProviderResult<Records> {
        let contact = self.calls.contact(access, customer).await?;
        if !convert::is_customer(&contact.value) || contact.value.is_deleted() {
            return Err(ProviderError::NotFound);
        }
        let context = Context {
            reference,
            answered_at: contact.at,
        };
        let terms = self.terms_for(access, None, [&contact.value]).await?;
        let terms = terms.unwrap_or_default();
        let mut records = Records::default();
        add_contact(&context, &contact.value, &terms, &mut records)?;
        let lists = documents_of(customer);
        let reads = lists
            .iter()
            .map(|(dataset, part)| self.read_whole(access, reference, *dataset, part));
        for part in future::try_join_all(reads).await? {
            records.documents.extend(part.documents);
        }
        refuse_absurd_amounts(&records)?;
        Ok(records)
    }

    /// Reads a part from its start to its end.
    async fn read_whole(
        &self,
        access: &Access,
        reference: &Reference,
        dataset: Dataset,
        part: &Part,
    ) -> ProviderResult<Records> {
        let mut all = Records::default();
        let mut place = Place::default();
        loop {
            let page = self
                .read_rows(access, reference, dataset, part, place)
                .await?;
            all.documents.extend(page.records.documents);
            match page.next {
                Next::Page(next) => place = next,
                Next::Part | Next::End => return Ok(all),
            }
        }
    }
}

/// The start of the part that follows, if any.
fn next_part(parts: &[Part], place: &Place, done: u64) -> Option<Place> {
    let number = place.part + 1;
    match parts.get(number)?.ask {
        Ask::Meanwhile if place.began.is_some() => Some(place.meanwhile(number, done)),
        // One page is a picture of one moment.
        Ask::Meanwhile => next_part(parts, &place.of_part(number, done), done),
        _ => Some(place.of_part(number, done)),
    }
}

fn window_of(place: &Place, largest: u32) -> super::paging::Window {
    window(place.end(), place.size(largest))
}

fn add_contact(
    context: &Context<'_>,
    row: &Contact,
    business: &Terms,
    records: &mut Records,
) -> ProviderResult<()> {
    if convert::is_customer(row) {
        let (customer, terms) = convert::contact(context, row, business)?;
        records.customers.push(customer);
        records.terms.extend(terms);
    }
    Ok(())
}

/// A part of a read, whose rows become records.
#[derive(Clone, Copy)]
struct Read<'a> {
    sage: &'a Sage,
    access: &'a Access,
    reference: &'a Reference,
    dataset: Dataset,
    part: &'a Part,
}

impl Read<'_> {
    /// A page of contacts, with the terms of the business for those that have none of their own.
    async fn contacts(self, place: Place) -> ProviderResult<Converted> {
        let mut page = self
            .sage
            .rows::<Contact>(self.access, self.part, place)
            .await?;
        let known = page.place.terms.take();
        let terms = self
            .sage
            .terms_for(self.access, known, page.rows.iter())
            .await?;
        page.place.terms.clone_from(&terms);
        if let Some(next) = &mut page.next {
            next.terms.clone_from(&terms);
        }
        let terms = terms.unwrap_or_default();
        self.converted(page, |context, row, records| {
            add_contact(context, row, &terms, records)
        })
    }

    /// A page of rows that become a document record each.
    async fn documents<T: DeserializeOwned + Row + Send>(
        self,
        place: Place,
        convert: impl Fn(&Context<'_>, &T) -> ProviderResult<DocumentRecord>,
    ) -> ProviderResult<Converted> {
        let page = self.sage.rows(self.access, self.part, place).await?;
        self.converted(page, |context, row, records| {
            records.documents.push(convert(context, row)?);
            Ok(())
        })
    }

    /// Makes records of a page's rows; a row that says that it was deleted is a deletion.
    fn converted<T: Row>(
        self,
        page: ReadPage<T>,
        convert: impl Fn(&Context<'_>, &T, &mut Records) -> ProviderResult<()>,
    ) -> ProviderResult<Converted> {
        let context = Context {
            reference: self.reference,
            answered_at: page.at,
        };
        let mut records = Records::default();
        for row in &page.rows {
            if row.is_deleted() {
                records.deletions.push(Deletion {
                    dataset: self.dataset,
                    ledger_id: row.id().to_owned(),
                });
            } else {
                convert(&context, row, &mut records)?;
            }
        }
        Ok(Converted {
            records,
            count: page.count,
            total: page.total,
            next: page.next.map_or(Next::Part, Next::Page),
            place: page.place,
            at: page.at,
        })
    }
}
