//! From what a CRM signed to who it proves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::claims::{self, Life, Rules, Said};
use super::jwks::KeySets;
use super::jws::Jws;
use super::key::{VerifyingKey, held_keys};
use super::mac::{self, Opened, Sealed};
use super::object::Object;
use super::preset::records::WEAK_CAP;
use super::preset::{KeyScope, NATIVE, PIPEDRIVE, Preset, Scheme, UrlHash};
use super::qsh;
use super::refusal::{KeyProblem, Refusal};
use super::session;
use super::shown::Shown;
use super::viewer::{Identity, Role, Trust};
use crate::clock::Clock;
use crate::config::{Config, PipedriveSettings, WeakPreset};
use crate::domain::ids::{ContactId, SigningKeyId, TenantId, UserId};
use crate::domain::signing_key::{Algorithm, KeySource, SigningKey};

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A tenant: the one that the verifying key belongs to.
    Tenant(TenantId),
    /// An account of the CRM, signed: the tenant is the one it is registered for, if any.
    Account(String),
}

/// What a verified token of a CRM says.
#[derive(Clone, Debug)]
pub struct VerifiedClaims {
    /// Whose it is.
    pub owner: Owner,
    /// The scheme.
    pub preset: &'static Preset,
    /// The person's id in the CRM.
    pub user: UserId,
    /// Their name.
    pub name: Option<Arc<str>>,
    /// Their signed role.
    pub role: Option<Role>,
    /// The signed contact.
    pub contact: Option<ContactId>,
    /// The signed company of the contact.
    pub company: Option<ContactId>,
    /// The contact's signed e-mail address: personal data, for linking only.
    pub email: Option<String>,
    /// The contact's signed tax number: for linking only.
    pub tax_number: Option<String>,
    /// The page's language.
    pub locale: Option<Arc<str>>,
    /// The last instant at which the token is accepted.
    pub accepted_until: Timestamp,
    /// Under what to count how often the credential is shown: a hash of what was signed, so that
    /// another valid signature over the same words is the same one. `None` where it is the same for
    /// ever, so that counting would only lock people out.
    pub use_key: Option<[u8; 32]>,
    /// The longest that sessions may go on from it, where shorter than the settings say.
    pub hard_cap: Option<SignedDuration>,
    /// The record of the key that verified.
    pub key_id: SigningKeyId,
}

impl VerifiedClaims {
    /// Who the token proves, for the tenant that it belongs to. Such an identity lives as long as
    /// the token itself; [`super::Sessions::issue`] gives it the life of a session.
    pub fn identity(&self, tenant: TenantId) -> Identity {
        let trust = if self.preset.vouches {
            Trust::Signed
        } else {
            Trust::Requested
        };
        let signed = |record: &Option<ContactId>| record.clone().map(|id| (id, trust));
        Identity {
            tenant,
            preset: self.preset.name.into(),
            account: match &self.owner {
                Owner::Account(account) => Some(account.as_str().into()),
                Owner::Tenant(_) => None,
            },
            user: self.user.clone(),
            name: self.name.clone(),
            signed_role: self.role,
            contact: signed(&self.contact),
            company: signed(&self.company),
            locale: self.locale.clone(),
            key: self.key_id.clone(),
            expires_at: self.accepted_until,
            hard_cap: self.accepted_until,
        }
    }
}

/// What kind of token a bearer is, by its header and unverified claims: to look up what verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// One of ours.
    Session,
    /// A native token of a CRM, which must name its tenant to be a bearer.
    Native {
        /// The tenant that it says it is of; to be confirmed by the tenant's key.
        tenant: TenantId,
    },
}

impl TokenKind {
    /// Looks at a token.
    ///
    /// # Errors
    /// When it is neither, or not a strict JWS at all.
    pub fn of(token: &str) -> Result<Self, Refusal> {
        let jws = Jws::parse(token)?;
        if jws.kind() == Some(session::KIND) {
            return Ok(Self::Session);
        }
        let tenant = jws
            .unverified_claims()?
            .text("tenant")?
            .filter(|tenant| !tenant.is_empty())
            .ok_or(Refusal::MissingClaim("tenant"))?;
        if tenant.chars().any(char::is_control) {
            return Err(Refusal::BadClaim("tenant"));
        }
        Ok(Self::Native {
            tenant: TenantId::new(tenant),
        })
    }
}

/// Verifies what CRMs sign.
#[derive(Debug)]
pub struct Verifier {
    key_sets: KeySets,
    clock: Arc<dyn Clock>,
    /// Our own address, without a path: what CRMs sign that sign the address they call.
    public_url: String,
    audience: String,
    leeway: SignedDuration,
    native_longest: SignedDuration,
    pipedrive_longest: SignedDuration,
    /// The schemes that are weak and allowed all the same.
    weak: Vec<WeakPreset>,
}

impl Verifier {
    /// A verifier with the configured bounds.
    ///
    /// # Errors
    /// When no HTTP client for key sets can be made.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let signed =
            |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let native = &config.native;
        Ok(Self {
            key_sets: KeySets::new(native, Arc::clone(&clock))?,
            clock,
            public_url: config.server.public_url.origin(),
            audience: native.audience.clone(),
            leeway: signed(native.leeway),
            native_longest: signed(native.max_age),
            pipedrive_longest: signed(config.pipedrive.max_age),
            weak: config.crm.weak_presets.clone(),
        })
    }

    /// Verifies a credential of a scheme under the registered keys: those of the tenant that the
    /// route names, or those of the app. Nothing that it says is looked at before a key has verified
    /// it, but for the name of the key.
    ///
    /// # Errors
    /// The reason, for the log; the outside is told [`Refusal::OUTWARD`].
    pub async fn verify(
        &self,
        preset: &'static Preset,
        keys: &[SigningKey],
        shown: impl Into<Shown<'_>>,
    ) -> Result<VerifiedClaims, Refusal> {
        let shown = shown.into();
        if preset.weak.is_some() && !self.allows_weak(preset) {
            return Err(Refusal::Weak);
        }
        let proof = match preset.scheme {
            Scheme::Jwt => self.verify_token(preset, keys, &shown).await?,
            Scheme::SharedSecret => self.verify_secret(preset, keys, &shown)?,
            Scheme::SignedRequest | Scheme::RequestSignature | Scheme::SignedContext => {
                self.verify_mac(preset, keys, &shown)?
            }
        };
        let Proof { key, said, .. } = proof;
        let hard_cap = match proof.use_key {
            Some(_) => preset.hard_cap,
            None => Some(preset.hard_cap.unwrap_or(WEAK_CAP)),
        };
        let now = self.clock.now();
        let key_lives = key.valid_until.map(|end| end.duration_since(now));
        Ok(VerifiedClaims {
            owner: owner(preset, key, &said)?,
            preset,
            user: said.user,
            name: said.name,
            role: said.role,
            contact: said.contact,
            company: said.company,
            email: said.email,
            tax_number: said.tax_number,
            locale: said.locale,
            // What a key has verified ends with it, also where it is kept.
            accepted_until: key.ends().min(proof.accepted_until),
            hard_cap: hard_cap.into_iter().chain(key_lives).min(),
            use_key: proof.use_key,
            key_id: key.id.clone(),
        })
    }

    async fn verify_token<'k>(
        &self,
        preset: &'static Preset,
        keys: &'k [SigningKey],
        shown: &Shown<'_>,
    ) -> Result<Proof<'k>, Refusal> {
        let jws = Jws::parse(shown.credential)?;
        if !jws
            .kind()
            .is_none_or(|kind| kind.eq_ignore_ascii_case("JWT"))
        {
            return Err(Refusal::WrongKind);
        }
        let (key, payload) = self.verify_signature(preset, keys, &jws).await?;
        let claims = Object::parse(payload)?;
        judge_address(&claims, preset, shown)?;
        let required = preset.issued_at_required;
        let now = self.clock.now();
        let accepted_until = claims::judge_time(&claims, required, self.life(preset), now)?;
        let rules = self.rules(preset, key);
        let said = rules.said(&claims)?;
        rules.judge_origin(&claims, &said)?;
        Ok(Proof {
            key,
            said,
            accepted_until,
            use_key: Some(Sha256::digest(jws.signing_input()).into()),
        })
    }

    fn verify_mac<'k>(
        &self,
        preset: &'static Preset,
        keys: &'k [SigningKey],
        shown: &Shown<'_>,
    ) -> Result<Proof<'k>, Refusal> {
        let sealed = Sealed::of(preset.scheme, shown, &self.public_url)?;
        let key = self.secret_that(preset, keys, |secret| sealed.is_signed_by(secret))?;
        let Opened { claims, signed_at } = sealed.open()?;
        let said = self.rules(preset, key).said(&claims)?;
        let (accepted_until, use_key) = match signed_at {
            Some(at) => {
                let until = claims::judge_signing(at, self.life(preset), self.clock.now())?;
                (until, Some(Sha256::digest(sealed.message()).into()))
            }
            // Signed without a time, which is weak whatever the scheme. Without a contact as well it
            // would open every contact for ever.
            None if self.allows_weak(preset) => {
                if said.contact.is_none() {
                    return Err(Refusal::MissingClaim("contact"));
                }
                (self.without_end(preset), None)
            }
            None => return Err(Refusal::MissingClaim("timestamp")),
        };
        Ok(Proof {
            key,
            said,
            accepted_until,
            use_key,
        })
    }

    fn verify_secret<'k>(
        &self,
        preset: &'static Preset,
        keys: &'k [SigningKey],
        shown: &Shown<'_>,
    ) -> Result<Proof<'k>, Refusal> {
        if shown.credential.is_empty() {
            return Err(Refusal::Missing);
        }
        let key = self.secret_that(preset, keys, |secret| mac::is_secret(shown, secret))?;
        Ok(Proof {
            key,
            said: self.rules(preset, key).said(&Object::default())?,
            accepted_until: self.without_end(preset),
            use_key: None,
        })
    }

    /// The key whose secret passes the test.
    fn secret_that<'k>(
        &self,
        preset: &Preset,
        keys: &'k [SigningKey],
        passes: impl Fn(&SecretString) -> Result<bool, KeyProblem>,
    ) -> Result<&'k SigningKey, Refusal> {
        let mut refusal = Refusal::UnknownKey;
        for record in self.usable(preset, keys) {
            refusal = match &record.source {
                KeySource::Secret(secret) => match passes(secret) {
                    Ok(true) => return Ok(record),
                    Ok(false) => Refusal::BadSignature,
                    Err(problem) => Refusal::UnfitKey(problem),
                },
                _ => Refusal::UnfitKey(KeyProblem::WrongSource),
            };
        }
        Err(refusal)
    }

    /// The keys that may verify a scheme's credentials now.
    fn usable<'k>(
        &self,
        preset: &Preset,
        keys: &'k [SigningKey],
    ) -> impl Iterator<Item = &'k SigningKey> {
        let now = self.clock.now();
        keys.iter().filter(move |record| {
            record.preset == preset.name
                && preset.algorithms.contains(&record.algorithm)
                && record.stands(now)
        })
    }

    /// Finds the key. Each key is tried with its own algorithm only, so that nothing in a token can
    /// choose how it is verified.
    async fn verify_signature<'k, 'j>(
        &self,
        preset: &Preset,
        keys: &'k [SigningKey],
        jws: &'j Jws<'_>,
    ) -> Result<(&'k SigningKey, &'j [u8]), Refusal> {
        let mut refusal = match self.usable(preset, keys).next() {
            None => Refusal::UnknownKey,
            Some(_) => Refusal::WrongAlgorithm,
        };
        for record in self
            .usable(preset, keys)
            .filter(|record| jws.names(record.algorithm))
        {
            let candidates = match self.candidates(record, jws.kid()).await {
                Ok(candidates) => candidates,
                Err(reason) => {
                    refusal = reason;
                    continue;
                }
            };
            for key in candidates {
                match jws.verify(&key) {
                    Ok(payload) => return Ok((record, payload)),
                    Err(reason) => refusal = reason,
                }
            }
        }
        Err(refusal)
    }

    /// The keys of a record that a token's `kid` lets in.
    async fn candidates(
        &self,
        record: &SigningKey,
        kid: Option<&str>,
    ) -> Result<Vec<VerifyingKey>, Refusal> {
        if let KeySource::JwksUrl(address) = &record.source {
            let key = self.key_sets.find(address, record.algorithm, kid).await?;
            return Ok(vec![key]);
        }
        let mut keys = held_keys(record).map_err(Refusal::UnfitKey)?;
        let single = keys.len() == 1;
        keys.retain(|key| match (kid, key.kid()) {
            // A secret or PEM without a name is for tokens of any name.
            (Some(_), None) => !matches!(record.source, KeySource::Jwks(_)),
            (Some(asked), Some(named)) => asked == named,
            (None, _) => single,
        });
        if keys.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        Ok(keys)
    }

    fn life(&self, preset: &Preset) -> Life {
        Life {
            leeway: self.leeway,
            longest: if preset.name == NATIVE.name {
                self.native_longest
            } else if preset.name == PIPEDRIVE.name {
                self.pipedrive_longest
            } else {
                preset.longest
            },
        }
    }

    /// Until when to accept what names no end: as long as the sessions that may come of it.
    fn without_end(&self, preset: &Preset) -> Timestamp {
        let cap = preset.hard_cap.unwrap_or(WEAK_CAP);
        self.clock
            .now()
            .saturating_add(cap)
            .unwrap_or(Timestamp::MAX)
    }

    fn allows_weak(&self, preset: &Preset) -> bool {
        self.weak.iter().any(|weak| weak.as_str() == preset.name)
    }

    fn rules<'a>(&'a self, preset: &'static Preset, key: &'a SigningKey) -> Rules<'a> {
        Rules {
            preset,
            key,
            audience: &self.audience,
        }
    }
}

/// What a key has verified.
struct Proof<'k> {
    key: &'k SigningKey,
    said: Said,
    accepted_until: Timestamp,
    use_key: Option<[u8; 32]>,
}

/// Judges the address that a token was signed for, where it was signed for one.
fn judge_address(claims: &Object, preset: &Preset, shown: &Shown<'_>) -> Result<(), Refusal> {
    match preset.url_hash {
        UrlHash::Refused if claims.has("qsh") => Err(Refusal::WrongKind),
        UrlHash::Refused | UrlHash::Ignored => Ok(()),
        UrlHash::Required => {
            let signed = claims.text("qsh")?.ok_or(Refusal::MissingClaim("qsh"))?;
            // A token for a context is bound to no address: another kind than one that loads a page.
            if signed == qsh::CONTEXT {
                return Err(Refusal::WrongKind);
            }
            let expected = qsh::of(shown.request, preset.parameter);
            (signed == expected)
                .then_some(())
                .ok_or(Refusal::WrongAddress)
        }
    }
}

fn owner(preset: &Preset, record: &SigningKey, said: &Said) -> Result<Owner, Refusal> {
    match (preset.key_scope, &record.tenant, &said.account) {
        (KeyScope::Installation, Some(tenant), None) => Ok(Owner::Tenant(tenant.clone())),
        (KeyScope::Installation, Some(tenant), Some(named)) if tenant.as_str() == named => {
            Ok(Owner::Tenant(tenant.clone()))
        }
        (KeyScope::Installation, Some(_), Some(_)) => Err(Refusal::WrongTenant),
        (KeyScope::App, None, Some(account)) => Ok(Owner::Account(account.clone())),
        (KeyScope::App, None, None) => Err(Refusal::MissingClaim("account")),
        // A key without a tenant cannot name one, and one tenant's key must not vouch for others.
        (KeyScope::Installation, None, _) | (KeyScope::App, Some(_), _) => Err(Refusal::UnknownKey),
    }
}

/// The keys of Pipedrive's scheme from the configuration: the present secret and the one before.
pub fn pipedrive_keys(settings: &PipedriveSettings) -> Vec<SigningKey> {
    let record = |secret: &SecretString, valid_until| SigningKey {
        id: id_of(secret),
        tenant: None,
        preset: PIPEDRIVE.name.to_owned(),
        kid: None,
        algorithm: Algorithm::Hs256,
        source: KeySource::Secret(secret.clone()),
        issuer: None,
        audience: None,
        valid_until,
        claims: BTreeMap::new(),
    };
    let current = settings.client_secret.as_ref();
    let previous = settings.previous_client_secret.as_ref();
    current
        .map(|secret| record(secret, None))
        .into_iter()
        .chain(previous.map(|secret| {
            let until = settings.previous_client_secret_until;
            record(secret, until)
        }))
        .collect()
}

/// The id of a key that stands in the settings. The same for a secret wherever it stands: what it
/// proved goes on while it is the previous one, and ends when it is taken out.
fn id_of(secret: &SecretString) -> SigningKeyId {
    let hash = Sha256::digest(secret.expose_secret());
    let short = URL_SAFE_NO_PAD.encode(hash.get(..6).unwrap_or_default());
    format!("{}.{short}", PIPEDRIVE.name).into()
}
