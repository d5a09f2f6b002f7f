//! Rule 11 and rule 12: what is signed without being a token, and what stands in the wrong place.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::{Doors, Exchange, Scheme};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::NOW;
use super::attempt::{Attempt, PUBLIC_URL, Sent, hex, mac};
use super::mutations::{List, is_token};

fn is_canvas(preset: &Preset) -> bool {
    preset.scheme == Scheme::SignedRequest
}

fn is_context(preset: &Preset) -> bool {
    preset.scheme == Scheme::SignedContext
}

fn is_hubspot(preset: &Preset) -> bool {
    preset.scheme == Scheme::RequestSignature
}

fn is_secret(preset: &Preset) -> bool {
    preset.scheme == Scheme::SharedSecret
}

const SIGNATURE: &str = "x-hubspot-signature-v3";
const SIGNED_AT: &str = "x-hubspot-request-timestamp";

/// Salesforce Canvas.
pub(super) fn canvas(list: &mut List) {
    list.rule(11);
    let text = |list: &mut List, name, reason, change: fn(&str, &str) -> String| {
        list.text(is_canvas, name, reason, move |text| {
            let (signature, envelope) = text.split_once('.').expect("two parts");
            change(signature, envelope)
        });
    };
    text(list, "no point", "malformed", |s, e| format!("{s}{e}"));
    text(list, "the parts swapped", "bad_signature", |s, e| {
        format!("{e}.{s}")
    });
    text(list, "no signature", "bad_signature", |_, e| {
        format!(".{e}")
    });
    text(list, "no envelope", "bad_signature", |s, _| format!("{s}."));
    text(list, "a signature cut short", "bad_signature", |s, e| {
        format!("{}.{e}", &s[..40])
    });
    text(list, "a signature without padding", "malformed", |s, e| {
        format!("{}.{e}", s.trim_end_matches('='))
    });
    text(
        list,
        "a signature in hexadecimal",
        "bad_signature",
        |s, e| format!("{}.{e}", hex(&STANDARD.decode(s).expect("base64"))),
    );
    text(list, "the other alphabet", "malformed", |s, e| {
        format!("-_{}.{e}", &s[2..])
    });
    text(list, "a space before", "malformed", |s, e| {
        format!(" {s}.{e}")
    });
    text(list, "a space behind", "bad_signature", |s, e| {
        format!("{s}.{e} ")
    });
    text(list, "another envelope", "bad_signature", |s, e| {
        let text = STANDARD.decode(e).expect("base64");
        let text = String::from_utf8(text).expect("text");
        let other = text.replace("005x0000001SyyE", "005x0000001Admin");
        format!("{s}.{}", STANDARD.encode(other))
    });
    text(list, "nothing", "missing", |_, _| String::new());
    text(list, "more than 32 KiB", "too_long", |s, e| {
        format!("{s}.{e}{}", "A".repeat(33_000))
    });
    text(list, "a token", "malformed", |_, _| {
        "e30.e30.e30".to_owned()
    });
    for (value, reason) in [
        (json!("HMACSHA1"), "wrong_algorithm"),
        (json!("none"), "wrong_algorithm"),
        (json!(""), "wrong_algorithm"),
        (json!("HMACSHA512"), "wrong_algorithm"),
        (json!(7), "bad_claim"),
        (json!(["HMACSHA256"]), "bad_claim"),
    ] {
        list.add(is_canvas, format!("algorithm = {value}"), reason, {
            move |_, attempt| attempt.set("algorithm", value.clone())
        });
    }
    for (value, reason) in [
        (json!(NOW - 300), "expired"),
        (json!((NOW - 300) * 1000), "expired"),
        (json!(0), "expired"),
        (json!(NOW + 31), "not_yet_valid"),
        (json!((NOW + 31) * 1000), "not_yet_valid"),
        (json!(-1), "expired"),
        (json!("today"), "bad_claim"),
        (json!(1.5), "bad_claim"),
        (json!([NOW]), "bad_claim"),
        (json!({}), "bad_claim"),
        (json!(true), "bad_claim"),
        (json!(i64::MAX), "bad_claim"),
        (json!(""), "missing_claim"),
        (Value::Null, "missing_claim"),
    ] {
        list.add(is_canvas, format!("issuedAt = {value}"), reason, {
            move |_, attempt| attempt.set("issuedAt", value.clone())
        });
    }
    contents(list, is_canvas);
}

/// Contents that are signed rightly and are none.
fn contents(list: &mut List, applies: fn(&Preset) -> bool) {
    let raw = |list: &mut List, name: &str, change: fn(String) -> String| {
        list.add(applies, name, "malformed", move |_, attempt| {
            attempt.raw = Some(change(attempt.claims.to_string()));
        });
    };
    raw(list, "a name twice", |text| {
        text.replacen('{', r#"{"context":{},"#, 1)
    });
    raw(list, "a name twice, once escaped", |text| {
        text.replacen('{', r#"{"\u0063ontext":{},"#, 1)
    });
    raw(list, "a nested name twice", |text| {
        text.replacen('{', r#"{"more":{"a":1,"a":2},"#, 1)
    });
    raw(list, "a list", |text| format!("[{text}]"));
    raw(list, "something behind", |text| format!("{text}{{}}"));
    raw(list, "no JSON", |text| format!("{text}//"));
    list.add(
        applies,
        "signed, but no base64",
        "malformed",
        |_, attempt| {
            attempt.on_encoded = Some(Rc::new(|text| format!("!{text}")));
        },
    );
}

/// Follow Up Boss.
pub(super) fn context(list: &mut List) {
    list.rule(11);
    let signature = |list: &mut List, name, reason, change: fn(&str) -> String| {
        list.add(is_context, name, reason, move |_, attempt| {
            attempt.on_signature = Some(Rc::new(change));
        });
    };
    signature(list, "a signature cut short", "malformed", |text| {
        text[..62].to_owned()
    });
    signature(list, "a signature and more", "malformed", |text| {
        format!("{text}00")
    });
    signature(list, "a signature in capitals", "malformed", |text| {
        text.to_uppercase()
    });
    signature(list, "a signature in base64", "malformed", |text| {
        let bytes: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        STANDARD.encode(bytes)
    });
    signature(list, "a space before the signature", "malformed", |text| {
        format!(" {text}")
    });
    signature(list, "another signature", "bad_signature", |text| {
        let first = if text.starts_with('0') { "1" } else { "0" };
        format!("{first}{}", &text[1..])
    });
    signature(list, "an empty signature", "malformed", |_| String::new());
    list.sent(is_context, "no signature", "missing", |sent| {
        sent.query = sent.query.replace("&signature=", "&other=");
    });
    list.sent(is_context, "no context", "missing", |sent| {
        sent.query = sent.query.replace("context=", "other=");
    });
    list.text(is_context, "an empty context", "missing", |_| String::new());
    list.text(is_context, "another context", "bad_signature", |text| {
        let json = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let json = String::from_utf8(json).expect("text").replace("4711", "1");
        URL_SAFE_NO_PAD.encode(json)
    });
    list.text(is_context, "padding", "bad_signature", |text| {
        format!("{text}=")
    });
    list.text(is_context, "a space behind", "bad_signature", |text| {
        format!("{text} ")
    });
    list.text(is_context, "more than 8 KiB", "too_long", |text| {
        format!("{text}{}", "A".repeat(8_192))
    });
    for (name, value) in [
        ("example", json!(true)),
        ("example", json!("true")),
        ("example", json!(1)),
        ("debugState", json!("person")),
        ("debugState", json!({})),
        ("debugState", json!(true)),
    ] {
        list.add(is_context, format!("{name} = {value}"), "wrong_kind", {
            move |_, attempt| attempt.set(name, value.clone())
        });
    }
    contents(list, is_context);
}

/// HubSpot.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
pub(super) fn hubspot(list: &mut List) {
    list.rule(11);
    let bad = "bad_signature";
    let sent = |list: &mut List, name: &str, reason, change: fn(&mut Sent)| {
        list.sent(is_hubspot, name, reason, change);
    };
    sent(list, "another body", bad, |sent| {
        sent.body = json!({ "contact": "contact:666" }).to_string();
    });
    sent(list, "a space in the body", bad, |sent| sent.body.push(' '));
    sent(list, "no body", bad, |sent| sent.body.clear());
    sent(list, "another portal", bad, |sent| {
        sent.query = sent.query.replace("62515", "62516");
    });
    sent(list, "another user", bad, |sent| {
        sent.query = sent.query.replace("userId=5000", "userId=1");
    });
    sent(list, "a parameter more", bad, |sent| sent.ask("give=code"));
    sent(list, "another order", bad, |sent| {
        let (first, rest) = sent.query.split_once('&').expect("several");
        sent.query = format!("{rest}&{first}");
    });
    sent(list, "no query", bad, |sent| sent.query.clear());
    sent(list, "another spelling of the path", bad, |sent| {
        sent.path = sent.path.replace("hubspot", "hub%73pot");
    });
    sent(list, "another time", bad, |sent| {
        sent.set_header(SIGNED_AT, (NOW * 1000 + 1).to_string());
    });
    sent(list, "no time", "missing_claim", |sent| {
        sent.without_header(SIGNED_AT);
    });
    sent(list, "two times", "missing_claim", |sent| {
        sent.header(SIGNED_AT, (NOW * 1000).to_string());
    });
    for time in ["", "now", "-1", "+1795435200000", "1795435200000.0", " 1"] {
        list.sent(
            is_hubspot,
            &format!("the time {time:?}"),
            "bad_claim",
            move |sent| sent.set_header(SIGNED_AT, time),
        );
    }
    sent(list, "zeros moved into the time", "bad_claim", |sent| {
        sent.set_header(SIGNED_AT, format!("000{}", NOW * 1000));
    });
    let signed_at = |list: &mut List, name: &str, reason, time: i64| {
        list.add(is_hubspot, name, reason, move |_, attempt| {
            attempt.timestamp = time.to_string();
        });
    };
    signed_at(list, "signed too long ago", "expired", (NOW - 300) * 1000);
    signed_at(list, "signed in seconds", "expired", NOW);
    signed_at(list, "signed in the future", "not_yet_valid", {
        (NOW + 31) * 1000
    });
    signed_at(list, "signed in the far future", "not_yet_valid", {
        NOW * 100_000
    });
    signed_at(list, "signed at no time at all", "bad_claim", i64::MAX);
    sent(list, "no signature", "missing", |sent| {
        sent.without_header(SIGNATURE);
    });
    sent(list, "an empty signature", "missing", |sent| {
        sent.set_header(SIGNATURE, "");
    });
    sent(list, "two signatures", "missing", |sent| {
        sent.header(SIGNATURE, "AAAA");
    });
    sent(list, "only portal and app", "missing", |sent| {
        sent.headers.clear();
        sent.header("content-type", "application/json");
        sent.query = String::from("portalId=62515&appId=9");
    });
    sent(list, "the signature as a bearer", "missing", |sent| {
        let signature = sent.header_value(SIGNATURE);
        sent.without_header(SIGNATURE);
        sent.header("authorization", format!("Bearer {signature}"));
    });
    sent(list, "the signature in the query", "missing", |sent| {
        let signature = sent.header_value(SIGNATURE);
        sent.without_header(SIGNATURE);
        let signature = signature.replace('+', "%2B");
        sent.ask(&format!("signature={signature}"));
    });
    sent(list, "the signature as version 1", "missing", |sent| {
        let signature = sent.header_value(SIGNATURE);
        sent.without_header(SIGNATURE);
        sent.header("x-hubspot-signature", signature);
    });
    let text = |list: &mut List, name, reason, change: fn(&str) -> String| {
        list.text(is_hubspot, name, reason, change);
    };
    text(list, "a signature cut short", bad, |text| {
        text[..40].to_owned()
    });
    text(list, "a signature without padding", "malformed", |text| {
        text.trim_end_matches('=').to_owned()
    });
    text(list, "a signature in hexadecimal", bad, |text| {
        hex(&STANDARD.decode(text).expect("base64"))
    });
    text(list, "the other alphabet", "malformed", |text| {
        format!("-_{}", &text[2..])
    });
    text(list, "a signature of 9,000 characters", "too_long", |_| {
        "A".repeat(9_000)
    });
    let signs = |list: &mut List, name: &str, sign: fn(&Attempt, &str, &str) -> String| {
        list.add(is_hubspot, name, bad, move |_, attempt| {
            let (path, query) = (attempt.path(), attempt.query.clone());
            let signature = sign(attempt, &path, &query);
            attempt.on_credential = Some(Rc::new(move |_| signature.clone()));
        });
    };
    signs(list, "signed for GET", |attempt, path, query| {
        let message = attempt.signed_request("GET", PUBLIC_URL, path, query);
        STANDARD.encode(mac(attempt.signer.bytes(), message.as_bytes()))
    });
    signs(list, "signed for another host", |attempt, path, query| {
        let message = attempt.signed_request("POST", "https://evil.example", path, query);
        STANDARD.encode(mac(attempt.signer.bytes(), message.as_bytes()))
    });
    signs(list, "signed for http", |attempt, path, query| {
        let message = attempt.signed_request("POST", "http://pulse.example", path, query);
        STANDARD.encode(mac(attempt.signer.bytes(), message.as_bytes()))
    });
    signs(list, "signed for another path", |attempt, _, query| {
        let message = attempt.signed_request("POST", PUBLIC_URL, "/exchange/session", query);
        STANDARD.encode(mac(attempt.signer.bytes(), message.as_bytes()))
    });
    signs(list, "version 1 in its place", |attempt, _, _| {
        let secret = String::from_utf8_lossy(attempt.signer.bytes());
        hex(&Sha256::digest(format!("{secret}{}", attempt.body)))
    });
    signs(list, "version 2 in its place", |attempt, path, query| {
        let secret = String::from_utf8_lossy(attempt.signer.bytes());
        let body = &attempt.body;
        let message = format!("{secret}POST{PUBLIC_URL}{path}?{query}{body}");
        hex(&Sha256::digest(message))
    });
    list.add(
        is_hubspot,
        "signed for a forwarded host",
        bad,
        |_, attempt| {
            let message = attempt.signed_request(
                "POST",
                "https://evil.example",
                &attempt.path(),
                &attempt.query,
            );
            let signature = STANDARD.encode(mac(attempt.signer.bytes(), message.as_bytes()));
            attempt.on_credential = Some(Rc::new(move |_| signature.clone()));
            attempt.on_sent = Some(Rc::new(|sent| {
                sent.header("host", "evil.example");
                sent.header("x-forwarded-host", "evil.example");
                sent.header("forwarded", "host=evil.example;proto=https");
            }));
        },
    );
    list.rule(9);
    let query = |list: &mut List, name: &str, reason, query: &'static str| {
        list.add(is_hubspot, name, reason, move |_, attempt| {
            attempt.query = String::from(query);
        });
    };
    let unknown = "unknown_tenant";
    query(list, "an account of nobody", unknown, "userId=7&portalId=9");
    query(list, "no account", "missing_claim", "userId=7");
    query(list, "an empty account", "bad_claim", "userId=7&portalId=");
    query(list, "no person", "missing_claim", "portalId=62515");
    query(
        list,
        "an empty person",
        "bad_claim",
        "userId=&portalId=62515",
    );
    query(
        list,
        "other capitals",
        "missing_claim",
        "userId=7&PortalId=62515",
    );
}

/// Front.
pub(super) fn secret(list: &mut List) {
    list.rule(11);
    let text = |list: &mut List, name, reason, change: fn(&str) -> String| {
        list.text(is_secret, name, reason, change);
    };
    let bad = "bad_signature";
    text(list, "another last letter", bad, |text| {
        format!("{}x", &text[..text.len() - 1])
    });
    text(list, "another first letter", bad, |text| {
        format!("x{}", &text[1..])
    });
    text(list, "shorter", bad, |text| {
        text[..text.len() - 1].to_owned()
    });
    text(list, "longer", bad, |text| format!("{text}x"));
    text(list, "in capitals", bad, str::to_uppercase);
    text(list, "a space before", bad, |text| format!(" {text}"));
    text(list, "a space behind", bad, |text| format!("{text} "));
    text(list, "twice", bad, |text| format!("{text}{text}"));
    text(list, "in base64", bad, |text| STANDARD.encode(text));
    text(list, "its hash", bad, |text| hex(&Sha256::digest(text)));
    text(list, "nothing", "missing", |_| String::new());
}

/// Rule 12: no credential, or one in another place than its scheme's.
pub(super) fn places(list: &mut List) {
    list.rule(12);
    let embeds = |preset: &Preset| matches!(preset.doors, Doors { embed: true, .. });
    let embed = |list: &mut List, name: &str, place: fn(&mut Sent, &str)| {
        list.add(embeds, name, "missing", move |_, attempt| {
            attempt.at = super::attempt::At::Get;
            let parameter = attempt.preset.parameter;
            attempt.on_sent = Some(Rc::new(move |sent| {
                let credential = sent.secrets[0].clone();
                // Whatever stands before it is not the credential.
                let start = format!("{parameter}=");
                let kept: Vec<String> = sent
                    .query
                    .split('&')
                    .filter(|pair| !pair.starts_with(&start))
                    .map(str::to_owned)
                    .collect();
                sent.query = kept.join("&");
                place(sent, &credential);
            }));
        });
    };
    embed(list, "none at all", |_, _| {});
    embed(list, "as a bearer", |sent, credential| {
        sent.header("authorization", format!("Bearer {credential}"));
    });
    embed(list, "in a cookie", |sent, credential| {
        sent.header("cookie", format!("token={credential}"));
    });
    embed(list, "under another name", |sent, credential| {
        let encoded: String = url::form_urlencoded::byte_serialize(credential.as_bytes()).collect();
        sent.ask(&format!("access_token={encoded}"));
    });
    embed(list, "none, but a tenant and an account", |sent, _| {
        sent.ask("tenant=acme&account=54321&companyId=54321&userId=1");
    });
    embed(list, "in a body that is no form", |sent, credential| {
        sent.method = axum::http::Method::POST;
        sent.header("content-type", "application/json");
        sent.body = json!({ "token": credential }).to_string();
    });
    embed(list, "in a form without its type", |sent, credential| {
        sent.method = axum::http::Method::POST;
        sent.body = format!("token={credential}");
    });
    let trades = |preset: &Preset| preset.doors.exchange == Exchange::Token && is_token(preset);
    list.add(trades, "an empty token", "missing", |_, attempt| {
        attempt.at = super::attempt::At::Json;
        attempt.on_credential = Some(Rc::new(|_| String::new()));
    });
}
