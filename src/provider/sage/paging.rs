//! Reading a whole list in pages, without gaps, while it changes.
//!
//! Sage pages by number over live data: a row that leaves one of the earlier pages moves all later ones
//! up, and the next page skips one. A page past the end is the last page once more, and `$next` is not
//! always filled, so the end is known only by counting against `$total`.
//!
//! **Lists that can be ordered by the time of change** (invoices, credit notes, quick entries,
//! payments, allocations) are keyed by it: each page asks for what changed at or after the time of the
//! last row read, in that order, and begins with page 1 of that. A row that changes meanwhile moves
//! behind the place and is read again; one that goes takes only itself away. Times are whole seconds, so
//! the rows of the last second come again with the next page.
//!
//! **Lists without an order** (contacts, items, opening balances), and seconds with more rows than a
//! page holds, are read by position. The page is then chosen so that it overlaps what is read already
//! ([`window`]): where the last row read is found on it, nothing was skipped; where it is not, the read
//! goes back. What a position cannot show is a row that moves from the part still unread into the part
//! already read. Such a row has changed since the read began, so the read ends by asking what did
//! ([`super::list::Ask::Meanwhile`]).
//!
//! A page that is too much for Sage (it answers 5xx) is asked for in halves until it works.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::list::{Part, instant};
use super::wire::{List, Row};
use crate::provider::{Cursor, ProviderError, ProviderResult};

/// How often the read of one part may go back because rows moved, before it is given up for now.
const GOES_BACK_AT_MOST: u32 = 50;
/// How many pages a read by position goes back.
const PAGES_BACK: u64 = 5;
/// By how many rows pages overlap where that is possible.
const OVERLAP: u64 = 10;

/// Where the next page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Which part of the read.
    #[serde(rename = "s", default)]
    pub(super) part: usize,
    /// From which time of change on; moves on in an ordered list.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    /// How many rows of the list from that time on are read.
    #[serde(rename = "e", default)]
    end: u64,
    /// The last row read, to be found again on the next page, where that is read by position.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    anchor: Option<String>,
    /// How many rows of that very time have been counted already.
    #[serde(rename = "n", default)]
    counted: u64,
    /// How many rows have been counted in all.
    #[serde(rename = "d", default)]
    pub(super) done: u64,
    /// Rows on a page, where large ones were too much; 0 where none was.
    #[serde(rename = "p", default)]
    size: u32,
    /// How often it went back.
    #[serde(rename = "x", default)]
    went_back: u32,
    /// When the read of the part began, once it has more than one page; carries over to the part that
    /// asks what changed meanwhile.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<String>,
    /// The terms of contacts that have none of their own, once read.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) terms: Option<super::terms::Terms>,
}

impl Place {
    /// Reads a cursor. One that cannot be read (of an older version, say) starts the read anew, which
    /// is always right.
    pub(super) fn read(cursor: Option<&Cursor>) -> Self {
        let Some(cursor) = cursor else {
            return Self::default();
        };
        serde_json::from_str(&cursor.0).unwrap_or_else(|_| {
            tracing::warn!(provider = "sage", "unreadable cursor: reading anew");
            Self::default()
        })
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// The start of a part, with what carries over from the one before.
    pub(super) fn of_part(&self, part: usize, done: u64) -> Self {
        Self {
            part,
            done,
            terms: self.terms.clone(),
            ..Self::default()
        }
    }

    /// The start of the part that asks what changed while the one before was read.
    pub(super) fn meanwhile(&self, part: usize, done: u64) -> Self {
        Self {
            began: self.began.clone(),
            ..self.of_part(part, done)
        }
    }

    /// Whether no page of its part is read.
    pub(super) fn is_start(&self) -> bool {
        self.time.is_none() && self.end == 0 && self.anchor.is_none() && self.went_back == 0
    }

    /// How many rows are read, from the place's time on.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Rows on the next page.
    pub(super) fn size(&self, largest: u32) -> u32 {
        match self.size {
            0 => largest,
            size => size.min(largest),
        }
    }

    /// The same place with half the rows on a page.
    pub(super) fn halved(&self, largest: u32) -> Self {
        Self {
            size: (self.size(largest) / 2).max(1),
            ..self.clone()
        }
    }
}

/// A page by number and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) page: u64,
    pub(super) size: u32,
}

impl Window {
    /// The position of its first row.
    fn start(self) -> u64 {
        (self.page - 1).saturating_mul(self.size.into())
    }
}

/// The page that goes on behind so many rows, overlapping them by a few. Pages begin at multiples of
/// their size, so a size is sought that fits: one that reaches furthest, of those that overlap enough.
pub(super) fn window(end: u64, largest: u32) -> Window {
    let largest = largest.max(1);
    if end == 0 {
        return Window {
            page: 1,
            size: largest,
        };
    }
    let wished = OVERLAP.min(u64::from(largest) / 20).max(1);
    for overlap in [wished.min(end), 1] {
        let windows = (largest / 2 + 1..=largest).map(|size| Window {
            page: (end - overlap) / u64::from(size) + 1,
            size,
        });
        let furthest = windows.max_by_key(|window| window.start() + u64::from(window.size));
        if let Some(furthest) = furthest
            && furthest.start() + u64::from(furthest.size) > end
        {
            return furthest;
        }
    }
    // Of tiny pages none overlaps and goes on: the largest that begins right behind.
    let fits = (1..=largest)
        .rev()
        .find(|size| end.is_multiple_of(u64::from(*size)));
    let size = fits.unwrap_or(1);
    Window {
        page: end / u64::from(size) + 1,
        size,
    }
}

/// What a page says about the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Rows may have been skipped: read on from here instead.
    Again(Place),
    /// The page counts.
    Read {
        /// Rows on it that were not counted before.
        count: u64,
        /// Where the next one begins; `None` after the last of the part.
        next: Option<Place>,
    },
}

/// What follows from a page that was read at a place.
///
/// # Errors
/// [`ProviderError::Malformed`] when rows are missing, lack their time or are not in order: reading on
/// could then lose rows. [`ProviderError::Unavailable`] when they keep moving.
pub(super) fn step<R: Row>(
    part: &Part,
    place: &Place,
    asked: Window,
    largest: u32,
    answer: &List<R>,
) -> ProviderResult<Step> {
    let path = part.endpoint.path;
    let rows = answer.items.len() as u64;
    let start = start_of(asked, answer.total);
    let is_last = match answer.total {
        Some(total) => start + rows >= total,
        None => rows < u64::from(asked.size),
    };
    if !is_last && start + rows <= place.end {
        return Err(fault(path, "there are fewer rows than the list says"));
    }
    // On a page that is the whole list no time decides anything.
    let is_whole = is_last && place.time.is_none();
    let times = (part.is_ordered() && !is_whole).then(|| times(path, &answer.items));
    let times = times.transpose()?;

    let mut overlap = 0;
    if let Some(anchor) = &place.anchor
        && asked.start() < place.end
    {
        let found = answer.items.iter().position(|row| row.id() == anchor);
        // In an ordered list a row that changed no longer stands where it stood.
        let found = found.filter(|at| match (&times, &place.time) {
            (Some(times), Some(time)) => instant(times[*at]) == *time,
            _ => true,
        });
        match found {
            Some(at) => overlap = at as u64 + 1,
            None => return went_back(path, place, part.is_ordered(), largest),
        }
    } else if let (Some(times), Some(time), 0) = (&times, &place.time, place.end) {
        let of_time = times.iter().filter(|at| instant(**at) == *time).count() as u64;
        overlap = place.counted.min(of_time);
    }
    let count = rows - overlap.min(rows);
    if is_last {
        return Ok(Step::Read { count, next: None });
    }

    let grown = Place {
        size: match place.size {
            0 => 0,
            size => size.saturating_mul(2).min(largest),
        },
        done: place.done + count,
        ..place.clone()
    };
    let last = answer.items.last().map(|row| row.id().to_owned());
    let by_position = Place {
        end: start + rows,
        anchor: last,
        ..grown.clone()
    };
    let next = match times.as_deref() {
        None => by_position,
        Some(times) => {
            let (Some(first), Some(last)) = (times.first(), times.last()) else {
                return Err(fault(path, "there are fewer rows than the list says"));
            };
            let time = instant(*last);
            let begins_there = place
                .time
                .as_deref()
                .map_or(*first == *last, |from| from == time);
            if begins_there && instant(*first) == time {
                // The whole page has one time: on by position.
                Place {
                    time: Some(time),
                    counted: if place.time.is_some() {
                        place.counted + count
                    } else {
                        count
                    },
                    ..by_position
                }
            } else {
                let of_time = times.iter().filter(|at| instant(**at) == time).count();
                Place {
                    time: Some(time),
                    end: 0,
                    anchor: None,
                    counted: of_time as u64,
                    ..grown
                }
            }
        }
    };
    Ok(Step::Read {
        count,
        next: Some(next),
    })
}

/// Where the rows of an answer begin. A page past the end is the last one once more.
fn start_of(asked: Window, total: Option<u64>) -> u64 {
    let start = asked.start();
    match total {
        Some(total) if start >= total => {
            let size = u64::from(asked.size);
            total.saturating_sub(1) / size * size
        }
        _ => start,
    }
}

/// The place to read on from where the last row read is not found again.
fn went_back(path: &str, place: &Place, ordered: bool, largest: u32) -> ProviderResult<Step> {
    if place.went_back >= GOES_BACK_AT_MOST {
        return Err(ProviderError::Unavailable {
            what: format!("the rows of {path} keep moving"),
        });
    }
    // The rows of one second are read again from the first.
    let end = if ordered {
        0
    } else {
        place.end.saturating_sub(PAGES_BACK * u64::from(largest))
    };
    Ok(Step::Again(Place {
        end,
        anchor: None,
        went_back: place.went_back + 1,
        ..place.clone()
    }))
}

fn times<R: Row>(path: &str, rows: &[R]) -> ProviderResult<Vec<Timestamp>> {
    let times = rows
        .iter()
        .map(|row| {
            let time = row.updated_at();
            let time = time.ok_or_else(|| fault(path, "a row has no updated_at"))?;
            time.parse()
                .map_err(|_| fault(path, "an updated_at is no instant"))
        })
        .collect::<ProviderResult<Vec<Timestamp>>>()?;
    if times.is_sorted() {
        Ok(times)
    } else {
        Err(fault(path, "the rows are not in order"))
    }
}

fn fault(path: &str, reason: &str) -> ProviderError {
    ProviderError::Malformed {
        path: format!("{path}.$items"),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_overlap_what_is_read_and_always_go_on() {
        for largest in 1..=200 {
            let (mut end, mut pages) = (0, 0);
            while end < 3_000 {
                let next = window(end, largest);
                assert!(next.size <= largest);
                let start = next.start();
                assert!(start <= end, "{largest}: a gap behind {end}");
                let reaches = start + u64::from(next.size);
                assert!(reaches > end, "{largest}: no progress behind {end}");
                if end > 0 && largest >= 20 {
                    assert!(start < end, "{largest}: no overlap behind {end}");
                }
                end = reaches;
                pages += 1;
            }
            if largest == 200 {
                assert!(pages <= 18, "{pages} pages of 200 for 3000 rows");
            }
        }
    }

    #[test]
    fn a_page_past_the_end_is_the_last_one() {
        let asked = Window { page: 9, size: 50 };
        assert_eq!(start_of(asked, Some(130)), 100);
        assert_eq!(start_of(asked, Some(100)), 50);
        assert_eq!(start_of(asked, Some(0)), 0);
        assert_eq!(start_of(asked, Some(1_000)), 400);
        assert_eq!(start_of(asked, None), 400);
    }
}
