//! What tokens say about people, and what people may ask for.

use financial_pulse::auth::preset::{self, NATIVE, PIPEDRIVE};
use financial_pulse::auth::{Identity, Role, Standing, TestToken, TokenKind, Trust};
use financial_pulse::domain::ids::ContactId;
use jiff::{SignedDuration, Timestamp};
use pretty_assertions::assert_eq;
use secrecy::ExposeSecret;

use super::{NOW, claims, clock, secret_key, signed, verifier};

fn contact(text: &str) -> ContactId {
    ContactId::parse(text).expect("a contact id")
}

pub(super) async fn identity() -> Identity {
    let claims = verifier(&clock())
        .verify(&NATIVE, &[secret_key()], &signed(&claims().to_string()))
        .await
        .expect("a right token");
    claims.identity("acme".into())
}

const UNKNOWN_TO_THE_TENANT: Standing = Standing {
    mapped_role: None,
    reps_see_amounts: true,
};

#[tokio::test]
async fn a_native_token_says_who_asks_about_whom() {
    let identity = identity().await;
    assert_eq!(identity.user.as_str(), "rep-7");
    assert_eq!(identity.name.as_deref(), Some("Ada"));
    assert_eq!(identity.signed_role, Some(Role::Finance));
    assert_eq!(
        identity.contact,
        Some((contact("native:person:42"), Trust::Signed))
    );
    assert_eq!(
        identity.company,
        Some((contact("native:company:acme-gmbh"), Trust::Signed))
    );
}

#[test]
fn one_rule_says_which_contact_an_id_means() {
    let cases = [
        ("42", Some("native:contact:42")),
        ("person:42", Some("native:person:42")),
        ("native:person:42", Some("native:person:42")),
        ("company:urn:acme:1", Some("native:company:urn:acme:1")),
        ("pipedrive:person:5", Some("native:pipedrive:person:5")),
        ("native:42", None),
        ("Person:42", None),
        ("person:", None),
        (":42", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let found = preset::contact_id("native", text, preset::CONTACT_KIND);
        assert_eq!(found, expected.map(contact), "{text}");
    }
    let company = preset::contact_id("native", "7", preset::COMPANY_KIND);
    assert_eq!(company, Some(contact("native:company:7")));
}

#[test]
fn pipedrives_page_names_one_selected_record() {
    let selected = |resource, ids| PIPEDRIVE.selected(Some(resource), ids);
    assert_eq!(selected("person", "5"), Some(contact("pipedrive:person:5")));
    assert_eq!(
        selected("organization", "5"),
        Some(contact("pipedrive:organization:5"))
    );
    for (resource, ids) in [
        ("person", "5,6"),
        ("person", ""),
        ("person", "x"),
        ("lead", "5"),
    ] {
        assert_eq!(selected(resource, ids), None, "{resource} {ids}");
    }
}

#[tokio::test]
async fn a_signed_contact_closes_every_other_door() {
    let identity = identity().await;
    let viewer = identity.viewer(UNKNOWN_TO_THE_TENANT);
    assert!(viewer.may_ask_for(&contact("native:person:42")));
    assert!(viewer.may_ask_for(&contact("native:company:acme-gmbh")));
    assert!(!viewer.may_ask_for(&contact("native:person:43")));
    assert!(!viewer.may_ask_for(&contact("native:company:other")));

    // The page's own wishes are not heard: a company of its choice would be another way in.
    let wished = identity.clone().with_requested(
        Some(contact("native:person:43")),
        Some(contact("native:company:other")),
    );
    assert_eq!(wished, identity);
    let mut without_company = identity;
    without_company.company = None;
    let wished = without_company
        .clone()
        .with_requested(None, Some(contact("native:company:other")));
    assert_eq!(wished, without_company);
}

#[tokio::test]
async fn a_requested_contact_is_marked_and_opens_the_tenant() {
    let mut identity = identity().await;
    (identity.contact, identity.company) = (None, None);
    let identity = identity.with_requested(
        Some(contact("native:person:1")),
        Some(contact("native:company:1")),
    );
    assert_eq!(
        identity.contact,
        Some((contact("native:person:1"), Trust::Requested))
    );
    assert_eq!(
        identity.company,
        Some((contact("native:company:1"), Trust::Requested))
    );
    let viewer = identity.viewer(UNKNOWN_TO_THE_TENANT);
    assert!(viewer.may_ask_for(&contact("native:person:2")));
}

#[tokio::test]
async fn the_signed_role_counts_before_the_tenants_map_and_who_has_neither_is_a_rep() {
    let mut identity = identity().await;
    let standing = Standing {
        mapped_role: Some(Role::Admin),
        reps_see_amounts: false,
    };
    assert_eq!(identity.viewer(standing).role, Role::Finance);
    identity.signed_role = None;
    assert_eq!(identity.viewer(standing).role, Role::Admin);
    let rep = identity.viewer(Standing {
        mapped_role: None,
        reps_see_amounts: false,
    });
    assert_eq!((rep.role, rep.sees_amounts), (Role::Rep, false));
    assert!(identity.viewer(UNKNOWN_TO_THE_TENANT).sees_amounts);
}

#[tokio::test]
async fn only_finance_and_admin_write() {
    let mut identity = identity().await;
    let may = Role::ALL.map(|role| {
        identity.signed_role = Some(role);
        let viewer = identity.viewer(UNKNOWN_TO_THE_TENANT);
        (viewer.can_link(), viewer.can_set_limits())
    });
    assert_eq!(
        may,
        [(false, false), (false, false), (true, true), (true, true)]
    );
}

#[tokio::test]
async fn a_minted_test_token_verifies() {
    let now = Timestamp::from_second(NOW).expect("an instant");
    let wanted = TestToken {
        user: "tester".into(),
        name: None,
        role: Some(Role::Admin),
        contact: Some("person:9".to_owned()),
        company: None,
        email: None,
        tax_number: None,
        lifetime: SignedDuration::from_mins(5),
    };
    let token = wanted
        .mint(&[secret_key()], "financial-pulse", now)
        .expect("a token");
    let token = token.expose_secret();
    let kind = TokenKind::of(token).expect("a native token");
    assert_eq!(
        kind,
        TokenKind::Native {
            tenant: "acme".into()
        }
    );
    let claims = verifier(&clock())
        .verify(&NATIVE, &[secret_key()], token)
        .await
        .expect("a right token");
    assert_eq!(claims.role, Some(Role::Admin));
    assert_eq!(claims.contact, Some(contact("native:person:9")));
    assert!(wanted.mint(&[], "financial-pulse", now).is_err());
}
