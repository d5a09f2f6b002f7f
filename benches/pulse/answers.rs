//! What each contact's answer must be.
//!
//! The sync polls each second, and each poll moves the times at which the ledger was checked; one that
//! comes late lets the status turn stale, which it does after two intervals. So an answer is compared
//! byte for byte with the last one known to be right; where they differ, the two must be the same but
//! for that, and the new one is from then on the one known to be right.

use std::cell::RefCell;

use bytes::Bytes;

/// The answers known to be right, by contact.
#[derive(Debug, Default)]
pub(crate) struct Answers(RefCell<Vec<Bytes>>);

impl Answers {
    /// The answers that the executor gave when it might use no kept one.
    pub(crate) fn new(made: Vec<Bytes>) -> Self {
        Self(RefCell::new(made))
    }

    /// How many contacts there are.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// The answer of a contact.
    pub(crate) fn body(&self, contact: usize) -> Bytes {
        self.0.borrow()[contact].clone()
    }

    /// Compares an answer of a contact.
    pub(crate) fn check(&self, contact: usize, body: &[u8]) {
        let mut known = self.0.borrow_mut();
        let right = &mut known[contact];
        if right == body {
            return;
        }
        let (one, other) = (without_the_times(right), without_the_times(body));
        if let Some(place) =
            (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at))
        {
            let around = |text: &[u8]| {
                let end = text.len().min(place + 60);
                String::from_utf8_lossy(&text[place.saturating_sub(60).min(end)..end]).into_owned()
            };
            panic!(
                "contact {contact} was answered wrongly:\n  {}\ninstead of\n  {}",
                around(&other),
                around(&one)
            );
        }
        *right = Bytes::copy_from_slice(body);
    }
}

/// An answer with every instant (`"2026-…T…Z"`), the hash over the decision's inputs and the status of
/// the freshness blanked.
fn without_the_times(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let blank = |part: &str| {
        let instant = part.len() >= 20 && part.ends_with('Z') && part.as_bytes()[10] == b'T';
        let hash = part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        instant || hash || part == "FRESH" || part == "STALE"
    };
    let parts = text
        .split('"')
        .map(|part| if blank(part) { "" } else { part });
    parts.collect::<Vec<_>>().join("\"").into_bytes()
}
