//! How each CRM says who asks: data, no code.

use super::key::Algorithm;
use crate::domain::ids::ContactId;

/// Whose a key is, and with it where the tenant comes from. Never from a request's field alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Each tenant has keys of its own: the key that verified names the tenant. A tenant claim, where
    /// there is one, must be equal.
    Installation,
    /// One key signs for all: the tenant is the one for which the signed account is registered.
    App,
}

/// How the page says which record it shows, where the CRM does not sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostContext {
    /// Parameters `contact` and `company`, each an id by [`contact_id`]'s rule.
    Ids,
    /// Pipedrive's `resource` (the record's kind) and `selectedIds` (one number in a detail view).
    Pipedrive,
}

/// A CRM's scheme. Claims are paths of names parted by dots, the first one present counts.
#[derive(Debug)]
pub struct Preset {
    /// Its name in routes, keys and contact ids.
    pub name: &'static str,
    /// The algorithms that its keys may have.
    pub algorithms: &'static [Algorithm],
    /// Whose its keys are.
    pub key_scope: KeyScope,
    /// The parameter, of query or form, that carries the token when the CRM loads the page.
    pub token_parameter: &'static str,
    /// How the page names the record it shows.
    pub host_context: HostContext,
    /// Whether the host can give fresh tokens while the page is open.
    pub renews: bool,
    /// Whether `iss`, `aud` and `iat` are required and checked.
    pub strict_claims: bool,
    /// The tenant (installation keys) or the CRM's account (app keys).
    pub account: &'static [&'static str],
    /// The person.
    pub user: &'static [&'static str],
    /// Their name.
    pub person_name: &'static [&'static str],
    /// Their role in our words.
    pub role: &'static [&'static str],
    /// The signed contact.
    pub contact: &'static [&'static str],
    /// The signed company of the contact.
    pub company: &'static [&'static str],
    /// The contact's e-mail address, by which it may be linked.
    pub email: &'static [&'static str],
    /// The contact's tax number, by which it may be linked.
    pub tax_number: &'static [&'static str],
    /// The page's language.
    pub locale: &'static [&'static str],
}

/// Tokens that the customer's own code mints, with our claims.
pub static NATIVE: Preset = Preset {
    name: "native",
    algorithms: &Algorithm::ALL,
    key_scope: KeyScope::Installation,
    token_parameter: "token",
    host_context: HostContext::Ids,
    renews: true,
    strict_claims: true,
    account: &["tenant"],
    user: &["sub"],
    person_name: &["name"],
    role: &["role"],
    contact: &["contact"],
    company: &["company"],
    email: &["email"],
    tax_number: &["tax_number"],
    locale: &["locale"],
};

/// Pipedrive's app extensions. Their tokens name user and company only, without issuer and audience;
/// the spelling of the claims is not printed in their documents, so both seen ones are read.
pub static PIPEDRIVE: Preset = Preset {
    name: "pipedrive",
    algorithms: &[Algorithm::Hs256],
    key_scope: KeyScope::App,
    token_parameter: "token",
    host_context: HostContext::Pipedrive,
    renews: true,
    strict_claims: false,
    account: &["companyId", "company_id"],
    user: &["userId", "user_id"],
    person_name: &[],
    role: &[],
    contact: &[],
    company: &[],
    email: &[],
    tax_number: &[],
    locale: &[],
};

impl Preset {
    /// Every scheme.
    pub fn all() -> [&'static Self; 2] {
        [&NATIVE, &PIPEDRIVE]
    }

    /// The scheme of a name.
    pub fn of(name: &str) -> Option<&'static Self> {
        Self::all().into_iter().find(|preset| preset.name == name)
    }

    /// The contact that the page asks for by Pipedrive's query parameters: its kind and the ids that
    /// are selected. `None` unless exactly one record of a known kind is.
    pub fn selected(&self, resource: &str, selected_ids: &str) -> Option<ContactId> {
        let kind = match resource {
            "person" | "deal" | "organization" => resource,
            _ => return None,
        };
        let is_number = !selected_ids.is_empty()
            && selected_ids.len() <= 20
            && selected_ids.bytes().all(|byte| byte.is_ascii_digit());
        is_number
            .then(|| ContactId::parse(&format!("{}:{kind}:{selected_ids}", self.name)).ok())
            .flatten()
    }
}

/// The kind of a contact whose id does not name one.
pub const CONTACT_KIND: &str = "contact";
/// The kind of a company whose id does not name one.
pub const COMPANY_KIND: &str = "company";

/// The contact id that a claim or a parameter means. One rule for contacts and companies:
///
/// * `{preset}:{kind}:{id}` stands as it is (`native:person:42`);
/// * else, with a colon, what stands before the first one is the kind (`person:42`);
/// * without a colon the text is the id, of the given kind (`42` is `native:contact:42`, or
///   `native:company:42` for a company).
///
/// So an id that holds colons itself is written with its kind. A kind is a lower-case word of
/// letters, digits and underscores.
pub fn contact_id(preset: &str, text: &str, kind: &str) -> Option<ContactId> {
    let rest = text
        .strip_prefix(preset)
        .and_then(|rest| rest.strip_prefix(':'));
    let whole = match (rest, text.contains(':')) {
        (Some(_), _) => text.to_owned(),
        (None, true) => format!("{preset}:{text}"),
        (None, false) => format!("{preset}:{kind}:{text}"),
    };
    let contact = ContactId::parse(&whole).ok()?;
    let named = contact.kind();
    let is_word = named.starts_with(|c: char| c.is_ascii_lowercase())
        && named
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_word.then_some(contact)
}
