//! The installation at which the credentials are shown: two tenants with keys and accounts of every
//! scheme, and beside them the keys that must not count.

use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::{KeyScope, records};
use financial_pulse::clock::Clock as _;
use financial_pulse::domain::signing_key::{Algorithm, KeySource, SigningKey};
use financial_pulse::store::{Tenant, TenantSettings};
use jiff::Timestamp;
use tracing::subscriber::DefaultGuard;

use super::super::{NOW, Pair, set_of};
use super::attempt::{Sent, Signer};
use crate::sign_in::{Answer, Pages};

/// The accounts of the tenant at CRMs whose keys are the app's.
pub(super) const ACCOUNTS: [(&str, &str); 7] = [
    ("pipedrive", "54321"),
    ("atlassian-forge", "cloud-of-acme"),
    ("monday", "1825528"),
    ("salesforce-canvas", "00Dx0000000BV7z"),
    ("dynamics", "72f988bf-86f1-41af-91ab-2d7cd011db47"),
    ("hubspot", "62515"),
    ("followupboss", "77001"),
];

pub(super) const ZENDESK_AUDIENCE: &str =
    "https://acme.zendesk.com/api/v2/apps/installations/123.json";
pub(super) const FORGE_AUDIENCE: &str = "ari:cloud:ecosystem::app/8db23a1c";
pub(super) const ENTRA_AUDIENCE: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

/// The secret of a tenant (or of the app) for a scheme.
pub(super) fn secret(owner: &str, preset: &str) -> String {
    format!("{owner}-{preset}-secret-of-more-than-32-bytes")
}

/// Whether a scheme is signed with a private key here.
pub(super) fn is_rsa(preset: &Preset) -> bool {
    !preset.algorithms.contains(&Algorithm::Hs256)
}

/// Key pairs: making one takes a while, so each is made once.
pub(super) struct Pairs {
    pub(super) own: BTreeMap<&'static str, Pair>,
    pub(super) globex: Pair,
    pub(super) stray: Pair,
    pub(super) retired: Pair,
    pub(super) attacker: Pair,
}

impl Pairs {
    pub(super) fn new() -> Arc<Self> {
        let pair = || Pair::new(Algorithm::Rs256);
        let rsa = records::ALL.into_iter().filter(|preset| is_rsa(preset));
        Arc::new(Self {
            own: rsa.map(|preset| (preset.name, pair())).collect(),
            globex: pair(),
            stray: pair(),
            retired: pair(),
            attacker: pair(),
        })
    }
}

pub(super) fn private(pair: &Pair) -> Signer {
    Signer::Private(pair.signing.clone(), Algorithm::Rs256)
}

/// The installation, and what it writes to its log.
pub(super) struct Place {
    pub(super) pages: Pages,
    pub(super) pairs: Arc<Pairs>,
    log: Rc<Log>,
    serial: Mutex<u64>,
}

impl Place {
    /// With both weak schemes allowed, and the settings that a tenant has by default.
    pub(super) async fn of_every_scheme(pairs: &Arc<Pairs>, log: &Rc<Log>) -> Self {
        Self::new(pairs, log, "followupboss,front", TenantSettings::default()).await
    }

    /// With these weak schemes allowed, and these settings of the tenant.
    pub(super) async fn new(
        pairs: &Arc<Pairs>,
        log: &Rc<Log>,
        weak: &str,
        settings: TenantSettings,
    ) -> Self {
        let pipedrive = secret("app", "pipedrive");
        let pages = Pages::empty(&[
            ("PULSE_SERVER__PUBLIC_URL", super::attempt::PUBLIC_URL),
            ("PULSE_PIPEDRIVE__CLIENT_SECRET", &pipedrive),
            ("PULSE_CRM__WEAK_PRESETS", weak),
        ])
        .await;
        let place = Self {
            pages,
            pairs: Arc::clone(pairs),
            log: Rc::clone(log),
            serial: Mutex::new(0),
        };
        place.fill(settings).await;
        place.log.take();
        place
    }

    /// A number that nobody has yet: no two credentials are alike.
    pub(super) fn serial(&self) -> u64 {
        let mut serial = self.serial.lock().expect("unpoisoned");
        *serial += 1;
        *serial
    }

    async fn fill(&self, settings: TenantSettings) {
        let now = self.pages.clock.now();
        for (id, settings) in [
            ("acme", settings),
            ("globex", TenantSettings::default()),
            ("weakling", TenantSettings::default()),
        ] {
            let tenant = Tenant {
                id: id.into(),
                name: id.into(),
                frame_ancestors: Vec::new(),
                settings,
                version: 0,
            };
            let put = self.pages.store.put_tenant(&tenant, "test", now).await;
            put.expect("a tenant");
        }
        for (preset, account) in ACCOUNTS {
            let acme = "acme".into();
            let store = &self.pages.store;
            let registered = store
                .register_account(preset, account, &acme, "test", now)
                .await;
            registered.expect("an account");
        }
        for preset in records::ALL {
            self.add_keys(preset).await;
        }
    }

    async fn add_keys(&self, preset: &'static Preset) {
        let pairs = &self.pairs;
        let ended = Timestamp::from_second(NOW).expect("an instant");
        let app = preset.key_scope == KeyScope::App;
        let right = if app { None } else { Some("acme") };
        // A key of the wrong scope: an app-wide one of a scheme of installations, or the reverse.
        let wrong = if app { Some("globex") } else { None };
        if is_rsa(preset) {
            self.add(rsa(preset, right, &pairs.own[preset.name], None))
                .await;
            self.add(rsa(preset, right, &pairs.retired, Some(ended)))
                .await;
            self.add(rsa(preset, wrong, &pairs.stray, None)).await;
            if !app {
                self.add(rsa(preset, Some("globex"), &pairs.globex, None))
                    .await;
                // What no command lets in: a secret where a public key belongs.
                let mut unfit = rsa(preset, Some("weakling"), &pairs.own[preset.name], None);
                unfit.source = KeySource::Secret(secret("weakling", preset.name).into());
                self.add(unfit).await;
            }
            return;
        }
        // Pipedrive's key of the app is in the settings.
        if preset.name != "pipedrive" {
            let owner = if app { "app" } else { "acme" };
            self.add(shared(preset, right, &secret(owner, preset.name), None))
                .await;
        }
        self.add(shared(
            preset,
            right,
            &secret("retired", preset.name),
            Some(ended),
        ))
        .await;
        self.add(shared(preset, wrong, &secret("stray", preset.name), None))
            .await;
        if !app {
            self.add(shared(
                preset,
                Some("globex"),
                &secret("globex", preset.name),
                None,
            ))
            .await;
            self.add(shared(preset, Some("weakling"), "too-short", None))
                .await;
        }
    }

    pub(super) async fn add(&self, key: SigningKey) {
        let now = self.pages.clock.now();
        let added = self.pages.store.add_signing_key(&key, "test", now).await;
        added.expect("a key");
    }

    /// Sends a request and gives the answer with what it left in the log.
    pub(super) async fn send(&self, sent: &Sent) -> (Answer, Vec<String>) {
        self.log.take();
        let answer = self.pages.send(sent.request()).await;
        (answer, self.log.take())
    }

    /// Sends what must be let in.
    pub(super) async fn let_in(&self, case: &str, sent: &Sent) -> Answer {
        let (answer, log) = self.send(sent).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{case}: {} {log:?}",
            answer.body
        );
        without_secrets(case, sent, &log);
        answer
    }

    /// Sends what must be refused for this reason; gives the whole outward look.
    pub(super) async fn refused(&self, case: &str, reason: &str, sent: &Sent) -> Look {
        let (answer, log) = self.send(sent).await;
        let told: Vec<&String> = log
            .iter()
            .filter(|line| line.contains("token refused"))
            .collect();
        let [line] = told[..] else {
            panic!(
                "{case}: {} {}: told {} times: {log:?}",
                answer.status,
                answer.body,
                told.len()
            )
        };
        assert!(
            line.contains(&format!("reason=\"{reason}\"")),
            "{case}: expected {reason}, {line}"
        );
        without_secrets(case, sent, &log);
        Look::of(&answer)
    }
}

/// A key of a secret.
pub(super) fn shared(
    preset: &'static Preset,
    tenant: Option<&str>,
    text: &str,
    valid_until: Option<Timestamp>,
) -> SigningKey {
    let (issuer, audience) = match preset.name {
        "zendesk" => (Some("acme.zendesk.com"), Some(ZENDESK_AUDIENCE)),
        "atlassian-connect" => (Some("client-key-of-acme"), None),
        "atlassian-forge" => (None, Some(FORGE_AUDIENCE)),
        "salesforce" => (Some("00Dx0000000BV7z"), None),
        "dynamics" => (None, Some(ENTRA_AUDIENCE)),
        _ => (None, None),
    };
    SigningKey {
        id: uuid::Uuid::new_v4().to_string().into(),
        tenant: tenant.map(Into::into),
        preset: preset.name.to_owned(),
        kid: None,
        algorithm: Algorithm::Hs256,
        source: KeySource::Secret(text.into()),
        issuer: issuer.map(str::to_owned),
        audience: audience.map(str::to_owned),
        valid_until,
        claims: BTreeMap::default(),
    }
}

/// What the outside sees of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) status: StatusCode,
    headers: Vec<String>,
    body: String,
}

impl Look {
    fn of(answer: &Answer) -> Self {
        let mut headers: Vec<String> = answer
            .headers
            .iter()
            .map(|pair| format!("{pair:?}"))
            .collect();
        headers.sort();
        Self {
            status: answer.status,
            headers,
            body: answer.body.clone(),
        }
    }
}

/// No line of a log holds 12 characters of a credential in a row.
fn without_secrets(case: &str, sent: &Sent, log: &[String]) {
    for secret in &sent.secrets {
        let characters: Vec<char> = secret.chars().collect();
        for start in (0..characters.len().saturating_sub(11)).step_by(6) {
            let part: String = characters[start..start + 12].iter().collect();
            // A repeated character is nobody's secret.
            if part.chars().all(|one| part.starts_with(one)) {
                continue;
            }
            for line in log {
                assert!(!line.contains(&part), "{case}: {line}");
            }
        }
    }
}

/// Every line that this thread logs, at every level.
pub(super) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn new() -> Rc<Self> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Rc::new(Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        })
    }

    /// What was logged since the last look.
    pub(super) fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.lines.0.lock().expect("unpoisoned"));
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A key of RS256, as the scheme takes it.
fn rsa(
    preset: &'static Preset,
    tenant: Option<&str>,
    pair: &Pair,
    valid_until: Option<Timestamp>,
) -> SigningKey {
    let mut key = shared(preset, tenant, "", valid_until);
    key.algorithm = Algorithm::Rs256;
    key.source = match preset.name {
        "zendesk" | "salesforce" => KeySource::Pem(pair.pem.clone()),
        _ => KeySource::Jwks(set_of(&[pair.jwk("main")])),
    };
    // A PEM may be given a name, too.
    key.kid = (preset.name == "salesforce").then(|| "main".to_owned());
    key
}
