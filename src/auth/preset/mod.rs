//! How each CRM says who asks: data, no code. The records are in [`records`].
//!
//! How each is set up, and what is known of it, is told in `docs/crm.md`.

mod context;
pub mod records;

use jiff::SignedDuration;

use crate::domain::signing_key::{Algorithm, Claim};
pub use context::{COMPANY_KIND, CONTACT_KIND, HostContext, IdForm, contact_id};
pub use records::{NATIVE, PIPEDRIVE};

/// Whose a key is, and with it where the tenant comes from. Never from a request's field alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Each tenant has keys of its own: the key that verified names the tenant. A tenant claim, where
    /// there is one, must be equal.
    Installation,
    /// One key signs for all: the tenant is the one for which the signed account is registered.
    App,
}

/// What is signed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A compact JWS (RFC 7515) of claims.
    Jwt,
    /// Salesforce Canvas: `base64(HMAC-SHA256(envelope)).envelope`, the envelope being base64 of JSON.
    SignedRequest,
    /// HubSpot's version 3: HMAC-SHA256 over method, address, body and time, in headers.
    RequestSignature,
    /// A base64url context of JSON and its HMAC-SHA256 in hexadecimal, side by side, without a time.
    SignedContext,
    /// Nothing but a secret that the CRM and we know.
    SharedSecret,
}

/// What `iss` must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// The scheme has none.
    Unchecked,
    /// The one registered with the key, else the tenant's id.
    OfKey,
    /// The same, and also with this before it.
    OfKeyAlsoWith(&'static str),
    /// The one registered with the key, else this one. `{account}` stands for the signed account.
    Known(&'static str),
}

/// What `aud` must hold. Never taken from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The scheme has none.
    Unchecked,
    /// The one registered with the key, else the installation's own (`native.audience`).
    Ours,
    /// The one registered with the key, which must have one.
    OfKey,
}

/// What a `qsh` claim, which binds a token to an address, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlHash {
    /// It makes the token one of another kind.
    Refused,
    /// It must be there and be that of the request. What the address asks for is signed by it.
    Required,
    /// It is not looked at.
    Ignored,
}

/// How an open page gets its next session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The page that frames it gives a fresh token by `postMessage`.
    Host,
    /// Pipedrive's kit does.
    Pipedrive,
    /// monday's kit does.
    Monday,
    /// Salesforce Canvas' kit gives a new signed request.
    Canvas,
    /// From its own session, up to the hard cap: the CRM gives nothing fresh.
    Session,
    /// Not at all.
    None,
}

impl Renewal {
    /// The word in the page's boot block.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Pipedrive => "pipedrive",
            Self::Monday => "monday",
            Self::Canvas => "canvas",
            Self::Session => "session",
            Self::None => "none",
        }
    }
}

/// Where a credential is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doors {
    /// The CRM loads `/embed/…`, by GET or by POST of a form.
    pub embed: bool,
    /// Code calls `/exchange/…`.
    pub exchange: Exchange,
}

/// What `/exchange/…` takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Nothing.
    Closed,
    /// A token in the JSON body or as a bearer; gives a session.
    Token,
    /// A request that the CRM signed as a whole; gives a one-time code, since the answer passes
    /// through the CRM.
    SignedRequest,
}

/// A CRM's scheme.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a record of facts about a CRM, each read by one rule"
)]
#[derive(Debug)]
pub struct Preset {
    /// Its name in routes and keys.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The CRM in contact ids: presets of one CRM share their contacts.
    pub crm: &'static str,
    /// What is signed.
    pub scheme: Scheme,
    /// The algorithms that its keys may have.
    pub algorithms: &'static [Algorithm],
    /// Whose its keys are.
    pub key_scope: KeyScope,
    /// Where its keys are published as a JWK set, unless the key's record says otherwise.
    pub key_set: Option<&'static str>,
    /// The parameter, of query or form, that carries the credential when the CRM loads the page.
    pub parameter: &'static str,
    /// The parameter with the signature, where that stands apart.
    pub signature_parameter: Option<&'static str>,
    /// Where the credential may be shown.
    pub doors: Doors,
    /// What `iss` must be.
    pub issuer: Issuer,
    /// What `aud` must hold.
    pub audience: Audience,
    /// Whether `iat` must be there.
    pub issued_at_required: bool,
    /// The longest accepted life of a credential.
    pub longest: SignedDuration,
    /// What a `qsh` claim does.
    pub url_hash: UrlHash,
    /// Whether what the credential says of person, role and record was said by the CRM. Where the
    /// CRM signs whatever code in the browser gives it, the credential proves the tenant, and the rest
    /// is a request.
    pub vouches: bool,
    /// Whether a credential without a person is accepted, as one of nobody in particular.
    pub nobody: bool,
    /// Whether a credential must name the contact: where it is good for ever, one that names none
    /// would open every contact for ever.
    pub contact_required: bool,
    /// Why the scheme is weak, where it is: it is refused unless the settings name it.
    pub weak: Option<&'static str>,
    /// The longest that sessions go on from one credential, where shorter than the settings say.
    pub hard_cap: Option<SignedDuration>,
    /// How an open page renews its session.
    pub renewal: Renewal,
    /// How the page names the record it shows.
    pub context: HostContext,
    /// Who may frame the page for a tenant that names nobody: the CRM's own hosts, where its
    /// documents tell them.
    pub frame_ancestors: &'static [&'static str],
    /// What of this record the CRM's own documents do not tell: seen in others' code, or remembered.
    pub unverified: &'static [&'static str],
    /// Where each claim stands: paths of names parted by dots, the first one present counts. A key's
    /// record may name another path.
    pub claims: &'static [(Claim, &'static [&'static str])],
}

impl Preset {
    /// The scheme of a name.
    pub fn of(name: &str) -> Option<&'static Self> {
        records::ALL.into_iter().find(|preset| preset.name == name)
    }

    /// Where a claim stands.
    pub fn paths(&self, claim: Claim) -> &'static [&'static str] {
        self.claims
            .iter()
            .find(|(of, _)| *of == claim)
            .map_or(&[], |(_, paths)| *paths)
    }
}
