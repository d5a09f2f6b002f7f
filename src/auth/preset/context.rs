//! How the page says which record it shows, where the CRM does not sign it.

use super::Preset;
use crate::domain::ids::ContactId;

/// The kind of a contact whose id does not name one.
pub const CONTACT_KIND: &str = "contact";
/// The kind of a company whose id does not name one.
pub const COMPANY_KIND: &str = "company";

/// The CRM's own parameters for the record. Beside them, every page may have `contact` and `company`,
/// each an id by [`contact_id`]'s rule.
#[derive(Clone, Copy, Debug)]
pub struct HostContext {
    /// The parameter with the record's id.
    pub id: Option<&'static str>,
    /// How ids look.
    pub form: IdForm,
    /// The parameter with the record's kind.
    pub kind: Option<&'static str>,
    /// The kinds that have customers. Empty: any.
    pub kinds: &'static [&'static str],
    /// The kind of a record that names none.
    pub default_kind: &'static str,
}

/// How a CRM's ids look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdForm {
    /// A number.
    Digits,
    /// A GUID, perhaps in braces; case does not count.
    Guid,
    /// Any text.
    Text,
}

impl IdForm {
    /// The id as contacts have it; `None` when it is none. A list of selected records is none.
    fn read(self, text: &str) -> Option<String> {
        match self {
            Self::Digits => {
                let number = !text.is_empty()
                    && text.len() <= 20
                    && text.bytes().all(|byte| byte.is_ascii_digit());
                number.then(|| text.to_owned())
            }
            Self::Guid => {
                let bare = text
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'))
                    .unwrap_or(text);
                let id = uuid::Uuid::try_parse(bare).ok()?;
                Some(id.hyphenated().to_string())
            }
            Self::Text => (!text.contains(':')).then(|| text.to_owned()),
        }
    }
}

impl Preset {
    /// The record that the CRM's own parameters name; `None` unless it is exactly one of a known kind.
    pub fn selected(&self, kind: Option<&str>, id: &str) -> Option<ContactId> {
        let context = &self.context;
        let kind = match (kind, context.kind) {
            (Some(kind), _) => kind,
            (None, None) => context.default_kind,
            (None, Some(_)) => return None,
        };
        if !context.kinds.is_empty() && !context.kinds.contains(&kind) {
            return None;
        }
        let id = context.form.read(id)?;
        contact_id(self.crm, &format!("{kind}:{id}"), kind)
    }
}

/// The contact id that a claim or a parameter means. One rule for contacts and companies:
///
/// * `{crm}:{kind}:{id}` stands as it is (`native:person:42`);
/// * else, with a colon, what stands before the first one is the kind (`person:42`);
/// * without a colon the text is the id, of the given kind (`42` is `native:contact:42`, or
///   `native:company:42` for a company).
///
/// So an id that holds colons itself is written with its kind. A kind is a lower-case word of
/// letters, digits and underscores.
pub fn contact_id(crm: &str, text: &str, kind: &str) -> Option<ContactId> {
    let rest = text
        .strip_prefix(crm)
        .and_then(|rest| rest.strip_prefix(':'));
    let whole = match (rest, text.contains(':')) {
        (Some(_), _) => text.to_owned(),
        (None, true) => format!("{crm}:{text}"),
        (None, false) => format!("{crm}:{kind}:{text}"),
    };
    let contact = ContactId::parse(&whole).ok()?;
    let named = contact.kind();
    let is_word = named.starts_with(|c: char| c.is_ascii_lowercase())
        && named
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_word.then_some(contact)
}
