//! Rules 6, 7 and 9: when, from whom, for whom and about whom.

use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::{Audience, Issuer, KeyScope, Scheme};
use financial_pulse::domain::signing_key::Claim;
use serde_json::{Value, json};

use super::super::NOW;
use super::mutations::{List, is_token};

/// Whose contents say something.
fn speaks(preset: &Preset) -> bool {
    !preset.claims.is_empty()
}

/// Rule 6: time.
pub(super) fn time(list: &mut List) {
    list.rule(6);
    let cases = [
        (Value::Null, "missing_claim"),
        (json!((NOW + 60).to_string()), "bad_claim"),
        (json!("never"), "bad_claim"),
        (json!(true), "bad_claim"),
        (json!([NOW + 60]), "bad_claim"),
        (json!({ "at": NOW + 60 }), "bad_claim"),
        (json!(-1), "bad_claim"),
        (json!(-1e300), "bad_claim"),
        (json!(1e300), "bad_claim"),
        (json!(u64::MAX), "bad_claim"),
        (json!(0), "expired"),
        (json!(NOW - 31), "expired"),
        (json!(NOW - 30), "expired"),
        (json!(NOW + 86_400 * 365), "lives_too_long"),
    ];
    for (value, reason) in cases {
        list.claim(is_token, "exp", value, reason);
    }
    list.add(is_token, "exp is null", "bad_claim", |_, attempt| {
        attempt.claims["exp"] = Value::Null;
    });
    list.add(
        is_token,
        "a second too long",
        "lives_too_long",
        |_, attempt| {
            let longest = attempt.preset.longest.as_secs();
            let begin = attempt.claims.get("iat").map_or(NOW + 30, |_| NOW);
            attempt.set("exp", json!(begin + longest + 1));
        },
    );
    list.claim(is_token, "nbf", json!(NOW + 31), "not_yet_valid");
    list.claim(is_token, "nbf", json!("now"), "bad_claim");
    list.claim(is_token, "iat", json!("now"), "bad_claim");
    list.claim(is_token, "iat", json!([NOW]), "bad_claim");
    list.claim(is_token, "iat", json!(1e300), "bad_claim");
    list.claim(is_token, "iat", json!(NOW + 31), "not_yet_valid");
    list.claim(is_token, "iat", json!(NOW - 86_400), "lives_too_long");
    list.claim(
        |preset| is_token(preset) && preset.issued_at_required,
        "iat",
        Value::Null,
        "missing_claim",
    );
}

/// Rule 7: audience and issuer.
pub(super) fn origin(list: &mut List) {
    list.rule(7);
    let has_audience = |preset: &Preset| is_token(preset) && preset.audience != Audience::Unchecked;
    for (value, reason) in [
        (Value::Null, "missing_claim"),
        (json!("other"), "wrong_audience"),
        (json!(["other", "another"]), "wrong_audience"),
        (json!([]), "wrong_audience"),
        (json!(""), "wrong_audience"),
        (json!(7), "bad_claim"),
        (json!({ "aud": true }), "bad_claim"),
    ] {
        list.claim(has_audience, "aud", value, reason);
    }
    let spelled = |list: &mut List,
                   applies: fn(&Preset) -> bool,
                   claim: &'static str,
                   name: &str,
                   reason,
                   change: fn(&str) -> Value| {
        list.add(
            applies,
            format!("{claim} {name}"),
            reason,
            move |_, attempt| {
                let right = attempt.claims[claim].as_str().expect("text").to_owned();
                attempt.set(claim, change(&right));
            },
        );
    };
    let wrong = "wrong_audience";
    spelled(list, has_audience, "aud", "in capitals", wrong, |aud| {
        aud.to_uppercase().into()
    });
    spelled(list, has_audience, "aud", "longer", wrong, |aud| {
        format!("{aud}/").into()
    });
    spelled(list, has_audience, "aud", "shorter", wrong, |aud| {
        aud[..aud.len() - 1].into()
    });
    spelled(list, has_audience, "aud", "within a text", wrong, |aud| {
        format!("other {aud}").into()
    });
    spelled(
        list,
        has_audience,
        "aud",
        "beside a number",
        "bad_claim",
        |aud| json!([aud, 7]),
    );
    let of_key = |preset: &Preset| preset.audience == Audience::OfKey;
    list.claim(of_key, "aud", json!("financial-pulse"), wrong);

    let has_issuer = |preset: &Preset| is_token(preset) && preset.issuer != Issuer::Unchecked;
    for (value, reason) in [
        (Value::Null, "missing_claim"),
        (json!("other"), "wrong_issuer"),
        (json!("globex"), "wrong_issuer"),
        (json!(""), "wrong_issuer"),
        (json!(7), "bad_claim"),
    ] {
        list.claim(has_issuer, "iss", value, reason);
    }
    let wrong = "wrong_issuer";
    spelled(list, has_issuer, "iss", "in capitals", wrong, |iss| {
        iss.to_uppercase().into()
    });
    spelled(list, has_issuer, "iss", "longer", wrong, |iss| {
        format!("{iss}.evil.example").into()
    });
    spelled(list, has_issuer, "iss", "behind another", wrong, |iss| {
        format!("evil.{iss}").into()
    });
    spelled(list, has_issuer, "iss", "shorter", wrong, |iss| {
        iss[..iss.len() - 1].into()
    });
    spelled(list, has_issuer, "iss", "with a slash", wrong, |iss| {
        format!("{iss}/").into()
    });
    spelled(list, has_issuer, "iss", "by http", wrong, |iss| {
        format!("http://{iss}").into()
    });
    spelled(list, has_issuer, "iss", "by https twice", wrong, |iss| {
        format!("https://https://{iss}").into()
    });
    spelled(list, has_issuer, "iss", "in a list", "bad_claim", |iss| {
        json!([iss])
    });
    let bare = |preset: &Preset| {
        is_token(preset)
            && !matches!(
                preset.issuer,
                Issuer::Unchecked | Issuer::OfKeyAlsoWith("https://")
            )
    };
    spelled(list, bare, "iss", "by https", wrong, |iss| {
        format!("https://{iss}").into()
    });
}

/// Rule 9: whose it is, and about whom.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
pub(super) fn ownership(list: &mut List) {
    list.rule(9);
    let native = |preset: &Preset| preset.name == "native";
    for (value, reason) in [
        (json!("globex"), "wrong_tenant"),
        (json!("ACME"), "wrong_tenant"),
        (json!("acme "), "wrong_tenant"),
        (json!(7), "wrong_tenant"),
        (json!(["acme"]), "bad_claim"),
        (json!(""), "bad_claim"),
    ] {
        list.claim(native, "tenant", value, reason);
    }
    // Entra's issuer names the account, and is judged first.
    let app = |preset: &Preset| {
        preset.key_scope == KeyScope::App
            && preset.scheme != Scheme::RequestSignature
            && preset.name != "dynamics"
    };
    let account = |list: &mut List, name: &str, reason, value: Value| {
        list.add(app, name, reason, move |_, attempt| {
            attempt.set(attempt.preset.paths(Claim::Account)[0], value.clone());
        });
    };
    account(list, "an account of nobody", "unknown_tenant", json!("9"));
    account(
        list,
        "an account of another scheme",
        "unknown_tenant",
        json!("62515"),
    );
    account(
        list,
        "the tenant's own name for an account",
        "unknown_tenant",
        json!("acme"),
    );
    account(list, "no account", "missing_claim", Value::Null);
    account(list, "an empty account", "bad_claim", json!(""));
    account(list, "a list of accounts", "bad_claim", json!(["54321"]));
    account(list, "an account with a fraction", "bad_claim", json!(1.5));
    account(list, "an account below zero", "bad_claim", json!(-1));
    account(
        list,
        "an account of 400 characters",
        "bad_claim",
        json!("9".repeat(400)),
    );
    let dynamics = |preset: &Preset| preset.name == "dynamics";
    list.claim(dynamics, "tid", Value::Null, "wrong_issuer");
    list.claim(dynamics, "tid", json!("9"), "wrong_issuer");
    list.add(
        dynamics,
        "another directory throughout",
        "unknown_tenant",
        |_, attempt| {
            attempt.set("tid", json!("9"));
            attempt.set("iss", json!("https://login.microsoftonline.com/9/v2.0"));
        },
    );

    let user = |list: &mut List, name: &str, reason, applies, value: Value| {
        list.add(applies, name, reason, move |_, attempt| {
            attempt.set(attempt.preset.paths(Claim::User)[0], value.clone());
        });
    };
    let needs_user = |preset: &Preset| speaks(preset) && !preset.nobody && preset.name != "hubspot";
    let has_user = |preset: &Preset| speaks(preset) && preset.name != "hubspot";
    user(list, "no person", "missing_claim", needs_user, Value::Null);
    user(list, "an empty person", "bad_claim", has_user, json!(""));
    user(
        list,
        "a list of persons",
        "bad_claim",
        has_user,
        json!(["7"]),
    );
    user(
        list,
        "a person with NUL",
        "bad_claim",
        has_user,
        json!("7\u{0}"),
    );
    user(list, "a person of 400 characters", "bad_claim", has_user, {
        json!("7".repeat(400))
    });
    let signs_contact =
        |preset: &Preset| !preset.paths(Claim::Contact).is_empty() && preset.name != "salesforce";
    for (name, value) in [
        ("an empty contact", json!("")),
        ("a contact in a list", json!(["42"])),
        ("a contact of an odd kind", json!("Person:42")),
        ("a contact without an id", json!("person:")),
        ("a contact of 300 characters", json!("4".repeat(300))),
        ("a contact with a control character", json!("4\u{7}2")),
    ] {
        list.add(signs_contact, name, "bad_claim", move |_, attempt| {
            attempt.set(attempt.preset.paths(Claim::Contact)[0], value.clone());
        });
    }
    list.add(
        |preset| preset.contact_required,
        "no contact where it is good for ever",
        "missing_claim",
        |_, attempt| attempt.set("person.id", Value::Null),
    );
    let roles = |preset: &Preset| matches!(preset.name, "native" | "salesforce");
    for value in [json!("root"), json!("Admin"), json!(["admin"]), json!(1)] {
        list.claim(roles, "role", value, "bad_claim");
    }
}
