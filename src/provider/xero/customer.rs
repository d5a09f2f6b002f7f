//! One customer as it is now: the contact with its balance, its invoices by `ContactIDs`, and its
//! credits by a filter on the contact: five calls where each list has one page.
//!
//! Payments cannot be asked for by contact; asking once for each invoice would be too dear. They are
//! taken from inside the documents that they belong to, which show those that are not deleted. One
//! that was deleted meanwhile goes with the next question for changes.

use super::convert::Context;
use super::list::{self, Place, Step};
use super::wire::Answer;
use super::{Question, Xero};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::Records;
use crate::provider::{Access, ProviderError, ProviderResult, Reference};

/// What has a contact to be asked for by.
const BY_CONTACT: [Dataset; 4] = [
    Dataset::Invoices,
    Dataset::CreditNotes,
    Dataset::Overpayments,
    Dataset::Prepayments,
];

pub(super) async fn read(
    xero: &Xero,
    access: &Access,
    reference: &Reference,
    customer: &CustomerId,
) -> ProviderResult<Records> {
    // Ids are GUIDs. Anything else would be read as another question, or as a part of the filter.
    let id = customer.as_str();
    if uuid::Uuid::try_parse(id).is_err() {
        return Err(ProviderError::NotFound);
    }
    let question = Question {
        path: vec!["Contacts", id],
        ..Question::default()
    };
    let contact = xero.calls.ask(access, "contact", &question).await?;
    let context = Context::new(reference, contact.at);
    let mut records = context.records(&contact.answer)?.records;
    if records.customers.is_empty() {
        return Err(ProviderError::NotFound);
    }
    for dataset in BY_CONTACT {
        match documents(xero, access, dataset, id).await {
            Ok(pages) => {
                for page in pages {
                    let converted = context.records(&page)?.records;
                    records.documents.extend(converted.documents);
                    records.deletions.extend(converted.deletions);
                    context.add_nested_payments(&page, &mut records)?;
                }
            }
            // Books of more than 100,000 credits are not filtered. Those come with the changes.
            Err(ProviderError::Rejected { code }) if dataset != Dataset::Invoices => {
                tracing::warn!(provider = "xero", code, "credits not filtered by contact");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

/// All pages of a contact's documents.
async fn documents(
    xero: &Xero,
    access: &Access,
    dataset: Dataset,
    contact: &str,
) -> ProviderResult<Vec<Answer>> {
    let list = list::list(dataset)?;
    let by_contact = if dataset == Dataset::Invoices {
        ("ContactIDs", contact.to_owned())
    } else {
        ("where", format!(r#"Contact.ContactID==guid("{contact}")"#))
    };
    let mut place = Place::start(xero.page_size);
    let mut pages = Vec::new();
    loop {
        let mut question = xero.question(&list, place, None);
        question.parameters.push(by_contact.clone());
        let answered = xero.calls.ask(access, "documents", &question).await?;
        let step = list.step(place, &answered.answer, xero.page_size);
        pages.push(answered.answer);
        match step {
            Step::Read(None) => return Ok(pages),
            Step::Read(Some(next)) | Step::Again(next) => place = next,
        }
    }
}
