//! What a verified payload must say, and what it says about the person.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::object::Object;
use super::preset::{COMPANY_KIND, CONTACT_KIND, Preset, contact_id};
use super::refusal::Refusal;
use super::viewer::Role;
use crate::domain::ids::{ContactId, UserId};

/// The bounds of a token's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// How far clocks may differ.
    pub(super) leeway: SignedDuration,
    /// The longest life that the scheme allows.
    pub(super) longest: SignedDuration,
}

/// What the key's record expects of `iss` and `aud`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
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
    /// The last instant at which the token is accepted.
    pub(super) accepted_until: Timestamp,
}

/// Longer texts about a person are nobody's name.
const MAX_TEXT_BYTES: usize = 320;

/// Judges the claims of a verified token.
pub(super) fn judge(
    claims: &Object,
    preset: &Preset,
    expected: Expected<'_>,
    life: Life,
    now: Timestamp,
) -> Result<Said, Refusal> {
    // A token bound to a URL or a context (`qsh`) is another kind than one that loads a page.
    if claims.has("qsh") {
        return Err(Refusal::WrongKind);
    }
    let accepted_until = judge_time(claims, preset.strict_claims, life, now)?;
    if preset.strict_claims {
        match claims.text("iss")? {
            None => return Err(Refusal::MissingClaim("iss")),
            Some(issuer) if issuer != expected.issuer => return Err(Refusal::WrongIssuer),
            Some(_) => {}
        }
        match claims.texts("aud")? {
            None => return Err(Refusal::MissingClaim("aud")),
            Some(audiences) if !audiences.iter().any(|one| one == expected.audience) => {
                return Err(Refusal::WrongAudience);
            }
            Some(_) => {}
        }
    }
    let user = first(preset.user, |path| claims.id(path))?.ok_or(Refusal::MissingClaim("user"))?;
    let role = first(preset.role, |path| claims.text(path))?
        .map(|word| Role::parse(&word).ok_or(Refusal::BadClaim("role")))
        .transpose()?;
    let record = |paths: &[&'static str], kind: &str, claim| {
        first(paths, |path| claims.id(path))?
            .map(|text| contact_id(preset.name, &text, kind).ok_or(Refusal::BadClaim(claim)))
            .transpose()
    };
    let text = |paths: &[&'static str]| first(paths, |path| short_text(claims, path));
    Ok(Said {
        account: first(preset.account, |path| claims.id(path))?,
        user: UserId::new(user),
        name: text(preset.person_name)?.map(Into::into),
        role,
        contact: record(preset.contact, CONTACT_KIND, "contact")?,
        company: record(preset.company, COMPANY_KIND, "company")?,
        email: text(preset.email)?,
        tax_number: text(preset.tax_number)?,
        locale: text(preset.locale)?.map(Into::into),
        accepted_until,
    })
}

/// The value at the first path that has one. It must not be empty.
fn first(
    paths: &[&'static str],
    read: impl Fn(&'static str) -> Result<Option<String>, Refusal>,
) -> Result<Option<String>, Refusal> {
    for path in paths {
        if let Some(text) = read(path)? {
            if text.trim().is_empty() || text.len() > MAX_TEXT_BYTES {
                return Err(Refusal::BadClaim(path));
            }
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn short_text(claims: &Object, path: &'static str) -> Result<Option<String>, Refusal> {
    let text = claims.text(path)?;
    match text {
        Some(text) if text.chars().any(char::is_control) => Err(Refusal::BadClaim(path)),
        other => Ok(other),
    }
}

/// `exp` is required, `nbf` and `iat` count where they are (`iat` is required of strict schemes), and
/// the life from `iat` (or from now) to `exp` has a bound.
fn judge_time(
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
