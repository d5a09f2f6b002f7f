//! Webhooks: what happened in the books, told to an address, signed. One sender for all wire formats.
//!
//! What was not accepted is sent again with whatever happens next, in one growing batch, or when it is
//! ordered; nothing is sent again by time alone, so that tests do not depend on it.

use std::time::Duration;

use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use super::books::Change;
use super::format::Format;
use super::state::{Company, Shared};
use super::{quickbooks, xero};

/// What becomes of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// They are sent at once.
    #[default]
    Deliver,
    /// They wait for an order to send them.
    Hold,
    /// They are lost.
    Drop,
}

/// How QuickBooks words them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Style {
    /// An array of `CloudEvents`, since 2026.
    #[default]
    CloudEvents,
    /// `eventNotifications`, before.
    Legacy,
}

/// Where a wire format's webhooks go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The address; nothing is noted without one.
    pub(crate) url: Option<String>,
    /// What the body is signed with, as text.
    #[serde(default)]
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) style: Style,
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) realm: String,
    /// As the wire format words it.
    pub(crate) body: Value,
}

/// A wire format's events, and where they go.
#[derive(Debug, Default)]
pub(crate) struct Hook {
    pub(crate) settings: Settings,
    sequence: u64,
    pending: Vec<Event>,
    /// What was accepted last, to be sent once more.
    accepted: Vec<Event>,
    sending: bool,
}

/// An order to send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Order {
    /// Whose.
    pub(crate) format: Format,
    /// What was accepted last, and not what waits.
    pub(crate) repeat: bool,
    /// The last event first.
    pub(crate) reorder: bool,
    /// With a byte of the body changed after it was signed.
    pub(crate) forge: bool,
}

impl Hook {
    /// How many events wait.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }
}

/// An event of a wire format, if it has one for what happened.
fn event(
    format: Format,
    style: Style,
    (realm, company): (&str, &Company),
    change: &Change,
    now: Timestamp,
) -> Option<Value> {
    match format {
        Format::QuickBooks => quickbooks::webhook::event(style, realm, change, now),
        Format::Xero => xero::webhook::event(company, realm, change, now),
        // It has none.
        Format::Sage => None,
    }
}

/// The body of a request that tells events.
fn body(format: Format, style: Style, events: &[Event]) -> String {
    match format {
        Format::Xero => xero::webhook::body(events),
        Format::QuickBooks | Format::Sage => quickbooks::webhook::body(style, events),
    }
}

/// The header that carries the signature, and how long the receiver has to answer.
fn manners(format: Format) -> (&'static str, Duration) {
    match format {
        Format::Xero => ("x-xero-signature", Duration::from_secs(5)),
        Format::QuickBooks | Format::Sage => ("intuit-signature", Duration::from_secs(3)),
    }
}

/// The signature of a body: HMAC-SHA256 of its bytes under the text of the key, in base64.
fn signature(key: &str, body: &[u8]) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What the receiver said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    /// 0 for none in time.
    status: u16,
    accepted: bool,
}

impl Shared {
    /// Turns what happened since the last call into events, and sends them where that is wanted.
    pub(crate) fn publish(&self) {
        let now = self.now();
        let mut due = Vec::new();
        {
            let mut world = self.world();
            let world = &mut *world;
            let hooks = &mut world.hooks;
            for (realm, company) in &mut world.companies {
                for change in company.books.take_changes() {
                    for format in Format::ALL {
                        let hook = &mut hooks[format];
                        if hook.settings.url.is_none() || hook.settings.mode == Mode::Drop {
                            continue;
                        }
                        let told = (realm.as_str(), &*company);
                        if let Some(body) = event(format, hook.settings.style, told, &change, now) {
                            hook.sequence += 1;
                            hook.pending.push(Event {
                                sequence: hook.sequence,
                                realm: realm.clone(),
                                body,
                            });
                        }
                    }
                }
            }
            for format in Format::ALL {
                let hook = &mut hooks[format];
                if hook.settings.mode == Mode::Deliver && !hook.pending.is_empty() && !hook.sending
                {
                    hook.sending = true;
                    due.push(format);
                }
            }
        }
        for format in due {
            let shared = self.clone();
            tokio::spawn(async move { shared.send_all(format).await });
        }
    }

    /// Sends what waits, and what came to wait meanwhile, until there is none or it is refused.
    async fn send_all(&self, format: Format) {
        loop {
            let order = Order {
                format,
                ..Order::default()
            };
            let accepted = self.send(&order).await.accepted;
            let hook = &mut self.world().hooks[format];
            if !accepted || hook.pending.is_empty() {
                hook.sending = false;
                return;
            }
        }
    }

    /// Carries out an order.
    async fn send(&self, order: &Order) -> Answer {
        let (events, settings) = {
            let world = self.world();
            let hook = &world.hooks[order.format];
            let events = if order.repeat {
                &hook.accepted
            } else {
                &hook.pending
            };
            (events.clone(), hook.settings.clone())
        };
        let last = events.last().map_or(0, |event| event.sequence);
        let mut told = events.clone();
        if order.reorder {
            told.reverse();
        }
        let mut text = body(order.format, settings.style, &told).into_bytes();
        let signed = signature(&settings.key, &text);
        if order.forge
            && let Some(at) = text.iter().rposition(u8::is_ascii_digit)
        {
            text[at] = if text[at] == b'9' { b'8' } else { text[at] + 1 };
        }
        let answer = self.post(order.format, &settings, text, &signed).await;
        if answer.accepted && !order.repeat && !order.forge {
            let hook = &mut self.world().hooks[order.format];
            hook.pending.retain(|event| event.sequence > last);
            hook.accepted = events;
        }
        answer
    }

    async fn post(
        &self,
        format: Format,
        settings: &Settings,
        body: Vec<u8>,
        signed: &str,
    ) -> Answer {
        let silence = Answer {
            status: 0,
            accepted: false,
        };
        let (Some(url), Some(client)) = (&settings.url, self.client()) else {
            return silence;
        };
        let (name, patience) = manners(format);
        let sent = client
            .post(url)
            .timeout(patience)
            .header(header::CONTENT_TYPE, "application/json")
            .header(name, signed)
            .body(body)
            .send()
            .await;
        let Ok(response) = sent else {
            return silence;
        };
        let status = response.status().as_u16();
        let has_cookies = response.headers().contains_key(header::SET_COOKIE);
        let Ok(said) = response.bytes().await else {
            return silence;
        };
        let accepted = match format {
            // Documented: 200, without a body and without cookies.
            Format::Xero => status == 200 && said.is_empty() && !has_cookies,
            Format::QuickBooks | Format::Sage => status == 200,
        };
        Answer { status, accepted }
    }

    /// Carries out an order of the control endpoint, and says what the receiver said.
    pub(crate) async fn deliver(&self, order: &Order) -> Value {
        let answer = self.send(order).await;
        let waiting = self.world().hooks[order.format].waiting();
        json!({"status": answer.status, "accepted": answer.accepted, "waiting": waiting})
    }

    /// Asks a receiver whether it judges signatures rightly: without events, signed rightly and wrongly
    /// in turn, the wrong ones by one character.
    pub(crate) async fn ask_intent(&self, format: Format) -> Value {
        let settings = self.world().hooks[format].settings.clone();
        let mut answers = Vec::new();
        for right in [true, false, true, false] {
            let text = body(format, settings.style, &[]).into_bytes();
            let mut signed = signature(&settings.key, &text);
            if !right {
                let other = if signed.starts_with('A') { "B" } else { "A" };
                signed.replace_range(..1, other);
            }
            let answer = self.post(format, &settings, text, &signed).await;
            let judged = if right {
                answer.accepted
            } else {
                answer.status == 401
            };
            answers.push(
                json!({"signed_rightly": right, "status": answer.status, "judged_rightly": judged}),
            );
        }
        let kept = answers
            .iter()
            .all(|answer| answer["judged_rightly"] == true);
        json!({"answers": answers, "enabled": kept})
    }
}
