//! Ids and scalars: what reads also writes, and reads again to the same.

use async_graphql::{InputType, ScalarType, Value};
use financial_pulse::auth::Role;
use financial_pulse::auth::preset::{COMPANY_KIND, CONTACT_KIND, NATIVE, PIPEDRIVE, contact_id};
use financial_pulse::config::{EncryptionKey, FrameAncestor};
use financial_pulse::domain::document::DocumentId;
use financial_pulse::domain::ids::{ContactId, CustomerKey};
use financial_pulse::domain::money::{Currency, Money};
use financial_pulse::graphql::types::scalars::{CurrencyCode, Date, DateTime, Decimal};

use super::{Entry, fate, input, taken_apart};

pub(super) const WORDS: Entry = Entry {
    name: "words",
    longest: 512,
    sample: 20_000,
    run,
    seeds,
    words: &[
        "native:",
        "pipedrive:",
        "person:",
        "company:",
        "deal:",
        "invoice:",
        "credit_note:",
        "USD",
        "XXX",
        "79228162514264337593543950335",
        "0.0000000000000000000000000001",
        "1e9",
        "-0",
        "2026-11-30",
        "T00:00:00Z",
        "+14:00",
        "https://",
        "https://*.",
        "http://localhost:",
        "[::1]",
        "*",
        "\u{301}",
        "\u{202e}",
        "xn--",
    ],
};

const MODES: u8 = 6;

fn run(input: &[u8]) -> u64 {
    let Some((mode, pieces)) = taken_apart(input, MODES) else {
        return 0;
    };
    let Ok(text) = std::str::from_utf8(pieces[0]) else {
        return 1;
    };
    let second = pieces
        .get(1)
        .and_then(|piece| std::str::from_utf8(piece).ok());
    let second = second.unwrap_or_default();
    let told = match mode {
        0 => ids(text),
        1 => scalars(text),
        2 => contacts(text),
        3 => selected(text, second),
        4 => origins(text),
        _ => money(text, second),
    };
    fate((mode, told))
}

fn ids(text: &str) -> Vec<bool> {
    let contact = ContactId::parse(text);
    if let Ok(contact) = &contact {
        assert_eq!(contact.as_str(), text);
        assert!(text.len() <= ContactId::MAX_BYTES && !text.chars().any(char::is_control));
        let (preset, kind) = (contact.preset(), contact.kind());
        let rest = text
            .strip_prefix(&format!("{preset}:{kind}:"))
            .expect("its own parts");
        assert!(!rest.trim().is_empty());
    }
    let customer = CustomerKey::parse(text);
    if let Some(customer) = &customer {
        assert_eq!(customer.to_string(), text);
    }
    let document = DocumentId::parse(text);
    if let Some(document) = &document {
        assert_eq!(document.to_string(), text);
        assert_eq!(
            DocumentId::parse(&document.to_string()).as_ref(),
            Some(document)
        );
    }
    let role = Role::parse(text);
    assert!(role.is_none_or(|role| role.as_str() == text));
    if let Some(key) = EncryptionKey::parse(text) {
        assert_eq!(format!("{key:?}"), "[secret]");
        assert_eq!(
            EncryptionKey::parse(&format!(" {text}\n")).map(|key| *key.expose()),
            Some(*key.expose())
        );
    }
    vec![
        contact.is_ok(),
        customer.is_some(),
        document.is_some(),
        role.is_some(),
    ]
}

/// A scalar that reads is written so that it reads again to the same.
fn again<T: ScalarType + InputType + PartialEq + std::fmt::Debug>(text: &str) -> Option<String> {
    let read = <T as ScalarType>::parse(Value::from(text)).ok()?;
    let written = ScalarType::to_value(&read);
    let Value::String(text) = &written else {
        panic!("{written:?} is no text");
    };
    let text = text.clone();
    let back = <T as ScalarType>::parse(written).ok();
    assert_eq!(back.as_ref(), Some(&read));
    Some(text)
}

fn scalars(text: &str) -> Vec<bool> {
    let decimal = again::<Decimal>(text);
    if let Some(written) = &decimal {
        // No place is dropped or made up but zeros in front and a sign before zero.
        let plain = |text: &str| {
            let digits = text
                .trim_start_matches('-')
                .trim_start_matches('0')
                .to_owned();
            if digits.is_empty() || digits.starts_with('.') {
                format!("0{digits}")
            } else {
                digits
            }
        };
        assert_eq!(plain(written), plain(text));
    }
    let day = again::<Date>(text);
    if let Some(written) = &day {
        assert_eq!(written, text);
    }
    let currency = again::<CurrencyCode>(text);
    if let Some(written) = &currency {
        assert_eq!(written, text);
    }
    let instant = again::<DateTime>(text);
    vec![
        decimal.is_some(),
        day.is_some(),
        currency.is_some(),
        instant.is_some(),
    ]
}

/// A contact's id of a preset stays within that preset.
fn contacts(text: &str) -> Vec<bool> {
    let mut told = Vec::new();
    for preset in [&NATIVE, &PIPEDRIVE] {
        for kind in [CONTACT_KIND, COMPANY_KIND] {
            let id = contact_id(preset.crm, text, kind);
            if let Some(id) = &id {
                assert_eq!(id.preset(), preset.crm);
                assert_eq!(contact_id(preset.crm, id.as_str(), kind).as_ref(), Some(id));
            }
            told.push(id.is_some());
        }
    }
    told
}

fn selected(resource: &str, ids: &str) -> Vec<bool> {
    let id = PIPEDRIVE.selected(Some(resource), ids);
    if let Some(id) = &id {
        assert_eq!(id.as_str(), format!("pipedrive:{resource}:{ids}"));
        assert!(ids.bytes().all(|byte| byte.is_ascii_digit()));
    }
    vec![id.is_some()]
}

/// An origin stands in a header as it is: nothing in it may end the directive or widen it.
fn origins(text: &str) -> Vec<bool> {
    let origin = FrameAncestor::parse(text);
    if let Some(origin) = &origin {
        assert_eq!(origin.as_str(), text);
        assert!(text.is_ascii(), "{text}");
        let bad = |byte: u8| {
            byte.is_ascii_whitespace() || byte.is_ascii_control() || b";,'\"".contains(&byte)
        };
        assert!(!text.bytes().any(bad), "{text:?}");
        assert!(text.matches('*').count() <= 1, "{text}");
        let (_, host) = text.split_once("://").expect("a scheme");
        assert!(
            !host.contains('/') && !host.contains('@') && !host.contains('?'),
            "{text}"
        );
    }
    vec![origin.is_some()]
}

fn money(amount: &str, code: &str) -> Vec<bool> {
    let amount = rust_decimal::Decimal::from_str_exact(amount).ok();
    let currency = code.parse::<Currency>().ok();
    if let (Some(amount), Some(currency)) = (amount, currency) {
        let money = Money::new(amount, currency);
        assert_eq!(money.to_wire(), amount, "no place is lost");
        assert!(money.rounded().amount.scale() <= currency.minor_digits());
        let text = money.to_string();
        assert!(text.ends_with(code), "{text}");
    }
    vec![amount.is_some(), currency.is_some()]
}

fn seeds() -> Vec<Vec<u8>> {
    let key = "07".repeat(32);
    let seeds: [(u8, &[&str]); 21] = [
        (0, &["native:person:42"]),
        (0, &["acme-quickbooks:7"]),
        (0, &["invoice:130"]),
        (0, &["account_manager"]),
        (0, &[&key]),
        (1, &["1250.00"]),
        (1, &["-0.00"]),
        (1, &["2026-11-30"]),
        (1, &["2026-11-30T09:15:00.5+02:00"]),
        (1, &["EUR"]),
        (2, &["person:42"]),
        (2, &["42"]),
        (2, &["pipedrive:deal:1"]),
        (3, &["person", "42"]),
        (4, &["https://*.acme.example:8443"]),
        (4, &["http://localhost:3000"]),
        (4, &["https://[2001:db8::1]"]),
        (4, &["https://*.crm'.example"]),
        (5, &["12.5", "JPY"]),
        (5, &["79228162514264337593543950335", "USD"]),
        (5, &["0.0000000000000000000000000001", "KWD"]),
    ];
    seeds
        .iter()
        .map(|(mode, pieces)| {
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            input(*mode, &pieces)
        })
        .collect()
}
