//! The keys that CRMs sign with, as arguments: for a tenant's own and for those of an app.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use uuid::Uuid;

use super::context::OPERATOR;
use crate::auth::preset::{Audience, records};
use crate::auth::{KeyProblem, Preset, check_key};
use crate::domain::ids::{SigningKeyId, TenantId};
use crate::domain::signing_key::{Algorithm, Claim, KeySource, SigningKey};
use crate::store::{ListedKey, Store};

/// The names of the schemes, for arguments.
pub(super) fn preset_names() -> PossibleValuesParser {
    PossibleValuesParser::new(records::ALL.map(|preset| preset.name))
}

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// The signing algorithm: HS256, RS256, ES256 or EdDSA [default: the scheme's; HS256 for native]
    #[arg(long)]
    algorithm: Option<Algorithm>,
    /// A file with the shared secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A file with the public key as PEM
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    public_key_file: Option<PathBuf>,
    /// A file with the public keys as a JWK set
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "public_key_file"])]
    jwks_file: Option<PathBuf>,
    /// Where the public keys are published as a JWK set [default: where the CRM publishes them]
    #[arg(long, value_name = "URL", conflicts_with_all = ["secret_file", "public_key_file", "jwks_file"])]
    jwks_url: Option<String>,
    /// The key's id in token headers
    #[arg(long)]
    kid: Option<String>,
    /// What the tokens' `iss` must be [default: the CRM's; the tenant's id for native]
    #[arg(long)]
    issuer: Option<String>,
    /// What the tokens' `aud` must be [default: the setting native.audience, where the CRM lets you choose]
    #[arg(long)]
    audience: Option<String>,
    /// Where a claim stands, such as contact=context.extension.issue.id; may be given several times.
    /// Claims: account, user, name, role, contact, company, email, tax_number, locale
    #[arg(long = "claim", value_name = "CLAIM=PATH")]
    claims: Vec<String>,
    /// End the earlier keys of the scheme, and the sessions that they let in, after so many seconds;
    /// without it they stay
    #[arg(long, value_name = "SECONDS")]
    previous_ends_after: Option<u32>,
}

impl KeyArgs {
    /// An option that is given and describes a key.
    pub(super) fn given(&self) -> Option<&'static str> {
        let options = [
            ("--secret-file", self.secret_file.is_some()),
            ("--public-key-file", self.public_key_file.is_some()),
            ("--jwks-file", self.jwks_file.is_some()),
            ("--jwks-url", self.jwks_url.is_some()),
            ("--algorithm", self.algorithm.is_some()),
            ("--kid", self.kid.is_some()),
            ("--issuer", self.issuer.is_some()),
            ("--audience", self.audience.is_some()),
            ("--claim", !self.claims.is_empty()),
            ("--previous-ends-after", self.previous_ends_after.is_some()),
        ];
        let mut given = options.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(option, _)| option)
    }

    /// Checks the key as it will be when a token comes, so that an unfit one is not found out then.
    pub(super) fn key(
        &self,
        preset: &Preset,
        tenant: Option<&TenantId>,
    ) -> anyhow::Result<SigningKey> {
        let key = SigningKey {
            id: Uuid::new_v4().to_string().into(),
            tenant: tenant.cloned(),
            preset: preset.name.to_owned(),
            kid: self.kid.clone(),
            algorithm: self.algorithm(preset)?,
            source: self.source(preset)?,
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            valid_until: None,
            claims: self.claims()?,
        };
        if preset.audience == Audience::OfKey && key.audience.is_none() {
            bail!(
                "{} needs --audience: what its tokens name as theirs; docs/crm.md tells where to find it",
                preset.name
            );
        }
        match check_key(&key) {
            Ok(()) => Ok(key),
            Err(problem) => bail!(advice(preset, key.algorithm, problem)),
        }
    }

    /// Stores the key, and ends the earlier ones of its scheme where that is asked for.
    pub(super) async fn store(
        &self,
        store: &Store,
        key: &SigningKey,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        match self.previous_ends_after {
            Some(seconds) => {
                let until = now + SignedDuration::from_secs(seconds.into());
                store
                    .replace_signing_keys(key, until, OPERATOR, now)
                    .await?;
            }
            None => store.add_signing_key(key, OPERATOR, now).await?,
        }
        Ok(())
    }

    fn algorithm(&self, preset: &Preset) -> anyhow::Result<Algorithm> {
        self.algorithm
            .or_else(|| preset.algorithms.first().copied())
            .with_context(|| format!("{} has no algorithm", preset.name))
    }

    fn source(&self, preset: &Preset) -> anyhow::Result<KeySource> {
        if let Some(file) = &self.secret_file {
            return Ok(KeySource::Secret(SecretString::from(read(file)?)));
        }
        if let Some(file) = &self.public_key_file {
            let pem = read(file)?;
            if pem.contains("PRIVATE KEY") {
                let file = file.display();
                bail!(
                    "{file} holds a private key, which stays with whoever signs; give its public half: openssl pkey -in {file} -pubout"
                );
            }
            return Ok(KeySource::Pem(pem));
        }
        if let Some(file) = &self.jwks_file {
            return Ok(KeySource::Jwks(read(file)?));
        }
        let known = preset.key_set.map(str::to_owned);
        match self.jwks_url.clone().or(known) {
            Some(url) => Ok(KeySource::JwksUrl(url)),
            None => bail!("{} needs a key: {}", preset.name, ways(preset.algorithms)),
        }
    }

    fn claims(&self) -> anyhow::Result<BTreeMap<Claim, String>> {
        let mut claims = BTreeMap::new();
        for text in &self.claims {
            let named = text
                .split_once('=')
                .and_then(|(word, path)| Some((Claim::parse(word)?, path.trim())))
                .filter(|(_, path)| !path.is_empty());
            let Some((claim, path)) = named else {
                bail!("--claim {text}: write a claim and its path, such as user=sub");
            };
            claims.insert(claim, path.to_owned());
        }
        Ok(claims)
    }
}

/// What to do about a key that cannot be registered.
fn advice(preset: &Preset, algorithm: Algorithm, problem: KeyProblem) -> String {
    let (name, written) = (preset.name, algorithm.as_str());
    match problem {
        KeyProblem::WrongAlgorithm => {
            let names = preset.algorithms.iter().map(|one| one.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            format!("--algorithm {written}: {name} signs with {names}")
        }
        KeyProblem::WrongSource if algorithm == Algorithm::Hs256 && preset.algorithms.len() > 1 => {
            "HS256 needs a secret (--secret-file); with a public key say --algorithm RS256, ES256 or EdDSA"
                .to_owned()
        }
        KeyProblem::WrongSource => {
            format!("{name} signs with {written}, which needs {}", ways(&[algorithm]))
        }
        KeyProblem::Unreadable | KeyProblem::EmptySet => format!(
            "the key cannot be read as one for {written}: give a public key of that kind in PEM form, or a set of public JWKs"
        ),
        other => other.to_string(),
    }
}

/// The options by which a key for one of these algorithms is given.
fn ways(algorithms: &[Algorithm]) -> &'static str {
    let secret = algorithms.contains(&Algorithm::Hs256);
    let public = algorithms.iter().any(|one| *one != Algorithm::Hs256);
    match (secret, public) {
        (true, false) => "a secret: --secret-file",
        (false, _) => "a public key: --public-key-file, --jwks-file or --jwks-url",
        (true, true) => "--secret-file, --public-key-file, --jwks-file or --jwks-url",
    }
}

/// Ends a key, if it is among those given.
pub(super) async fn retire(
    store: &Store,
    keys: &[ListedKey],
    key: &SigningKeyId,
    after_seconds: u32,
    now: Timestamp,
) -> anyhow::Result<Timestamp> {
    let Some(known) = keys.iter().find(|known| known.id == *key) else {
        bail!("there is no key {key} here; the list shows the keys");
    };
    let until = now + SignedDuration::from_secs(after_seconds.into());
    if store.retire_signing_key(key, until, OPERATOR, now).await? {
        return Ok(until);
    }
    match known.valid_until {
        Some(end) => bail!("key {key} ends {end}; an end is never put off"),
        None => bail!("key {key} has just been given an end; the list shows it"),
    }
}

/// Keys as rows: enough to tell one from another, and nothing of a secret.
pub(super) const KEY_HEADS: [&str; 7] = [
    "scheme",
    "algorithm",
    "key",
    "kept as",
    "issuer",
    "audience",
    "ends",
];

/// A row of [`KEY_HEADS`].
pub(super) fn row(key: &ListedKey) -> Vec<String> {
    let kept = match (&key.address, key.source.as_str()) {
        (Some(address), _) => address,
        (None, "pem") => "public key",
        (None, "jwks") => "key set",
        (None, other) => other,
    };
    vec![
        key.preset.clone(),
        key.algorithm.clone(),
        key.id.to_string(),
        kept.to_owned(),
        key.issuer.clone().unwrap_or_default(),
        key.audience.clone().unwrap_or_default(),
        key.valid_until
            .map(|end| end.to_string())
            .unwrap_or_default(),
    ]
}

/// A key in a list: enough to tell it from others, and nothing of its material.
pub(super) fn described(key: &ListedKey) -> String {
    let end = match key.valid_until {
        Some(until) => format!(" until {until}"),
        None => String::new(),
    };
    format!("{} {} {}{end}", key.preset, key.algorithm, key.id)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(text.trim().to_owned())
}
