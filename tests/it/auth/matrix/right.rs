//! The right credential of each scheme, and what it opens.

use financial_pulse::auth::preset::Renewal;
use financial_pulse::auth::{Identity, Preset, Role, Trust};
use financial_pulse::clock::Clock as _;
use jiff::SignedDuration;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::super::NOW;
use super::attempt::{At, Attempt, Signer};
use super::place::{
    ACCOUNTS, ENTRA_AUDIENCE, FORGE_AUDIENCE, Log, Pairs, Place, ZENDESK_AUDIENCE, is_rsa, private,
    secret,
};
use crate::sign_in::Answer;

const CONTACT: &str = "003x000000OTzqx";
/// The account of `acme` at a scheme's CRM.
pub(super) fn account(preset: &str) -> &'static str {
    let found = ACCOUNTS.iter().find(|(name, _)| *name == preset);
    found.expect("an app's scheme").1
}

/// The doors that a scheme's credential is shown at, its usual one first.
fn ways(preset: &str) -> &'static [At] {
    match preset {
        "native" | "pipedrive" | "monday" => &[At::Get, At::Form, At::Json, At::Bearer],
        "zendesk" => &[At::Form, At::Get],
        "zendesk-proxy" | "atlassian-forge" => &[At::Json, At::Bearer],
        "salesforce" | "dynamics" => &[At::Json, At::Bearer, At::Get, At::Form],
        "salesforce-canvas" => &[At::Form, At::Json],
        "hubspot" => &[At::Signed],
        "followupboss" | "front" => &[At::Get, At::Form],
        "atlassian-connect" => &[At::Get],
        other => panic!("no door of {other}"),
    }
}

/// A right credential, at the scheme's usual door.
pub(super) fn right(place: &Place, preset: &'static Preset) -> Attempt {
    let serial = place.serial();
    let signer = match preset.name {
        name if is_rsa(preset) => private(&place.pairs.own[name]),
        name if ACCOUNTS.iter().any(|(known, _)| *known == name) => {
            Signer::secret(secret("app", name))
        }
        name => Signer::secret(secret("acme", name)),
    };
    let mut header = json!({ "alg": "HS256", "typ": "JWT" });
    if is_rsa(preset) {
        header["alg"] = "RS256".into();
        if preset.name != "zendesk" {
            header["kid"] = "main".into();
        }
    }
    let (query, body) = match preset.name {
        "pipedrive" => ("resource=person&selectedIds=5", String::new()),
        "atlassian-connect" => ("contact=issue%3A10001&lic=active", String::new()),
        "monday" => ("itemId=771", String::new()),
        "dynamics" => (
            "id=%7B2F1C7A53-0A6E-4B58-9F3E-1D2C3B4A5F60%7D&typename=contact",
            String::new(),
        ),
        "hubspot" => (
            "userId=5000&userEmail=ada%40example.com&appId=9&portalId=62515",
            json!({ "contact": format!("contact:{serial}") }).to_string(),
        ),
        _ => ("", String::new()),
    };
    Attempt {
        preset,
        at: ways(preset.name)[0],
        tenant: "acme".to_owned(),
        header,
        raw_header: None,
        claims: claims(preset.name, serial),
        raw: None,
        signer,
        query: query.to_owned(),
        body,
        timestamp: (NOW * 1000).to_string(),
        bind: preset.name == "atlassian-connect",
        on_encoded: None,
        on_credential: None,
        on_signature: None,
        on_sent: None,
    }
}

fn claims(preset: &str, serial: u64) -> Value {
    match preset {
        "native" => json!({
            "iss": "acme", "aud": "financial-pulse", "sub": "rep-7", "tenant": "acme",
            "contact": "person:42", "company": "acme-gmbh", "role": "finance",
            "iat": NOW, "exp": NOW + 300, "jti": serial,
        }),
        "pipedrive" => json!({
            "companyId": 54321, "userId": 12345, "iat": NOW, "exp": NOW + 300, "jti": serial,
        }),
        "zendesk" => json!({
            "iss": "acme.zendesk.com", "aud": ZENDESK_AUDIENCE, "iat": NOW, "exp": NOW + 60,
            "sub": "https://acme.zendesk.com/api/v2/users/7.json", "jti": serial, "qsh": "theirs",
            "context": { "product": "support", "location": "ticket_sidebar" },
        }),
        "zendesk-proxy" => json!({
            "iss": "acme", "aud": "financial-pulse", "sub": "agent-7", "contact": "99",
            "role": "admin", "email": "ada@example.com", "iat": NOW, "exp": NOW + 60,
            "jti": serial,
        }),
        "atlassian-connect" => json!({
            "iss": "client-key-of-acme", "sub": "account-7", "iat": NOW, "exp": NOW + 180,
            "jti": serial,
        }),
        "atlassian-forge" => json!({
            "iss": "forge/invocation-token", "aud": FORGE_AUDIENCE, "iat": NOW, "nbf": NOW,
            "exp": NOW + 1500, "principal": "account-7", "jti": serial,
            "context": { "cloudId": "cloud-of-acme" },
        }),
        "monday" => json!({
            "dat": { "account_id": 1_825_528, "user_id": 4_012_689, "is_view_only": false },
            "exp": NOW + 300, "jti": serial,
        }),
        "salesforce" => json!({
            "iss": "00Dx0000000BV7z", "sub": "005x0000001SyyE", "aud": "financial-pulse",
            "iat": NOW, "exp": NOW + 120, "contactId": CONTACT, "jti": serial,
        }),
        "salesforce-canvas" => json!({
            "algorithm": "HMACSHA256", "issuedAt": NOW, "userId": "005x0000001SyyE",
            "client": { "oauthToken": "00Dx0000000BV7z!a-live-token-of-a-person" },
            "context": {
                "organization": { "organizationId": "00Dx0000000BV7z" },
                "environment": { "record": { "Id": CONTACT } },
            },
            "serial": serial,
        }),
        "dynamics" => json!({
            "iss": format!("https://login.microsoftonline.com/{}/v2.0", account("dynamics")),
            "tid": account("dynamics"), "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
            "aud": ENTRA_AUDIENCE, "iat": NOW, "nbf": NOW, "exp": NOW + 4200, "uti": serial,
        }),
        "followupboss" => json!({
            "account": { "id": 77001, "domain": "acme" }, "user": { "id": 7 },
            "person": { "id": 4711, "emails": [] }, "context": "person", "serial": serial,
        }),
        "hubspot" | "front" => Value::Null,
        other => panic!("no claims of {other}"),
    }
}

/// What a right credential must prove.
struct Proves {
    preset: &'static str,
    user: &'static str,
    contact: Option<(&'static str, Trust)>,
    /// The role when the tenant's own map names this person as an admin.
    role: Role,
    renewal: Renewal,
    ancestors: &'static str,
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn expected() -> Vec<Proves> {
    use Renewal::{Canvas, Host, Monday, Pipedrive, Session};
    use Trust::{Requested, Signed};
    let proves = |preset, user, contact, role, renewal, ancestors| Proves {
        preset,
        user,
        contact,
        role,
        renewal,
        ancestors,
    };
    let atlassian = "https://*.atlassian.net https://*.jira.com";
    vec![
        // Its own code signs a role, which counts before the map.
        proves(
            "native",
            "rep-7",
            Some(("native:person:42", Signed)),
            Role::Finance,
            Host,
            "'none'",
        ),
        proves(
            "pipedrive",
            "12345",
            Some(("pipedrive:person:5", Requested)),
            Role::Admin,
            Pipedrive,
            "https://*.pipedrive.com",
        ),
        proves(
            "zendesk",
            "https://acme.zendesk.com/api/v2/users/7.json",
            None,
            Role::Admin,
            Session,
            "'none'",
        ),
        proves(
            "zendesk-proxy",
            "agent-7",
            Some(("zendesk:user:99", Requested)),
            Role::Rep,
            Session,
            "'none'",
        ),
        proves(
            "atlassian-connect",
            "account-7",
            Some(("atlassian:issue:10001", Signed)),
            Role::Admin,
            Session,
            atlassian,
        ),
        proves(
            "atlassian-forge",
            "account-7",
            None,
            Role::Admin,
            Session,
            atlassian,
        ),
        proves(
            "monday",
            "4012689",
            Some(("monday:item:771", Requested)),
            Role::Admin,
            Monday,
            "'none'",
        ),
        proves(
            "salesforce",
            "005x0000001SyyE",
            Some(("salesforce:record:003x000000OTzqx", Signed)),
            Role::Admin,
            Host,
            "'none'",
        ),
        proves(
            "salesforce-canvas",
            "005x0000001SyyE",
            Some(("salesforce:record:003x000000OTzqx", Signed)),
            Role::Admin,
            Canvas,
            "'none'",
        ),
        proves(
            "dynamics",
            "690222be-ff1a-4d56-abd1-7e4f7d38e474",
            Some((
                "dynamics:contact:2f1c7a53-0a6e-4b58-9f3e-1d2c3b4a5f60",
                Requested,
            )),
            Role::Admin,
            Host,
            "https://*.dynamics.com",
        ),
        proves(
            "hubspot",
            "5000",
            None,
            Role::Admin,
            Session,
            "https://*.hubspot.com https://*.hubspotusercontent.com",
        ),
        proves(
            "followupboss",
            "7",
            Some(("followupboss:person:4711", Signed)),
            Role::Admin,
            Session,
            "'none'",
        ),
        proves(
            "front",
            "nobody",
            None,
            Role::Rep,
            Session,
            "https://*.frontapp.com https://*.frontapplication.com",
        ),
    ]
}

#[tokio::test]
async fn a_right_credential_of_each_scheme_opens_its_doors_and_proves_no_more_than_it_says() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::of_every_scheme(&pairs, &log).await;
    let expected = expected();
    assert_eq!(
        expected.len(),
        financial_pulse::auth::preset::records::ALL.len()
    );
    for proves in &expected {
        let preset = Preset::of(proves.preset).expect("a scheme");
        // Whoever the credential names is an admin in the tenant's own map.
        let store = &place.pages.store;
        let now = place.pages.clock.now();
        let user = proves.user.into();
        let set = store
            .set_role(&"acme".into(), preset.name, &user, "admin", "test", now)
            .await;
        set.expect("a role");
        for at in ways(preset.name) {
            let mut attempt = right(&place, preset);
            attempt.at = *at;
            let case = format!("{} {at:?}", preset.name);
            let body = attempt.body.clone();
            let answer = place.let_in(&case, &attempt.send()).await;
            match at {
                At::Get | At::Form => {
                    let session = page(&place, &case, proves, &answer);
                    judge(&place, &case, proves, &session, None).await;
                }
                At::Json | At::Bearer => {
                    let given = answer.json();
                    let session = given["session"].as_str().expect("a session");
                    judge(&place, &case, proves, session, None).await;
                }
                At::Signed => {
                    let given = answer.json();
                    assert_eq!(given.get("session"), None, "{case}");
                    let code = given["url"].as_str().expect("an address");
                    let path = code
                        .strip_prefix(super::attempt::PUBLIC_URL)
                        .expect("our own address");
                    let opened = place.pages.get(path).await;
                    let session = page(&place, &case, proves, &opened);
                    let body: Value = serde_json::from_str(&body).expect("JSON");
                    let asked = format!("hubspot:{}", body["contact"].as_str().expect("an id"));
                    judge(&place, &case, proves, &session, Some(&asked)).await;
                    let again = place.pages.get(path).await;
                    assert_eq!(again.status.as_u16(), 401, "{case}: a code opens once");
                }
            }
        }
    }
}

/// The page: its boot block and who may frame it. Gives the session.
fn page(place: &Place, case: &str, proves: &Proves, answer: &Answer) -> String {
    let boot = answer.boot();
    assert_eq!(boot["tenant"], "acme", "{case}");
    assert_eq!(boot["preset"], proves.preset, "{case}");
    assert_eq!(boot["renewal"], proves.renewal.as_str(), "{case}");
    let policy = answer.header(axum::http::header::CONTENT_SECURITY_POLICY);
    let ending = format!("; frame-ancestors {}", proves.ancestors);
    assert!(policy.ends_with(&ending), "{case}: {policy}");
    let session = boot["session"].as_str().expect("a session");
    let identity = place.pages.sessions.verify(session).expect("our session");
    assert_eq!(boot["hardCap"], identity.hard_cap.to_string(), "{case}");
    session.to_owned()
}

/// The session: who, about whom, how sure, with what rights and until when.
async fn judge(place: &Place, case: &str, proves: &Proves, session: &str, asked: Option<&str>) {
    let identity = place.pages.sessions.verify(session).expect("our session");
    assert_eq!(identity.tenant.as_str(), "acme", "{case}");
    assert_eq!(identity.user.as_str(), proves.user, "{case}");
    let contact = identity
        .contact
        .as_ref()
        .map(|(id, trust)| (id.as_str(), *trust));
    let expected = asked.map(|id| (id, Trust::Requested)).or(proves.contact);
    assert_eq!(contact, expected, "{case}");
    assert_eq!(role(place, &identity).await, proves.role, "{case}");
    let now = place.pages.clock.now();
    let preset = Preset::of(proves.preset).expect("a scheme");
    let cap = match preset.weak {
        Some(_) => SignedDuration::from_mins(15),
        None => SignedDuration::from_hours(8),
    };
    assert_eq!(identity.hard_cap, now + cap, "{case}");
    // It goes on from itself up to there, and not beyond.
    let (_, renewed) = place.pages.sessions.renew(session).expect("renewed");
    assert_eq!(renewed.hard_cap, identity.hard_cap, "{case}");
}

/// The role, as GraphQL ranks the person.
async fn role(place: &Place, identity: &Identity) -> Role {
    let word = place
        .pages
        .store
        .role_of(&identity.tenant, &identity.preset, &identity.user)
        .await;
    let mapped_role = word.expect("read").as_deref().and_then(Role::parse);
    assert_eq!(mapped_role, Some(Role::Admin));
    let standing = financial_pulse::auth::Standing {
        mapped_role,
        reps_see_amounts: true,
    };
    identity.viewer(standing).role
}

/// What a page asks for beside a signed contact is not heard, wherever it stands.
#[tokio::test]
async fn no_parameter_moves_a_signed_contact() {
    let (pairs, log) = (Pairs::new(), Log::new());
    let place = Place::of_every_scheme(&pairs, &log).await;
    for proves in expected() {
        let Some((contact, Trust::Signed)) = proves.contact else {
            continue;
        };
        let preset = Preset::of(proves.preset).expect("a scheme");
        let mut attempt = right(&place, preset);
        let connect = preset.name == "atlassian-connect";
        if connect {
            // Where the address is signed, a form beside it is not read.
            attempt.at = At::Form;
        }
        let mut sent = attempt.clone().send();
        if connect {
            let token = std::mem::take(&mut sent.body);
            sent.ask(&token);
            sent.body = "contact=issue%3A666&company=1".to_owned();
        } else {
            sent.ask("contact=666&company=666");
        }
        let answer = place.let_in(preset.name, &sent).await;
        let shown = match attempt.at {
            At::Get | At::Form => answer.boot(),
            _ => answer.json(),
        };
        assert_eq!(shown["contactId"], contact, "{}", preset.name);
        assert_ne!(
            shown["company"],
            format!("{}:company:666", preset.crm),
            "{}",
            preset.name
        );
    }
}
