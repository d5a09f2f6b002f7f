//! One record for each scheme.
//!
//! A claim's path, a life or a host that a CRM's documents do not tell is not written down here as if
//! they did: paths can be set with a key (`--claim`), hosts with the tenant (`--frame-ancestor`).

use jiff::SignedDuration;

use super::{
    Audience, CONTACT_KIND, Doors, Exchange, HostContext, IdForm, Issuer, KeyScope, Preset,
    Renewal, Scheme, UrlHash,
};
use crate::domain::signing_key::{Algorithm, Claim};

/// Every scheme.
pub static ALL: [&Preset; 13] = [
    &NATIVE,
    &PIPEDRIVE,
    &ZENDESK,
    &ZENDESK_PROXY,
    &ATLASSIAN_CONNECT,
    &ATLASSIAN_FORGE,
    &MONDAY,
    &SALESFORCE,
    &SALESFORCE_CANVAS,
    &DYNAMICS,
    &HUBSPOT,
    &FOLLOWUPBOSS,
    &FRONT,
];

const EMBED: Doors = Doors {
    embed: true,
    exchange: Exchange::Closed,
};
const EXCHANGE: Doors = Doors {
    embed: false,
    exchange: Exchange::Token,
};
const BOTH: Doors = Doors {
    embed: true,
    exchange: Exchange::Token,
};

/// Only the parameters `contact` and `company`.
const NO_CONTEXT: HostContext = HostContext {
    id: None,
    form: IdForm::Text,
    kind: None,
    kinds: &[],
    default_kind: CONTACT_KIND,
};

/// A token under a key of the whole app, with nothing but account, person and end.
const APP_TOKEN: Preset = Preset {
    name: "",
    title: "",
    crm: "",
    scheme: Scheme::Jwt,
    algorithms: &[Algorithm::Hs256],
    key_scope: KeyScope::App,
    key_set: None,
    parameter: "token",
    signature_parameter: None,
    doors: BOTH,
    issuer: Issuer::Unchecked,
    audience: Audience::Unchecked,
    issued_at_required: false,
    longest: SignedDuration::from_mins(5),
    url_hash: UrlHash::Refused,
    vouches: true,
    nobody: false,
    contact_required: false,
    weak: None,
    hard_cap: None,
    renewal: Renewal::Host,
    context: NO_CONTEXT,
    frame_ancestors: &[],
    unverified: &[],
    claims: &[],
};

/// A token under the tenant's own key, of a known issuer for us.
const TENANT_TOKEN: Preset = Preset {
    key_scope: KeyScope::Installation,
    issuer: Issuer::OfKey,
    audience: Audience::Ours,
    issued_at_required: true,
    ..APP_TOKEN
};

/// Tokens that the customer's own code mints, with our claims.
pub static NATIVE: Preset = Preset {
    name: "native",
    title: "Your own code",
    crm: "native",
    algorithms: &Algorithm::ALL,
    claims: &[
        (Claim::Account, &["tenant"]),
        (Claim::User, &["sub"]),
        (Claim::Name, &["name"]),
        (Claim::Role, &["role"]),
        (Claim::Contact, &["contact"]),
        (Claim::Company, &["company"]),
        (Claim::Email, &["email"]),
        (Claim::TaxNumber, &["tax_number"]),
        (Claim::Locale, &["locale"]),
    ],
    ..TENANT_TOKEN
};

/// Pipedrive's app extensions. Their tokens name user and company only, without issuer and audience;
/// the spelling of the claims is not printed in their documents, so both seen ones are read.
pub static PIPEDRIVE: Preset = Preset {
    name: "pipedrive",
    title: "Pipedrive",
    crm: "pipedrive",
    renewal: Renewal::Pipedrive,
    context: HostContext {
        id: Some("selectedIds"),
        form: IdForm::Digits,
        kind: Some("resource"),
        kinds: &["person", "deal", "organization"],
        default_kind: CONTACT_KIND,
    },
    // `pipedrive.frame_ancestors` in the settings.
    frame_ancestors: &[],
    unverified: &[
        "the spelling of the claims",
        "the parameters `resource` and `selectedIds`",
    ],
    claims: &[
        (Claim::Account, &["companyId", "company_id"]),
        (Claim::User, &["userId", "user_id"]),
    ],
    ..APP_TOKEN
};

/// Zendesk's signed URL: the first page of the app, asked for by POST. Who requested the ticket is
/// told by Zendesk's kit in the page, unsigned.
pub static ZENDESK: Preset = Preset {
    name: "zendesk",
    title: "Zendesk (signed URL)",
    crm: "zendesk",
    algorithms: &[Algorithm::Rs256],
    doors: EMBED,
    issuer: Issuer::OfKeyAlsoWith("https://"),
    audience: Audience::OfKey,
    longest: SignedDuration::from_mins(10),
    // Zendesk's tokens may carry one, by a rule that its documents do not tell.
    url_hash: UrlHash::Ignored,
    nobody: true,
    renewal: Renewal::Session,
    context: HostContext {
        default_kind: "user",
        ..NO_CONTEXT
    },
    unverified: &[
        "the claims but `iss`, `aud`, `exp`",
        "whether the key is the app's or the installation's",
    ],
    claims: &[(Claim::User, &["sub"])],
    ..TENANT_TOKEN
};

/// Zendesk's request proxy: it signs under the installation's secret whatever claims the page in the
/// browser asks for.
pub static ZENDESK_PROXY: Preset = Preset {
    name: "zendesk-proxy",
    title: "Zendesk (request proxy)",
    crm: "zendesk",
    algorithms: &[Algorithm::Hs256],
    doors: EXCHANGE,
    longest: SignedDuration::from_mins(5),
    vouches: false,
    nobody: true,
    renewal: Renewal::Session,
    context: HostContext {
        default_kind: "user",
        ..NO_CONTEXT
    },
    claims: &[
        (Claim::User, &["sub"]),
        (Claim::Contact, &["contact"]),
        (Claim::Company, &["company"]),
    ],
    ..TENANT_TOKEN
};

/// Atlassian Connect: the whole address is signed by the `qsh` claim, and with it the record in it.
pub static ATLASSIAN_CONNECT: Preset = Preset {
    name: "atlassian-connect",
    title: "Atlassian Connect",
    crm: "atlassian",
    algorithms: &[Algorithm::Hs256],
    parameter: "jwt",
    doors: EMBED,
    audience: Audience::Unchecked,
    longest: SignedDuration::from_mins(3),
    url_hash: UrlHash::Required,
    renewal: Renewal::Session,
    context: HostContext {
        default_kind: "issue",
        ..NO_CONTEXT
    },
    frame_ancestors: &["https://*.atlassian.net", "https://*.jira.com"],
    unverified: &["how a module's address names its record"],
    claims: &[(Claim::User, &["sub", "context.user.accountId"])],
    ..TENANT_TOKEN
};

/// Atlassian Forge: an invocation token for each call of the app's code. Where the record stands in
/// its context depends on the module, so it is set with the key.
pub static ATLASSIAN_FORGE: Preset = Preset {
    name: "atlassian-forge",
    title: "Atlassian Forge",
    crm: "atlassian",
    algorithms: &[Algorithm::Rs256],
    key_set: Some("https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"),
    doors: EXCHANGE,
    issuer: Issuer::Known("forge/invocation-token"),
    audience: Audience::OfKey,
    issued_at_required: true,
    longest: SignedDuration::from_mins(30),
    renewal: Renewal::Session,
    context: HostContext {
        default_kind: "issue",
        ..NO_CONTEXT
    },
    frame_ancestors: &["https://*.atlassian.net", "https://*.jira.com"],
    unverified: &[
        "the claims `context.cloudId` and `principal`",
        "where the record stands",
    ],
    claims: &[
        (Claim::Account, &["context.cloudId"]),
        (Claim::User, &["principal"]),
    ],
    ..APP_TOKEN
};

/// monday.com's session token, under the app's client secret.
pub static MONDAY: Preset = Preset {
    name: "monday",
    title: "monday.com",
    crm: "monday",
    parameter: "sessionToken",
    longest: SignedDuration::from_hours(1),
    renewal: Renewal::Monday,
    context: HostContext {
        id: Some("itemId"),
        form: IdForm::Digits,
        kind: None,
        kinds: &[],
        default_kind: "item",
    },
    unverified: &["how long a token lives", "which hosts frame"],
    claims: &[
        (Claim::Account, &["dat.account_id"]),
        (Claim::User, &["dat.user_id"]),
    ],
    ..APP_TOKEN
};

/// Tokens that a Salesforce organization's own Apex code signs with its certificate.
pub static SALESFORCE: Preset = Preset {
    name: "salesforce",
    title: "Salesforce (Apex token)",
    crm: "salesforce",
    algorithms: &[Algorithm::Rs256],
    context: HostContext {
        default_kind: "record",
        ..NO_CONTEXT
    },
    unverified: &["that `Auth.JWS` signs with RS256", "which hosts frame"],
    claims: &[
        (Claim::User, &["sub"]),
        (Claim::Name, &["name"]),
        (Claim::Role, &["role"]),
        (Claim::Contact, &["contact", "contactId", "recordId"]),
        (Claim::Company, &["company", "accountId"]),
        (Claim::Email, &["email"]),
        (Claim::TaxNumber, &["tax_number"]),
        (Claim::Locale, &["locale"]),
    ],
    ..TENANT_TOKEN
};

/// Salesforce Canvas' signed request.
pub static SALESFORCE_CANVAS: Preset = Preset {
    name: "salesforce-canvas",
    title: "Salesforce Canvas",
    crm: "salesforce",
    scheme: Scheme::SignedRequest,
    parameter: "signed_request",
    renewal: Renewal::Canvas,
    context: HostContext {
        default_kind: "record",
        ..NO_CONTEXT
    },
    unverified: &[
        "where the record stands",
        "the unit of `issuedAt`, and when it is empty",
    ],
    claims: &[
        (Claim::Account, &["context.organization.organizationId"]),
        (Claim::User, &["userId"]),
        (Claim::Contact, &["context.environment.record.Id"]),
    ],
    ..APP_TOKEN
};

/// Microsoft Entra's access tokens (version 2) for our own API, as pages in Dynamics 365 get them.
pub static DYNAMICS: Preset = Preset {
    name: "dynamics",
    title: "Microsoft Dynamics 365 (Entra)",
    crm: "dynamics",
    algorithms: &[Algorithm::Rs256],
    key_set: Some("https://login.microsoftonline.com/common/discovery/v2.0/keys"),
    issuer: Issuer::Known("https://login.microsoftonline.com/{account}/v2.0"),
    audience: Audience::OfKey,
    issued_at_required: true,
    // Entra chooses between 60 and 90 minutes at random.
    longest: SignedDuration::from_mins(95),
    context: HostContext {
        id: Some("id"),
        form: IdForm::Guid,
        kind: Some("typename"),
        kinds: &[],
        default_kind: CONTACT_KIND,
    },
    frame_ancestors: &["https://*.dynamics.com"],
    unverified: &[
        "the address of the keys",
        "how long a token lives",
        "which hosts frame",
    ],
    claims: &[(Claim::Account, &["tid"]), (Claim::User, &["oid"])],
    ..APP_TOKEN
};

/// HubSpot's `hubspot.fetch`: HubSpot relays the call of a card and signs it with portal and user.
/// The record in it was chosen by code in the browser.
pub static HUBSPOT: Preset = Preset {
    name: "hubspot",
    title: "HubSpot",
    crm: "hubspot",
    scheme: Scheme::RequestSignature,
    doors: Doors {
        embed: false,
        exchange: Exchange::SignedRequest,
    },
    renewal: Renewal::Session,
    frame_ancestors: &["https://*.hubspot.com", "https://*.hubspotusercontent.com"],
    unverified: &[
        "the parameters `portalId` and `userId`",
        "which characters are signed unencoded",
        "which hosts frame",
    ],
    claims: &[(Claim::Account, &["portalId"]), (Claim::User, &["userId"])],
    ..APP_TOKEN
};

/// Follow Up Boss and others of its way: a signed context without a time, the same for ever.
pub static FOLLOWUPBOSS: Preset = Preset {
    name: "followupboss",
    title: "Follow Up Boss (signed context)",
    crm: "followupboss",
    scheme: Scheme::SignedContext,
    parameter: "context",
    signature_parameter: Some("signature"),
    doors: EMBED,
    contact_required: true,
    weak: Some("the signed address names no time: who once saw it can open that person for ever"),
    hard_cap: Some(WEAK_CAP),
    renewal: Renewal::Session,
    context: HostContext {
        default_kind: "person",
        ..NO_CONTEXT
    },
    unverified: &["the form of the signature", "which hosts frame"],
    claims: &[
        (Claim::Account, &["account.id"]),
        (Claim::User, &["user.id"]),
        (Claim::Contact, &["person.id"]),
    ],
    ..APP_TOKEN
};

/// Front and others of its way: one secret in the address, the same for everybody.
pub static FRONT: Preset = Preset {
    name: "front",
    title: "Front (shared secret)",
    crm: "front",
    scheme: Scheme::SharedSecret,
    parameter: "auth_secret",
    doors: EMBED,
    vouches: false,
    nobody: true,
    weak: Some("the address holds the secret itself: who once saw it can open everything"),
    hard_cap: Some(WEAK_CAP),
    renewal: Renewal::Session,
    frame_ancestors: &["https://*.frontapp.com", "https://*.frontapplication.com"],
    ..TENANT_TOKEN
};

/// How long a session may go on from a weak credential.
pub const WEAK_CAP: SignedDuration = SignedDuration::from_mins(15);
