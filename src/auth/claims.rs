//! What a verified payload must say, and what it says about the person.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::object::Object;
use super::preset::{Audience, COMPANY_KIND, Issuer, Preset, contact_id};
use super::refusal::{KeyProblem, Refusal};
use super::viewer::Role;
use crate::domain::ids::{ContactId, TenantId, UserId};
use crate::domain::signing_key::{Claim, SigningKey};

/// The bounds of a token's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// How far clocks may differ.
    pub(super) leeway: SignedDuration,
    /// The longest life that the scheme allows.
    pub(super) longest: SignedDuration,
}

/// What the claims say about the person and the page.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) account: Option<String>,
    pub(super) user: UserId,
    pub(super) name: Option<Arc<str>>,
    pub(super) role: Option<Role>,
    pub(super) contact: Option<ContactId>,
    pub(super) company: Option<ContactId>,
    pub(super) email: Option<String>,
    pub(super) tax_number: Option<String>,
    pub(super) locale: Option<Arc<str>>,
}

/// Longer texts about a person are nobody's name.
const MAX_TEXT_BYTES: usize = 320;

/// What a key's record sets for its tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) preset: &'static Preset,
    pub(super) key: &'a SigningKey,
    /// The installation's own audience.
    pub(super) audience: &'a str,
}

impl Rules<'_> {
    /// The text of a claim at the first of its paths that has one. It must not be empty, and hold no
    /// control characters: no name has one, and PostgreSQL takes no NUL.
    fn claim(
        &self,
        claims: &Object,
        claim: Claim,
        read: impl Fn(&Object, &str, &'static str) -> Result<Option<String>, Refusal>,
    ) -> Result<Option<String>, Refusal> {
        let sound = |text: String, name| {
            let odd = text.chars().any(char::is_control);
            if odd || text.trim().is_empty() || text.len() > MAX_TEXT_BYTES {
                return Err(Refusal::BadClaim(name));
            }
            Ok(Some(text))
        };
        if let Some(path) = self.key.claims.get(&claim) {
            let name = claim.as_str();
            return match read(claims, path, name)? {
                Some(text) => sound(text, name),
                None => Ok(None),
            };
        }
        for path in self.preset.paths(claim) {
            if let Some(text) = read(claims, path, path)? {
                return sound(text, path);
            }
        }
        Ok(None)
    }

    fn id(&self, claims: &Object, claim: Claim) -> Result<Option<String>, Refusal> {
        self.claim(claims, claim, Object::id_at)
    }

    fn text(&self, claims: &Object, claim: Claim) -> Result<Option<String>, Refusal> {
        self.claim(claims, claim, Object::text_at)
    }

    /// What the claims say about the person and the page.
    pub(super) fn said(&self, claims: &Object) -> Result<Said, Refusal> {
        let preset = self.preset;
        let user = match self.id(claims, Claim::User)? {
            Some(user) => user,
            None if preset.nobody => NOBODY.to_owned(),
            None => return Err(Refusal::MissingClaim("user")),
        };
        let record = |claim: Claim, kind: &str| {
            self.id(claims, claim)?
                .map(|text| {
                    contact_id(preset.crm, &text, kind).ok_or(Refusal::BadClaim(claim.as_str()))
                })
                .transpose()
        };
        let contact = record(Claim::Contact, preset.context.default_kind)?;
        if preset.contact_required && contact.is_none() {
            return Err(Refusal::MissingClaim("contact"));
        }
        // What code in a browser chose says nothing of role, and links nobody.
        let role = if preset.vouches {
            self.text(claims, Claim::Role)?
                .map(|word| Role::parse(&word).ok_or(Refusal::BadClaim("role")))
                .transpose()?
        } else {
            Some(Role::Rep)
        };
        let fact = |claim| -> Result<Option<String>, Refusal> {
            if preset.vouches {
                self.text(claims, claim)
            } else {
                Ok(None)
            }
        };
        Ok(Said {
            account: self.id(claims, Claim::Account)?,
            user: UserId::new(user),
            name: self.text(claims, Claim::Name)?.map(Into::into),
            role,
            contact,
            company: record(Claim::Company, COMPANY_KIND)?,
            email: fact(Claim::Email)?,
            tax_number: fact(Claim::TaxNumber)?,
            locale: self.text(claims, Claim::Locale)?.map(Into::into),
        })
    }

    /// Judges who issued a token, and for whom.
    pub(super) fn judge_origin(&self, claims: &Object, said: &Said) -> Result<(), Refusal> {
        let own = self.key.issuer.as_deref();
        let tenant = self.key.tenant.as_ref().map_or("", TenantId::as_str);
        let (expected, also) = match self.preset.issuer {
            Issuer::Unchecked => (None, None),
            Issuer::OfKey => (Some(own.unwrap_or(tenant)), None),
            Issuer::OfKeyAlsoWith(start) => (Some(own.unwrap_or(tenant)), Some(start)),
            Issuer::Known(known) => (Some(own.unwrap_or(known)), None),
        };
        if let Some(expected) = expected {
            let account = said.account.as_deref().unwrap_or_default();
            let expected = expected.replace("{account}", account);
            let issuer = claims.text("iss")?.ok_or(Refusal::MissingClaim("iss"))?;
            let bare = also.and_then(|start| issuer.strip_prefix(start));
            if issuer != expected && bare != Some(expected.as_str()) {
                return Err(Refusal::WrongIssuer);
            }
        }
        let own = self.key.audience.as_deref();
        let expected = match self.preset.audience {
            Audience::Unchecked => return Ok(()),
            Audience::Ours => own.unwrap_or(self.audience),
            Audience::OfKey => own.ok_or(Refusal::UnfitKey(KeyProblem::NoAudience))?,
        };
        match claims.texts("aud")? {
            None => Err(Refusal::MissingClaim("aud")),
            Some(audiences) if audiences.iter().any(|one| one == expected) => Ok(()),
            Some(_) => Err(Refusal::WrongAudience),
        }
    }
}

/// The person of a credential that names none.
const NOBODY: &str = "nobody";

/// `exp` is required, `nbf` and `iat` count where they are (`iat` is required of strict schemes), and
/// the life from `iat` (or from now) to `exp` has a bound.
pub(super) fn judge_time(
    claims: &Object,
    issued_at_required: bool,
    life: Life,
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    let expires_at = instant(claims, "exp")?.ok_or(Refusal::MissingClaim("exp"))?;
    let not_before = instant(claims, "nbf")?;
    let issued_at = instant(claims, "iat")?;
    if issued_at_required && issued_at.is_none() {
        return Err(Refusal::MissingClaim("iat"));
    }
    let accepted_until = expires_at
        .checked_add(life.leeway)
        .map_err(|_| Refusal::BadClaim("exp"))?;
    if accepted_until <= now {
        return Err(Refusal::Expired);
    }
    let soon = now
        .checked_add(life.leeway)
        .map_err(|_| Refusal::NotYetValid)?;
    if [not_before, issued_at]
        .into_iter()
        .flatten()
        .any(|begin| begin > soon)
    {
        return Err(Refusal::NotYetValid);
    }
    // Without `iat` the clock of the CRM may run ahead of ours by the leeway.
    let (begin, longest) = match issued_at {
        Some(issued_at) => (issued_at, life.longest),
        None => (now, life.longest + life.leeway),
    };
    if expires_at.duration_since(begin) > longest {
        return Err(Refusal::LivesTooLong);
    }
    Ok(accepted_until)
}

/// Judges when something was signed that names no end: not in the future, and no longer ago than its
/// scheme lets it live.
pub(super) fn judge_signing(
    signed_at: i64,
    life: Life,
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    let bad = Refusal::BadClaim("timestamp");
    let signed_at = Timestamp::from_millisecond(signed_at).map_err(|_| bad)?;
    let soon = now.checked_add(life.leeway).map_err(|_| bad)?;
    if signed_at > soon {
        return Err(Refusal::NotYetValid);
    }
    let until = signed_at.checked_add(life.longest).map_err(|_| bad)?;
    if until <= now {
        return Err(Refusal::Expired);
    }
    Ok(until)
}

/// A `NumericDate` (RFC 7519 section 2): seconds, perhaps with a fraction.
fn instant(claims: &Object, claim: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let Some(seconds) = claims.number(claim)? else {
        return Ok(None);
    };
    seconds
        .checked_mul(Decimal::ONE_THOUSAND)
        .and_then(|milliseconds| milliseconds.floor().to_i64())
        .filter(|milliseconds| *milliseconds >= 0)
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .map(Some)
        .ok_or(Refusal::BadClaim(claim))
}
