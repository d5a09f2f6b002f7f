//! Tokens: what the authorization server hands out and takes back.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};

use super::options::{Rotation, TokenPolicy};

/// How long a consent lasts however often it is used: five years.
const HARD_LIMIT: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);
/// How long a code may wait to be exchanged.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A consent for one company.
#[derive(Clone, Debug)]
struct Grant {
    realm: String,
    consented: Timestamp,
    refresh: String,
    /// When this value of the refresh token was first given out.
    refresh_since: Timestamp,
    refresh_until: Timestamp,
}

#[derive(Clone, Debug)]
struct Code {
    realm: String,
    redirect_uri: String,
    until: Timestamp,
}

#[derive(Clone, Debug)]
struct Access {
    realm: String,
    grant: u64,
    until: Timestamp,
}

/// What a bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// Read and write this company.
    Good,
    /// Nothing: expired, revoked or never given.
    Bad,
    /// Something, but at another company.
    OtherCompany,
}

/// Which tokens to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Which {
    /// Access tokens: the next call is answered with 401, a refresh helps.
    Access,
    /// Refresh tokens: only a new consent helps.
    Refresh,
    /// Both.
    All,
}

/// The authorization server's memory.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) policy: TokenPolicy,
    codes: HashMap<String, Code>,
    grants: HashMap<u64, Grant>,
    access: HashMap<String, Access>,
    next_grant: u64,
}

impl Tokens {
    pub(crate) fn new(policy: TokenPolicy) -> Self {
        Self {
            policy,
            codes: HashMap::new(),
            grants: HashMap::new(),
            access: HashMap::new(),
            next_grant: 1,
        }
    }

    /// A code for a company, good once.
    pub(crate) fn issue_code(&mut self, realm: &str, redirect_uri: &str, now: Timestamp) -> String {
        let code = secret("AB", 48);
        self.codes.insert(
            code.clone(),
            Code {
                realm: realm.to_owned(),
                redirect_uri: redirect_uri.to_owned(),
                until: now + CODE_LIFE,
            },
        );
        code
    }

    /// Exchanges a code; `None` when it is unknown, used, late, or for another address.
    pub(crate) fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Option<Value> {
        let code = self.codes.remove(code)?;
        if code.until <= now || code.redirect_uri != redirect_uri {
            return None;
        }
        Some(self.mint(&code.realm, None, None, now))
    }

    /// A consent out of nothing, with tokens of the caller's choice or new ones.
    pub(crate) fn mint(
        &mut self,
        realm: &str,
        access: Option<String>,
        refresh: Option<String>,
        now: Timestamp,
    ) -> Value {
        let id = self.next_grant;
        self.next_grant += 1;
        self.grants.insert(
            id,
            Grant {
                realm: realm.to_owned(),
                consented: now,
                refresh: refresh.unwrap_or_else(|| secret("RT1-", 40)),
                refresh_since: now,
                refresh_until: now,
            },
        );
        self.answer(id, access, now)
    }

    /// Refreshes; `None` when the token is not the present one of any consent.
    pub(crate) fn refresh(&mut self, token: &str, now: Timestamp) -> Option<Value> {
        let (&id, grant) = self
            .grants
            .iter_mut()
            .find(|(_, grant)| grant.refresh == token)?;
        if grant.refresh_until <= now || grant.consented + HARD_LIMIT <= now {
            return None;
        }
        let due = match self.policy.rotation {
            Rotation::Always => true,
            Rotation::Daily => now.duration_since(grant.refresh_since).as_hours() >= 24,
        };
        if due {
            grant.refresh = secret("RT1-", 40);
            grant.refresh_since = now;
        }
        Some(self.answer(id, None, now))
    }

    /// Ends the consent that a token, of either kind, belongs to. Says whether there was one.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        let grant = self
            .access
            .get(token)
            .map(|access| access.grant)
            .or_else(|| {
                self.grants
                    .iter()
                    .find(|(_, grant)| grant.refresh == token)
                    .map(|(id, _)| *id)
            });
        let Some(grant) = grant else {
            return false;
        };
        self.grants.remove(&grant);
        self.access.retain(|_, access| access.grant != grant);
        true
    }

    /// Ends tokens of a company before their time.
    pub(crate) fn expire(&mut self, realm: &str, which: Which, now: Timestamp) {
        if matches!(which, Which::Access | Which::All) {
            for access in self
                .access
                .values_mut()
                .filter(|access| access.realm == realm)
            {
                access.until = now;
            }
        }
        if matches!(which, Which::Refresh | Which::All) {
            for grant in self
                .grants
                .values_mut()
                .filter(|grant| grant.realm == realm)
            {
                grant.refresh_until = now;
            }
        }
    }

    /// What a bearer may do at a company.
    pub(crate) fn check(&self, token: &str, realm: &str, now: Timestamp) -> Bearer {
        match self.access.get(token) {
            Some(access) if access.until <= now => Bearer::Bad,
            Some(access) if access.realm == realm => Bearer::Good,
            Some(_) => Bearer::OtherCompany,
            None => Bearer::Bad,
        }
    }

    /// A token answer for a consent, whose refresh token lives on from now.
    fn answer(&mut self, id: u64, access: Option<String>, now: Timestamp) -> Value {
        let access_life = self.policy.access_life.as_secs();
        let refresh_life = self.policy.refresh_life.as_secs();
        let access = access.unwrap_or_else(|| secret("eyJlbmMi.", 60));
        // Nobody comes back for what has long expired.
        self.access.retain(|_, access| access.until > now);
        let Some(grant) = self.grants.get_mut(&id) else {
            return Value::Null;
        };
        grant.refresh_until = later(now, refresh_life);
        self.access.insert(
            access.clone(),
            Access {
                realm: grant.realm.clone(),
                grant: id,
                until: later(now, access_life),
            },
        );
        let hard = (grant.consented + HARD_LIMIT).duration_since(now).as_secs();
        json!({
            "token_type": "bearer",
            "access_token": access,
            "refresh_token": grant.refresh,
            "expires_in": access_life,
            "x_refresh_token_expires_in": refresh_life,
            // Left out again for those who did not ask.
            "x_refresh_token_hard_expires_in": hard,
            "realmId": grant.realm,
        })
    }
}

fn later(now: Timestamp, seconds: u64) -> Timestamp {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok())
        .unwrap_or(Timestamp::MAX)
}

/// An unguessable text.
fn secret(prefix: &str, length: usize) -> String {
    let mut text = prefix.to_owned();
    text.extend(
        rand::rng()
            .sample_iter(Alphanumeric)
            .take(length)
            .map(char::from),
    );
    text
}
