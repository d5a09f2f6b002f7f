//! The pulse of a contact as it changes: the present one at once, then a new one each time that a
//! change of what it rests on made it another.

use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};

use super::Caller;
use super::error::ServiceError;
use super::read::{ContactView, PulseView, Reader};
use crate::cache::version::Stamp;
use crate::domain::ids::ContactId;
use crate::domain::pulse::Pulse;

/// Changes that come in a row are answered by one pulse: a sync applies a payment and its
/// applications in steps, and nobody reads faster.
const COALESCE: Duration = Duration::from_millis(100);

/// A pulse that differs only in when the ledger was last checked is worth sending this often.
const CHECKED_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// One who follows a contact.
#[derive(Debug)]
struct Follower {
    reader: Arc<Reader>,
    caller: Arc<Caller>,
    contact: ContactId,
    company: Option<ContactId>,
    shown: Option<Shown>,
}

/// What the follower was sent last.
#[derive(Debug)]
struct Shown {
    contact: ContactView,
    pulse: Arc<PulseView>,
    stamp: Stamp,
    at: Timestamp,
}

/// The pulses of a contact from now on. The stream ends with the viewer's session, when the viewer's
/// role changes, and when the contact no longer reaches the same customers: the page then asks anew.
///
/// The first item is an error when the contact is not for this viewer or is not linked.
pub fn pulses(
    reader: Arc<Reader>,
    caller: Arc<Caller>,
    contact: ContactId,
    company: Option<ContactId>,
) -> impl Stream<Item = Result<Arc<PulseView>, ServiceError>> {
    let follower = Follower {
        reader,
        caller,
        contact,
        company,
        shown: None,
    };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(pulse)) => Some((Ok(pulse), Some(follower))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl Follower {
    /// The next pulse; `None` at the end.
    async fn next(&mut self) -> Result<Option<Arc<PulseView>>, ServiceError> {
        let Some(mut shown) = self.shown.take() else {
            let first = self.look().await?.ok_or(ServiceError::NotFound {
                what: "linked contact",
            })?;
            return Ok(Some(self.show(first)));
        };
        loop {
            if !self.wait(&shown.stamp).await {
                return Ok(None);
            }
            let Some(now) = self.look().await? else {
                return Ok(None);
            };
            if !now.contact.reaches_the_same(&shown.contact) || !self.standing_is_the_same().await?
            {
                return Ok(None);
            }
            if is_news(&shown, &now) {
                return Ok(Some(self.show(now)));
            }
            shown.stamp = now.stamp;
        }
    }

    fn show(&mut self, shown: Shown) -> Arc<PulseView> {
        let pulse = Arc::clone(&shown.pulse);
        if let Some(view) = shown.contact.viewed(pulse.pulse.decision.decision) {
            let viewer = &self.caller.viewer;
            self.reader.views().note(viewer, &[view], shown.at);
        }
        self.shown = Some(shown);
        pulse
    }

    async fn look(&self) -> Result<Option<Shown>, ServiceError> {
        let mut stamp = Stamp::default();
        let company = self.company.as_ref();
        let contact = self
            .reader
            .contact(&self.caller.viewer, &self.contact, company, &mut stamp)
            .await?;
        let Some(contact) = contact else {
            return Ok(None);
        };
        let pulse = self.reader.pulse(&contact, None, &mut stamp)?;
        Ok(pulse.map(|pulse| Shown {
            contact,
            pulse: Arc::new(pulse),
            stamp,
            at: self.reader.now(),
        }))
    }

    /// Whether the tenant still ranks the viewer as when the stream began.
    async fn standing_is_the_same(&self) -> Result<bool, ServiceError> {
        let identity = &self.caller.identity;
        let now = self.reader.viewer(identity, &mut Stamp::default()).await?;
        Ok(now.as_ref() == Some(&*self.caller.viewer))
    }

    /// Waits until the shown pulse may be out of date; false when the session is over before.
    async fn wait(&self, stamp: &Stamp) -> bool {
        let viewer = &self.caller.viewer;
        let session = viewer.session_expires_at.min(viewer.session_hard_cap);
        let by_the_clock = stamp.until().map_or(session, |until| until.min(session));
        tokio::select! {
            () = stamp.moved() => tokio::time::sleep(COALESCE).await,
            () = self.sleep_until(by_the_clock) => {}
        }
        self.reader.now() < session
    }

    /// Sleeps until a moment of the application's clock.
    async fn sleep_until(&self, moment: Timestamp) {
        let left = moment.duration_since(self.reader.now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
    }
}

fn is_news(shown: &Shown, now: &Shown) -> bool {
    let (before, after) = (&shown.pulse.pulse, &now.pulse.pulse);
    if !now.pulse.same_books(&shown.pulse) || untimed(before) != untimed(after) {
        return true;
    }
    before.freshness.checked_at != after.freshness.checked_at
        && now.at.duration_since(shown.at) >= CHECKED_AGAIN
}

/// The pulse without the times at which the ledger was checked, which move with every poll.
fn untimed(pulse: &Pulse) -> Pulse {
    let mut pulse = pulse.clone();
    let parts = pulse.parts.iter_mut().map(|part| &mut part.freshness);
    for freshness in parts.chain([&mut pulse.freshness]) {
        freshness.checked_at = None;
        freshness.changes_at = None;
        for dataset in &mut freshness.datasets {
            dataset.succeeded_at = dataset.succeeded_at.map(|_| Timestamp::UNIX_EPOCH);
            dataset.attempted_at = None;
            // Counts matter while a first load shows them, and then they are in `progress`.
            dataset.loaded = 0;
            dataset.expected = None;
        }
    }
    pulse
}
