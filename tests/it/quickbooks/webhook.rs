//! The published signature vectors.

use financial_pulse::provider::quickbooks::webhook::verify_signature;
use serde_json::Value;

use crate::contracts;

/// Bodies with their signatures and tokens.
fn vectors() -> Option<Vec<(Vec<u8>, String, String)>> {
    let folder = contracts::folder("quickbooks")?;
    let list = contracts::json(&folder.join("webhooks/SIGNATURES.json"));
    let text = |entry: &Value, field: &str| entry[field].as_str().map(str::to_owned);
    let vectors = list.as_array().expect("a list").iter().map(|entry| {
        let body = text(entry, "file").map_or_else(
            || text(entry, "body").expect("a body").into_bytes(),
            |file| contracts::bytes(&folder.join(file)),
        );
        let signature = text(entry, "intuit-signature").expect("a signature");
        (
            body,
            signature,
            text(entry, "verifier_token").expect("a token"),
        )
    });
    Some(vectors.collect())
}

#[test]
fn the_vectors_verify() {
    let Some(vectors) = vectors() else { return };
    assert_eq!(vectors.len(), 2);
    for (body, signature, token) in vectors {
        assert!(verify_signature(&body, &signature, &token));
    }
}

#[test]
fn any_changed_byte_breaks_the_signature() {
    let Some(vectors) = vectors() else { return };
    for (body, signature, token) in vectors {
        for index in 0..body.len() {
            let mut changed = body.clone();
            changed[index] ^= 1;
            assert!(!verify_signature(&changed, &signature, &token), "{index}");
        }
        for index in 0..signature.len() {
            let mut changed = signature.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            // The last character before the padding has bits that mean nothing.
            if changed != signature && index != signature.len() - 2 {
                assert!(!verify_signature(&body, &changed, &token), "{index}");
            }
        }
    }
}

#[test]
fn nothing_verifies_without_a_token_or_signature() {
    assert!(!verify_signature(b"{}", "", "token"));
    assert!(!verify_signature(b"{}", "not base64!", "token"));
    assert!(!verify_signature(b"{}", "AAAA", "token"));
    assert!(!verify_signature(
        b"",
        "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0=",
        ""
    ));
}
