//! Answers kept as bytes. A repeated question by anyone who may see the same costs a look-up and a
//! few atomic loads.
//!
//! An answer is found by what the viewer may see and by the request's body, word for word. It counts
//! while every version counter that it was made under stands where it stood, and until the moment at
//! which the clock alone would change it (a status turning stale, midnight in the organization's time
//! zone). What an answer says of time is absolute, so that it does not age otherwise.

use std::hash::BuildHasher;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use jiff::Timestamp;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::auth::{Role, Trust, Viewer};
use crate::cache::version::Stamp;
use crate::domain::ids::{ContactId, TenantId, UserId};
use crate::service::views::View;

/// Everything about a viewer that an answer may depend on. Two viewers with equal sight get equal
/// answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sight {
    tenant: TenantId,
    role: Role,
    sees_amounts: bool,
    /// The records that the session is about, where they narrow what may be asked for or decide
    /// through which company a contact is looked up.
    records: Option<(Option<Record>, Option<Record>)>,
    person: Option<Person>,
}

type Record = (ContactId, Trust);

/// The viewer's person and session, for answers that speak of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Person {
    user: UserId,
    preset: Arc<str>,
    name: Option<Arc<str>>,
    locale: Option<Arc<str>>,
    contact: Option<ContactId>,
    session_expires_at: Timestamp,
}

impl Sight {
    /// What this viewer shares with all who may see the same.
    pub fn shared(viewer: &Viewer) -> Self {
        let signed = matches!(viewer.contact, Some((_, Trust::Signed)));
        Self {
            tenant: viewer.tenant.clone(),
            role: viewer.role,
            sees_amounts: viewer.sees_amounts,
            records: (signed || viewer.company.is_some())
                .then(|| (viewer.contact.clone(), viewer.company.clone())),
            person: None,
        }
    }

    /// The same with the viewer's person.
    pub fn own(viewer: &Viewer) -> Self {
        Self {
            person: Some(Person {
                user: viewer.user.clone(),
                preset: Arc::clone(&viewer.preset),
                name: viewer.name.clone(),
                locale: viewer.locale.clone(),
                contact: viewer.contact.as_ref().map(|(contact, _)| contact.clone()),
                session_expires_at: viewer.session_expires_at,
            }),
            ..Self::shared(viewer)
        }
    }
}

/// The kept answers, bounded by their bytes.
#[derive(Debug)]
pub struct KeptAnswers {
    /// Seeded anew in each process. A fast one, since a question is some kilobytes long; those who
    /// would make questions collide would only displace their own answers.
    hasher: RandomState,
    answers: Cache<u64, Arc<Answer>>,
}

#[derive(Debug)]
struct Answer {
    sight: Arc<Sight>,
    question: Bytes,
    body: Bytes,
    views: Views,
    stamp: Stamp,
}

/// What an answer shows and that is to be recorded each time; none where nothing is.
pub type Views = Option<Arc<[View]>>;

/// Bytes of bookkeeping for each answer beside its texts, roughly.
const OVERHEAD: usize = 512;

impl KeptAnswers {
    /// Room for so many bytes; the least recently used answer goes first.
    pub fn new(capacity_bytes: u64) -> Self {
        Self {
            hasher: RandomState::default(),
            answers: Cache::builder()
                .name("answers")
                .max_capacity(capacity_bytes)
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|_, answer: &Arc<Answer>| {
                    let bytes = answer.question.len() + answer.body.len() + OVERHEAD;
                    u32::try_from(bytes).unwrap_or(u32::MAX)
                })
                .build(),
        }
    }

    /// A request's body, made ready for look-ups.
    pub fn question(&self, body: Bytes) -> Question {
        Question {
            hash: self.hasher.hash_one(body.as_ref()),
            body,
        }
    }

    /// The answer to a question, when one is kept and still true, and what it shows.
    pub fn get(
        &self,
        sight: &Arc<Sight>,
        question: &Question,
        now: Timestamp,
    ) -> Option<(Bytes, Views)> {
        let answer = self.answers.get(&self.key(sight, question))?;
        let same = (Arc::ptr_eq(&answer.sight, sight) || answer.sight == *sight)
            && answer.question == question.body;
        (same && answer.stamp.holds(now)).then(|| (answer.body.clone(), answer.views.clone()))
    }

    /// Keeps an answer.
    pub fn put(
        &self,
        sight: &Arc<Sight>,
        question: Question,
        body: Bytes,
        views: Views,
        stamp: Stamp,
    ) {
        let key = self.key(sight, &question);
        let question = question.body;
        let answer = Answer {
            sight: Arc::clone(sight),
            question,
            body,
            views,
            stamp,
        };
        self.answers.insert(key, Arc::new(answer));
    }

    /// How many answers are kept, and their weight in bytes.
    pub fn size(&self) -> (u64, u64) {
        self.answers.run_pending_tasks();
        (self.answers.entry_count(), self.answers.weighted_size())
    }

    /// A look-up compares the whole question, so the key need not be unique.
    fn key(&self, sight: &Arc<Sight>, question: &Question) -> u64 {
        self.hasher.hash_one((sight.as_ref(), question.hash))
    }
}

/// A request's body with its hash, which is by far the dearer part of a look-up and done once for
/// all of them.
#[derive(Clone, Debug)]
pub struct Question {
    body: Bytes,
    hash: u64,
}

impl Question {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}
