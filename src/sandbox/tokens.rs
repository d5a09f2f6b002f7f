//! Tokens: what an authorization server hands out and takes back. Each wire format has one of its own.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

use super::options::{Rotation, TokenPolicy};

/// What a wire format's authorization server does in its own way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrantRules {
    /// How long a code may wait to be exchanged.
    pub(crate) code_life: SignedDuration,
    /// How long a consent lasts however often it is used.
    pub(crate) hard_limit: Option<SignedDuration>,
    /// Whether a refresh token that was used before, used again, ends the consent.
    pub(crate) reuse_ends_grant: bool,
    /// What codes, access tokens and refresh tokens begin with.
    pub(crate) prefixes: [&'static str; 3],
}

/// A consent.
#[derive(Clone, Debug)]
struct Grant {
    /// The companies that it reaches.
    realms: Vec<String>,
    scope: String,
    consented: Timestamp,
    refresh: String,
    /// When this value of the refresh token was first given out.
    refresh_since: Timestamp,
    refresh_until: Timestamp,
    /// The refresh token before this one, and until when it may be tried again.
    before: Option<(String, Timestamp)>,
    /// All refresh tokens before this one, where using one of them again has a consequence.
    spent: HashSet<String>,
}

/// What a person agreed to.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    /// The companies chosen.
    pub(crate) realms: Vec<String>,
    /// The scopes asked for.
    pub(crate) scope: String,
    /// Where the code goes.
    pub(crate) redirect_uri: String,
    /// The hash that the exchange has to know the origin of (RFC 7636, S256).
    pub(crate) challenge: Option<String>,
}

#[derive(Clone, Debug)]
struct Code {
    consent: Consent,
    until: Timestamp,
}

#[derive(Clone, Debug)]
struct Access {
    grant: u64,
    until: Timestamp,
}

/// What a bearer may do at a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// What its scope says.
    Good,
    /// Nothing more, since this time.
    Expired(Timestamp),
    /// Nothing: revoked, or never given.
    Unknown,
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

/// Tokens just given out.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) realms: Vec<String>,
    pub(crate) scope: String,
    /// In seconds.
    pub(crate) access_life: u64,
    /// In seconds.
    pub(crate) refresh_life: u64,
    /// How many seconds the consent can still last, where that is limited.
    pub(crate) hard_life: Option<i64>,
}

/// An authorization server's memory.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) policy: TokenPolicy,
    rules: GrantRules,
    codes: HashMap<String, Code>,
    grants: HashMap<u64, Grant>,
    access: HashMap<String, Access>,
    next_grant: u64,
}

impl Tokens {
    pub(crate) fn new(policy: TokenPolicy, rules: GrantRules) -> Self {
        Self {
            policy,
            rules,
            codes: HashMap::new(),
            grants: HashMap::new(),
            access: HashMap::new(),
            next_grant: 1,
        }
    }

    /// A code for a consent, good once.
    pub(crate) fn issue_code(&mut self, consent: Consent, now: Timestamp) -> String {
        let code = secret(self.rules.prefixes[0], 48);
        let until = now + self.rules.code_life;
        self.codes.insert(code.clone(), Code { consent, until });
        code
    }

    /// Exchanges a code; `None` when it is unknown, used, late, for another address, or asked for by
    /// somebody who does not know the verifier.
    pub(crate) fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Option<Issued> {
        let Code { consent, until } = self.codes.remove(code)?;
        if until <= now || consent.redirect_uri != redirect_uri {
            return None;
        }
        if let Some(challenge) = &consent.challenge
            && *challenge != URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
        {
            return None;
        }
        self.mint(consent.realms, consent.scope, None, None, now)
    }

    /// A consent out of nothing, with tokens of the caller's choice or new ones.
    pub(crate) fn mint(
        &mut self,
        realms: Vec<String>,
        scope: String,
        access: Option<String>,
        refresh: Option<String>,
        now: Timestamp,
    ) -> Option<Issued> {
        let id = self.next_grant;
        self.next_grant += 1;
        self.grants.insert(
            id,
            Grant {
                realms,
                scope,
                consented: now,
                refresh: refresh.unwrap_or_else(|| secret(self.rules.prefixes[2], 40)),
                refresh_since: now,
                refresh_until: now,
                before: None,
                spent: HashSet::new(),
            },
        );
        self.answer(id, access, now)
    }

    /// Refreshes; `None` when the token is neither the present one of any consent nor, where the
    /// policy has a grace for answers that were lost, the one right before it.
    ///
    /// The old token used again makes yet another new one, and the one made in between is dead: who
    /// refreshes from two places breaks the older copy. The present token used ends the grace of the
    /// one before, since its answer has arrived.
    ///
    /// Where the rules say so, a token before those ends the consent, the newest token with it.
    pub(crate) fn refresh(&mut self, token: &str, now: Timestamp) -> Option<Issued> {
        if let Some(grant) = self
            .grants
            .values_mut()
            .find(|grant| grant.spent.contains(token))
        {
            grant.refresh_until = now;
            return None;
        }
        let (&id, grant) = self.grants.iter_mut().find(|(_, grant)| {
            grant.refresh == token
                || grant
                    .before
                    .as_ref()
                    .is_some_and(|(before, until)| before == token && *until > now)
        })?;
        let hard = self.rules.hard_limit.map(|limit| grant.consented + limit);
        if grant.refresh_until <= now || hard.is_some_and(|hard| hard <= now) {
            return None;
        }
        let due = match self.policy.rotation {
            Rotation::Always => true,
            Rotation::Daily => now.duration_since(grant.refresh_since).as_hours() >= 24,
        };
        if due {
            let new = secret(self.rules.prefixes[2], 40);
            let present = std::mem::replace(&mut grant.refresh, new);
            if self.rules.reuse_ends_grant {
                grant.spent.insert(present);
            } else if present == token {
                let grace = self.policy.grace.as_secs();
                grant.before = (grace > 0).then(|| (present, later(now, grace)));
            }
            grant.refresh_since = now;
        }
        self.answer(id, None, now)
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

    /// Ends the consent that a refresh token, the newest or one before, belongs to. Access tokens that
    /// are out go on until their time.
    pub(crate) fn end_refresh(&mut self, token: &str, now: Timestamp) {
        for grant in self.grants.values_mut() {
            if grant.refresh == token || grant.spent.contains(token) {
                grant.refresh_until = now;
            }
        }
    }

    /// Ends tokens of the consents that reach a company before their time.
    pub(crate) fn expire(&mut self, realm: &str, which: Which, now: Timestamp) {
        for (id, grant) in &mut self.grants {
            if !grant.realms.iter().any(|reached| reached == realm) {
                continue;
            }
            if matches!(which, Which::Access | Which::All) {
                for access in self
                    .access
                    .values_mut()
                    .filter(|access| access.grant == *id)
                {
                    access.until = now;
                }
            }
            if matches!(which, Which::Refresh | Which::All) {
                grant.refresh_until = now;
            }
        }
    }

    /// What a bearer may do at a company.
    pub(crate) fn check(&self, token: &str, realm: &str, now: Timestamp) -> Bearer {
        match self.reach(token, now) {
            Ok(reached) if reached.realms.iter().any(|reached| reached == realm) => Bearer::Good,
            Ok(_) => Bearer::OtherCompany,
            Err(bearer) => bearer,
        }
    }

    /// What a bearer's consent reaches.
    ///
    /// # Errors
    ///
    /// [`Bearer::Expired`] or [`Bearer::Unknown`].
    pub(crate) fn reach(&self, token: &str, now: Timestamp) -> Result<Reach<'_>, Bearer> {
        let access = self.access.get(token).ok_or(Bearer::Unknown)?;
        if access.until <= now {
            return Err(Bearer::Expired(access.until));
        }
        let grant = self.grants.get(&access.grant).ok_or(Bearer::Unknown)?;
        Ok(Reach {
            grant: access.grant,
            consented: grant.consented,
            realms: &grant.realms,
            scope: &grant.scope,
        })
    }

    /// Takes a company out of what a bearer's consent reaches. Says whether it was in there.
    pub(crate) fn disconnect(&mut self, token: &str, realm: &str) -> bool {
        let grant = self
            .access
            .get(token)
            .and_then(|access| self.grants.get_mut(&access.grant));
        let Some(grant) = grant else {
            return false;
        };
        let before = grant.realms.len();
        grant.realms.retain(|reached| reached != realm);
        grant.realms.len() < before
    }

    /// Tokens for a consent, whose refresh token lives on from now.
    fn answer(&mut self, id: u64, access: Option<String>, now: Timestamp) -> Option<Issued> {
        let access_life = self.policy.access_life.as_secs();
        let refresh_life = self.policy.refresh_life.as_secs();
        let access = access.unwrap_or_else(|| secret(self.rules.prefixes[1], 60));
        // Nobody comes back for what has long expired.
        let long_ago = now - SignedDuration::from_hours(1);
        self.access.retain(|_, access| access.until > long_ago);
        let grant = self.grants.get_mut(&id)?;
        grant.refresh_until = later(now, refresh_life);
        self.access.insert(
            access.clone(),
            Access {
                grant: id,
                until: later(now, access_life),
            },
        );
        Some(Issued {
            access,
            refresh: grant.refresh.clone(),
            realms: grant.realms.clone(),
            scope: grant.scope.clone(),
            access_life,
            refresh_life,
            hard_life: self
                .rules
                .hard_limit
                .map(|limit| (grant.consented + limit).duration_since(now).as_secs()),
        })
    }
}

/// What an access token's consent reaches.
#[derive(Debug)]
pub(crate) struct Reach<'a> {
    /// Which consent it is.
    pub(crate) grant: u64,
    pub(crate) consented: Timestamp,
    pub(crate) realms: &'a [String],
    pub(crate) scope: &'a str,
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
