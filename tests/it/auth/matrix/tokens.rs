//! Rules 1 to 5 and 8: the form of a token, its header, its key, its kind and its address.

use std::rc::Rc;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::UrlHash;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::attempt::{Attempt, Sent, Signer};
use super::mutations::{List, is_hmac_token, is_installation, is_named, is_rsa_token, is_token};
use super::place::{Place, is_rsa, private, secret};

/// A change of the request that a token came with.
type NamedChange = (&'static str, fn(&mut Sent));

/// The three parts of a token.
fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts[..].try_into().expect("three parts")
}

/// The last character with a bit set that nothing stands for.
fn with_trailing_bits(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).expect("base64url") | 1;
    format!("{rest}{}", &alphabet[at..=at])
}

/// Rule 1: strict compact form, objects without repeated names.
pub(super) fn form(list: &mut List) {
    list.rule(1);
    let bad = "malformed";
    let cut = |list: &mut List, name, change: fn([&str; 3]) -> String| {
        list.text(is_token, name, bad, move |token| change(parts(token)));
    };
    cut(list, "two parts", |[h, p, _]| format!("{h}.{p}"));
    cut(list, "one part", |[_, p, _]| p.to_owned());
    cut(list, "four parts", |[h, p, s]| format!("{h}.{p}.{s}.{s}"));
    cut(list, "five parts", |[h, p, s]| format!("{h}.{p}.{s}.."));
    cut(list, "no signature", |[h, p, _]| format!("{h}.{p}."));
    cut(list, "an empty payload", |[h, _, s]| format!("{h}..{s}"));
    cut(list, "an empty header", |[_, p, s]| format!(".{p}.{s}"));
    cut(list, "padding of the signature", |[h, p, s]| {
        format!("{h}.{p}.{s}=")
    });
    cut(list, "padding of the payload", |[h, p, s]| {
        format!("{h}.{p}=.{s}")
    });
    cut(list, "trailing bits", |[h, p, s]| {
        format!("{h}.{p}.{}", with_trailing_bits(s))
    });
    cut(list, "the other alphabet", |[h, p, s]| {
        format!("{h}.{p}.+/{}", &s[2..])
    });
    cut(list, "no base64", |[h, p, s]| format!("{h}.{p}!.{s}"));
    cut(list, "a space before", |[h, p, s]| format!(" {h}.{p}.{s}"));
    cut(list, "a space behind", |[h, p, s]| format!("{h}.{p}.{s} "));
    cut(list, "a line break behind", |[h, p, s]| {
        format!("{h}.{p}.{s}\n")
    });
    cut(list, "a space within", |[h, p, s]| format!("{h}. {p}.{s}"));
    cut(list, "the JSON form", |[h, p, s]| {
        json!({ "protected": h, "payload": p, "signature": s }).to_string()
    });
    list.text(is_token, "nothing", "missing", |_| String::new());
    list.add(is_token, "more than 8 KiB", "too_long", |_, attempt| {
        attempt.claims["padding"] = "x".repeat(8192).into();
    });

    let raw = |list: &mut List, name: &str, change: fn(String) -> String| {
        list.add(is_token, name, bad, move |_, attempt| {
            if attempt.bind {
                // With a hash of its address, so that nothing but the form is wrong.
                attempt.bind = false;
            }
            attempt.raw = Some(change(attempt.claims.to_string()));
        });
    };
    raw(list, "a name twice", |text| {
        text.replacen('{', r#"{"exp":1,"#, 1)
    });
    raw(list, "a name twice, once escaped", |text| {
        text.replacen('{', r#"{"\u0065xp":1,"#, 1)
    });
    raw(list, "a nested name twice", |text| {
        text.replacen('{', r#"{"more":{"a":1,"a":2},"#, 1)
    });
    raw(list, "a name twice in a list", |text| {
        text.replacen('{', r#"{"more":[{"a":1,"a":2}],"#, 1)
    });
    raw(list, "a list", |text| format!("[{text}]"));
    raw(list, "a text", |_| r#""claims""#.to_owned());
    raw(list, "a number", |_| "1".to_owned());
    raw(list, "null", |_| "null".to_owned());
    raw(list, "something behind", |text| format!("{text}{{}}"));
    raw(list, "no JSON", |text| format!("{text}//"));
    raw(list, "NaN", |text| text.replacen('{', r#"{"nbf":NaN,"#, 1));
    raw(list, "a lone surrogate", |text| {
        text.replacen('{', r#"{"x":"\ud800","#, 1)
    });
    raw(list, "nested too deep", |text| {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        text.replacen('{', &format!("{{\"more\":{deep},"), 1)
    });
    let raw_header = |list: &mut List, name: &str, change: fn(String) -> String| {
        list.add(is_token, name, bad, move |_, attempt| {
            attempt.raw_header = Some(change(attempt.header.to_string()));
        });
    };
    raw_header(list, "a header name twice", |text| {
        text.replacen('{', r#"{"alg":"none","#, 1)
    });
    raw_header(list, "a header that is a list", |text| format!("[{text}]"));
}

/// Rule 2: the algorithm is the key's, and nothing in a header chooses.
pub(super) fn algorithm(list: &mut List) {
    list.rule(2);
    for word in [
        "none", "None", "NONE", "nOnE", "HS384", "HS512", "RS512", "PS256", "ES256", "EdDSA", "",
    ] {
        list.header("alg", word.into(), "wrong_algorithm");
    }
    list.header("alg", 256.into(), "bad_claim");
    list.header("alg", Value::Null, "wrong_algorithm");
    for word in ["hs256", "HS256 "] {
        list.add(is_hmac_token, format!("alg {word}"), "wrong_algorithm", {
            move |_, attempt| attempt.header["alg"] = word.into()
        });
    }
    list.add(is_token, "alg none unsigned", "malformed", |_, attempt| {
        attempt.header["alg"] = "none".into();
        attempt.on_credential = Some(Rc::new(|token| {
            let [header, payload, _] = parts(token);
            format!("{header}.{payload}.")
        }));
    });
    list.add(
        is_hmac_token,
        "RS256 of a forger",
        "wrong_algorithm",
        |place, attempt| {
            attempt.header["alg"] = "RS256".into();
            attempt.signer = private(&place.pairs.attacker);
        },
    );
    let confused = |list: &mut List, name: &str, secret: fn(&Place, &str) -> Vec<u8>| {
        list.add(
            is_rsa_token,
            name,
            "wrong_algorithm",
            move |place, attempt| {
                attempt.header["alg"] = "HS256".into();
                attempt.signer = Signer::Secret(secret(place, attempt.preset.name));
            },
        );
    };
    confused(list, "HS256 under the public PEM", |place, name| {
        place.pairs.own[name].pem.clone().into_bytes()
    });
    confused(
        list,
        "HS256 under the public PEM without its end",
        |place, name| place.pairs.own[name].pem.trim().to_owned().into_bytes(),
    );
    confused(list, "HS256 under the public JWK", |place, name| {
        place.pairs.own[name].jwk("main").to_string().into_bytes()
    });
    confused(list, "HS256 under the modulus", |place, name| {
        let modulus = place.pairs.own[name].public["n"].as_str().expect("text");
        URL_SAFE_NO_PAD.decode(modulus).expect("base64url")
    });
    list.add(
        is_rsa_token,
        "RS256 in name, HMAC in truth",
        "bad_signature",
        |place, attempt| {
            let pem = place.pairs.own[attempt.preset.name].pem.clone();
            attempt.signer = Signer::Secret(pem.into_bytes());
        },
    );
    for value in [json!(["exp"]), json!([]), json!("exp")] {
        list.header("crit", value, "extension");
    }
    for value in [json!(false), json!(true)] {
        list.header("b64", value, "extension");
    }
    for name in ["jwk", "jku", "x5u", "x5c"] {
        list.add(
            is_token,
            format!("a forger's {name}"),
            "bad_signature",
            move |place, attempt| {
                attempt.header[name] = match name {
                    "jwk" => place.pairs.attacker.jwk("main"),
                    "x5c" => json!([place.pairs.attacker.pem]),
                    _ => "https://evil.example/keys".into(),
                };
                forge_by(place, attempt);
            },
        );
    }
}

/// Signs by a key that nobody registered.
fn forge_by(place: &Place, attempt: &mut Attempt) {
    attempt.signer = if is_rsa(attempt.preset) {
        private(&place.pairs.attacker)
    } else {
        Signer::secret("a secret that the forger chose, of 40 bytes")
    };
}

/// Rules 3 to 5: which key verifies.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
pub(super) fn keys(list: &mut List) {
    list.rule(3);
    let any = |_: &Preset| true;
    for kid in ["another", "../../dev/null", "main' OR '1'='1", "", "MAIN"] {
        let right: fn(&Preset) -> bool = is_named;
        list.add(
            right,
            format!("kid {kid:?}"),
            "unknown_key",
            move |_, attempt| attempt.header["kid"] = kid.into(),
        );
        let unnamed: fn(&Preset) -> bool = |preset| is_token(preset) && !is_named(preset);
        list.add(
            unnamed,
            format!("kid {kid:?} of a forger"),
            "bad_signature",
            move |place, attempt| {
                attempt.header["kid"] = kid.into();
                forge_by(place, attempt);
            },
        );
    }
    list.header("kid", "k".repeat(300).into(), "malformed");
    list.header("kid", 7.into(), "bad_claim");
    list.header("kid", json!(["main"]), "bad_claim");
    list.add(any, "a key of nobody", "bad_signature", forge_by);
    list.add(
        any,
        "a key of another scheme",
        "bad_signature",
        |place, attempt| {
            attempt.signer = if is_rsa(attempt.preset) {
                let mut others = place.pairs.own.iter();
                let other = others.find(|(name, _)| **name != attempt.preset.name);
                private(other.expect("another").1)
            } else {
                let owner = if is_installation(attempt.preset) {
                    "acme"
                } else {
                    "app"
                };
                let other = match (owner, attempt.preset.name) {
                    ("acme", "native") => "zendesk-proxy",
                    ("acme", _) => "native",
                    (_, "pipedrive") => "monday",
                    _ => "pipedrive",
                };
                Signer::secret(secret(owner, other))
            };
        },
    );
    list.add(
        any,
        "a key of the wrong scope",
        "bad_signature",
        |place, attempt| {
            attempt.signer = if is_rsa(attempt.preset) {
                private(&place.pairs.stray)
            } else {
                Signer::secret(secret("stray", attempt.preset.name))
            };
        },
    );
    list.add(
        is_installation,
        "a key of another tenant",
        "bad_signature",
        |place, attempt| {
            attempt.signer = if is_rsa(attempt.preset) {
                private(&place.pairs.globex)
            } else {
                Signer::secret(secret("globex", attempt.preset.name))
            };
        },
    );
    list.add(
        is_installation,
        "the door of another tenant",
        "bad_signature",
        |_, attempt| attempt.tenant = String::from("globex"),
    );
    for nobody in ["nobody", "ACME", "%ff", "acme%00", "acme%2F"] {
        list.add(
            is_installation,
            format!("the door of {nobody}"),
            "unknown_key",
            move |_, attempt| attempt.tenant = String::from(nobody),
        );
    }

    list.rule(4);
    list.add(
        is_installation,
        "an unfit key",
        "unfit_key",
        |_, attempt| {
            attempt.tenant = String::from("weakling");
            if !is_rsa(attempt.preset) {
                attempt.signer = Signer::secret("too-short");
            }
        },
    );

    list.rule(5);
    list.add(
        any,
        "a key that has ended",
        "bad_signature",
        |place, attempt| {
            attempt.signer = if is_rsa(attempt.preset) {
                private(&place.pairs.retired)
            } else {
                Signer::secret(secret("retired", attempt.preset.name))
            };
        },
    );
}

/// Rule 8: a token of another kind, and one for another address.
pub(super) fn kinds(list: &mut List) {
    list.rule(8);
    for word in ["pulse-session", "at+jwt", "JOSE", "", "secevent+jwt"] {
        list.header("typ", word.into(), "wrong_kind");
    }
    list.header("typ", 7.into(), "bad_claim");
    let unbound = |preset: &Preset| is_token(preset) && preset.url_hash == UrlHash::Refused;
    for value in [json!("context-qsh"), json!("0".repeat(64)), json!(7)] {
        list.claim(unbound, "qsh", value, "wrong_kind");
    }
    list.add(
        is_token,
        "a session of ours",
        "wrong_kind",
        |place, attempt| {
            let session = a_session(place);
            attempt.on_credential = Some(Rc::new(move |_| session.clone()));
        },
    );

    let bound = |preset: &Preset| preset.url_hash == UrlHash::Required;
    for (value, reason) in [
        (Value::Null, "missing_claim"),
        (json!("context-qsh"), "wrong_kind"),
        (json!("0".repeat(64)), "wrong_address"),
        (json!(""), "wrong_address"),
        (json!(7), "bad_claim"),
    ] {
        list.add(bound, format!("qsh = {value}"), reason, {
            move |_, attempt| {
                attempt.bind = false;
                attempt.set("qsh", value.clone());
            }
        });
    }
    list.add(bound, "a qsh in capitals", "wrong_address", |_, attempt| {
        let mut right = attempt.clone();
        right.on_sent = None;
        let token = right.send().secrets[0].clone();
        let payload = URL_SAFE_NO_PAD.decode(parts(&token)[1]).expect("base64url");
        let claims: Value = serde_json::from_slice(&payload).expect("JSON");
        let hash = claims["qsh"].as_str().expect("a hash").to_uppercase();
        attempt.bind = false;
        attempt.set("qsh", hash.into());
    });
    let changes: [NamedChange; 8] = [
        ("a parameter more", |sent| sent.ask("company=acme")),
        ("a parameter more in front", |sent| {
            sent.query = format!("a=1&{}", sent.query);
        }),
        ("another value", |sent| {
            sent.query = sent.query.replace("10001", "10002");
        }),
        ("a parameter less", |sent| {
            sent.query = sent.query.replace("&lic=active", "");
        }),
        ("a parameter renamed", |sent| {
            sent.query = sent.query.replace("lic=", "company=");
        }),
        ("no value", |sent| {
            sent.query = sent.query.replace("lic=active", "lic");
        }),
        ("another method", |sent| sent.method = Method::POST),
        ("another spelling of the path", |sent| {
            sent.path = sent.path.replace("acme", "%61cme");
        }),
    ];
    for (name, change) in changes {
        list.sent(bound, name, "wrong_address", change);
    }
    list.sent(
        bound,
        "a form smuggled beside the signed address",
        "wrong_address",
        |sent| {
            sent.method = Method::POST;
            sent.header("content-type", "application/x-www-form-urlencoded");
            sent.body = String::from("contact=issue%3A666");
        },
    );
}

/// A session as the place gives it to a native token.
pub(super) fn a_session(place: &Place) -> String {
    let identity = financial_pulse::auth::Identity {
        tenant: "acme".into(),
        preset: "native".into(),
        account: None,
        user: "rep-7".into(),
        name: None,
        signed_role: None,
        contact: None,
        company: None,
        locale: None,
        expires_at: jiff::Timestamp::MAX,
        hard_cap: jiff::Timestamp::MAX,
        key: "key".into(),
    };
    let session = place.pages.sessions.issue(&identity, None);
    let session = session.expect("a session");
    session.token.expose_secret().to_owned()
}
