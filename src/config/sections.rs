//! The sections of the configuration. `config.default.toml` explains each setting at length.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::reader::{Reader, Recorded, Section};
use super::value::{
    ByteSize, DatabaseUrl, EncryptionKey, FrameAncestor, IntrospectionPolicy, LogFilter, LogFormat,
    ServiceUrl, TrustedDocumentsPolicy, WeakPreset,
};

/// Declares a section: the struct, and how it is read from its layers.
///
/// The field's name is the setting's. Before it stands whether it is `required` (it has a default),
/// `optional`, a `folder` (optional too), a `secret` (with a `_file` twin) or a `required_secret`; `[check]` after the type
/// refuses values that do not fit; `whole` names a check of the settings against each other, which
/// runs when each is right by itself.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident = $section:literal {
            $( $(#[$field_meta:meta])* $kind:ident $field:ident: $type:ty $([$check:expr])?, )*
        }
        $(whole $whole:expr)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: section!(@type $kind $type), )*
        }

        impl $name {
            /// Reads the section and checks it.
            pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Recorded> {
                let mut section = reader.section($section);
                // Every setting is read before the first `?`, so that all mistakes are found.
                $(
                    let $field = section!(@read section $kind $field $type);
                    $( let $field = section.ensure(stringify!($field), $field, $check); )?
                )*
                let whole = Self { $( $field: $field?, )* };
                $( $whole(&whole, &mut section)?; )?
                Ok(whole)
            }
        }
    };
    (@type required $type:ty) => { $type };
    (@type optional $type:ty) => { Option<$type> };
    (@type folder $type:ty) => { Option<$type> };
    (@type secret $type:ty) => { Option<$type> };
    (@type required_secret $type:ty) => { $type };
    (@read $section:ident required $field:ident $type:ty) => {
        $section.required::<$type>(stringify!($field))
    };
    (@read $section:ident optional $field:ident $type:ty) => {
        $section.optional::<$type>(stringify!($field))
    };
    (@read $section:ident folder $field:ident $type:ty) => {
        $section.folder(stringify!($field))
    };
    (@read $section:ident secret $field:ident $type:ty) => {
        $section.secret::<$type>(stringify!($field), concat!(stringify!($field), "_file"))
    };
    (@read $section:ident required_secret $field:ident $type:ty) => {
        $section.required_secret::<$type>(stringify!($field), concat!(stringify!($field), "_file"))
    };
}

section! {
    /// `[server]`: where the server is.
    ServerSettings = "server" {
        /// Where it listens.
        required listen: SocketAddr,
        /// The address under which browsers and CRMs reach it.
        required public_url: ServiceUrl [without_path],
        /// How long requests in flight may take to end after a signal to stop.
        required shutdown_grace: Duration,
        /// How many proxies stand in front that write `X-Forwarded-For`.
        required trusted_proxies: u32,
        /// For how long browsers are told to come by https only.
        required hsts_max_age: Duration,
        /// How many connections may be open at once.
        required max_connections: NonZeroU32,
        /// The largest head of a request.
        required max_header_bytes: ByteSize [at_least_bytes(8 << 10)],
        /// How long a client may take to send a request's head, and how long it may send nothing.
        required header_timeout: Duration [at_least("1s", SECOND)],
        /// How long a client may leave an answer unread.
        required write_timeout: Duration [at_least("1s", SECOND)],
    }
}

section! {
    /// `[database]`: where the mirror of the books is.
    DatabaseSettings = "database" {
        /// The store's address.
        required url: DatabaseUrl,
        /// Whether `serve` brings the tables up to date by itself.
        required migrate_on_start: bool,
    }
}

section! {
    /// `[encryption]`: how credentials are protected at rest.
    EncryptionSettings = "encryption" {
        /// The key that writes.
        required_secret key: EncryptionKey,
        /// Keys of earlier days, which only read.
        secret older_keys: Vec<EncryptionKey>,
    }
}

section! {
    /// `[session]`: how long our own sessions live.
    SessionSettings = "session" {
        /// The life of one session token.
        required lifetime: Duration [between("1s", SECOND, "1h", 60 * MINUTE)],
        /// Until when a session may be renewed from itself, counted from its CRM token.
        required hard_cap: Duration [between("1s", SECOND, "24h", 24 * 60 * MINUTE)],
        /// How many verified tokens are kept in memory.
        required verified_tokens: u64,
    }
    whole |session: &SessionSettings, section: &mut Section<'_, '_>| {
        if session.hard_cap < session.lifetime {
            let advice = "the cap is shorter than one session's lifetime; write at least that";
            return Err(section.refuse("hard_cap", advice.to_owned()));
        }
        Ok(())
    }
}

section! {
    /// `[native]`: tokens minted by a customer's own code.
    NativeSettings = "native" {
        /// What `aud` must hold, unless the key's record says otherwise.
        required audience: String,
        /// The longest accepted life of a token.
        required max_age: Duration [between("1s", SECOND, "1h", 60 * MINUTE)],
        /// How far clocks may differ.
        required leeway: Duration [at_most("60s", MINUTE)],
        /// How often one CRM token may be shown to the embed and exchange routes.
        required token_uses: NonZeroU32,
        /// How soon a key set is fetched again for an unknown key.
        required jwks_refetch: Duration,
        /// How long a key set is used.
        required jwks_lifetime: Duration [at_least("1s", SECOND)],
        /// Whether key sets may come by plain http from this machine.
        required jwks_allow_loopback: bool,
        /// Networks from which key sets are fetched although they are not public.
        required jwks_allow_networks: Vec<IpNet>,
    }
}

section! {
    /// `[pipedrive]`: tokens of Pipedrive.
    PipedriveSettings = "pipedrive" {
        /// The app extension's JWT secret, by default the app's client secret.
        secret client_secret: SecretString [fit_for_hs256],
        /// The secret before the last change.
        secret previous_client_secret: SecretString [fit_for_hs256],
        /// Until when the previous secret is accepted.
        optional previous_client_secret_until: Timestamp,
        /// The longest accepted life of a token.
        required max_age: Duration [between("1s", SECOND, "1h", 60 * MINUTE)],
        /// Who may frame the widget for an account that names none of its own.
        required frame_ancestors: Vec<FrameAncestor>,
    }
    whole |pipedrive: &PipedriveSettings, section: &mut Section<'_, '_>| {
        if pipedrive.previous_client_secret.is_some()
            && pipedrive.previous_client_secret_until.is_none()
        {
            let advice = "a previous secret needs its end, such as \"2027-01-31T00:00:00Z\"";
            return Err(section.refuse("previous_client_secret_until", advice.to_owned()));
        }
        Ok(())
    }
}

section! {
    /// `[crm]`: what holds for every CRM.
    CrmSettings = "crm" {
        /// The weak schemes that are allowed all the same, by name.
        required weak_presets: Vec<WeakPreset>,
        /// How long a one-time code may be opened.
        required code_lifetime: Duration [between("1s", SECOND, "60s", MINUTE)],
        /// Below which Atlassian publishes the keys that sign installations.
        required atlassian_install_keys_url: ServiceUrl,
    }
}

section! {
    /// `[quickbooks]`: the connector to QuickBooks Online.
    QuickBooksSettings = "quickbooks" {
        /// The app's client id.
        optional client_id: String,
        /// The app's client secret.
        secret client_secret: SecretString,
        /// The verifier token with which Intuit signs webhooks.
        secret webhook_key: SecretString,
        /// The verifier token before the last change.
        secret previous_webhook_key: SecretString,
        /// Where the API answers.
        required api_url: ServiceUrl,
        /// Where consent is given.
        required authorize_url: ServiceUrl,
        /// Where tokens are issued.
        required token_url: ServiceUrl,
        /// Where tokens are revoked.
        required revoke_url: ServiceUrl,
        /// The registered return address, where it is not the one below `public_url`.
        optional redirect_url: ServiceUrl,
        /// Where people open QuickBooks.
        required app_url: ServiceUrl,
        /// How often each company is asked for changes.
        required poll_interval: Duration [at_least("1s", SECOND)],
        /// Reads a month for all companies together.
        required monthly_reads: u64,
        /// Requests a minute for one company.
        required requests_per_minute: NonZeroU32,
        /// Requests to one company at once.
        required concurrent_requests: NonZeroU32,
        /// How long to wait for a connection.
        required connect_timeout: Duration [at_least("1ms", MILLISECOND)],
        /// How long to wait for an answer.
        required request_timeout: Duration [at_least("1ms", MILLISECOND)],
    }
    whole |quickbooks: &QuickBooksSettings, section: &mut Section<'_, '_>| {
        let given = (quickbooks.client_id.is_some(), quickbooks.client_secret.is_some());
        both_or_neither(given, section)
    }
}

section! {
    /// `[sage]`: the connector to Sage Accounting.
    SageSettings = "sage" {
        /// The app's client id.
        optional client_id: String,
        /// The app's client secret.
        secret client_secret: SecretString,
        /// Where the API answers, with its version.
        required api_url: ServiceUrl,
        /// Where consent is given.
        required authorize_url: ServiceUrl,
        /// Where tokens are issued.
        required token_url: ServiceUrl,
        /// Where tokens are revoked.
        required revoke_url: ServiceUrl,
        /// The registered return address, where it is not the one below `public_url`.
        optional redirect_url: ServiceUrl,
        /// How often each business is asked for changes.
        required poll_interval: Duration [at_least("1s", SECOND)],
        /// Calls a day for all businesses together.
        required daily_calls: u64,
        /// Requests a minute for one business.
        required requests_per_minute: NonZeroU32,
        /// Requests to one business at once.
        required concurrent_requests: NonZeroU32,
        /// How long to wait for a connection.
        required connect_timeout: Duration [at_least("1ms", MILLISECOND)],
        /// How long to wait for an answer.
        required request_timeout: Duration [at_least("1ms", MILLISECOND)],
    }
    whole |sage: &SageSettings, section: &mut Section<'_, '_>| {
        let given = (sage.client_id.is_some(), sage.client_secret.is_some());
        both_or_neither(given, section)
    }
}

section! {
    /// `[tryton]`: the connector to a Tryton server.
    TrytonSettings = "tryton" {
        /// Where the server answers.
        required url: ServiceUrl,
        /// The database in which a new connection's company is looked for.
        optional database: String,
        /// How often each company is asked for changes.
        required poll_interval: Duration [at_least("1s", SECOND)],
        /// Requests a minute for one company.
        required requests_per_minute: NonZeroU32,
        /// Requests to one company at once.
        required concurrent_requests: NonZeroU32,
        /// Records on a page.
        required page_size: NonZeroU32,
        /// How long to wait for a connection.
        required connect_timeout: Duration [at_least("1ms", MILLISECOND)],
        /// How long to wait for an answer.
        required request_timeout: Duration [at_least("1ms", MILLISECOND)],
    }
}

section! {
    /// `[xero]`: the connector to Xero.
    XeroSettings = "xero" {
        /// The app's client id.
        optional client_id: String,
        /// The app's client secret.
        secret client_secret: SecretString,
        /// The key with which Xero signs webhooks.
        secret webhook_key: SecretString,
        /// The key before the last change.
        secret previous_webhook_key: SecretString,
        /// Where the API answers.
        required api_url: ServiceUrl,
        /// Where the organizations that a consent reaches are listed.
        required connections_url: ServiceUrl,
        /// Where consent is given.
        required authorize_url: ServiceUrl,
        /// Where tokens are issued.
        required token_url: ServiceUrl,
        /// Where tokens are revoked.
        required revoke_url: ServiceUrl,
        /// The registered return address, where it is not the one below `public_url`.
        optional redirect_url: ServiceUrl,
        /// Where people open Xero.
        required app_url: ServiceUrl,
        /// How often each organization is asked for changes.
        required poll_interval: Duration [at_least("1s", SECOND)],
        /// Calls a day for one organization.
        required daily_calls: u64,
        /// Requests a minute for one organization.
        required requests_per_minute: NonZeroU32,
        /// Requests to one organization at once.
        required concurrent_requests: NonZeroU32,
        /// How long to wait for a connection.
        required connect_timeout: Duration [at_least("1ms", MILLISECOND)],
        /// How long to wait for an answer.
        required request_timeout: Duration [at_least("1ms", MILLISECOND)],
    }
    whole |xero: &XeroSettings, section: &mut Section<'_, '_>| {
        let given = (xero.client_id.is_some(), xero.client_secret.is_some());
        both_or_neither(given, section)
    }
}

section! {
    /// `[sync]`: how the mirror is kept up to date.
    SyncSettings = "sync" {
        /// How far each poll reaches back before the last one.
        required overlap: Duration,
        /// How long an instance owns a connection's work without a sign of life.
        required lease: Duration [at_least("1s", SECOND)],
        /// How often everything is compared with the ledger.
        required comparison_interval: Duration [at_least("1s", SECOND)],
        /// How many connections are brought up to date at the same time.
        required workers: NonZeroU32,
    }
}

section! {
    /// `[cache]`: what is kept in memory.
    CacheSettings = "cache" {
        /// Memory for customers' snapshots.
        required snapshot_bytes: ByteSize,
        /// Memory for finished answers.
        required answer_bytes: ByteSize,
        /// How often to look for changes made by others.
        required watch_interval: Duration [at_least("1ms", MILLISECOND)],
    }
}

section! {
    /// `[graphql]`: what a query may cost.
    GraphQlSettings = "graphql" {
        /// How deep a query may nest.
        required max_depth: NonZeroU32,
        /// How many fields it may ask for.
        required max_complexity: NonZeroU32,
        /// The largest accepted request body.
        required max_body_bytes: ByteSize,
        /// The longest page of a list.
        required max_page: NonZeroU32,
        /// How long it may take.
        required timeout: Duration [at_least("1ms", MILLISECOND)],
        /// Who may ask for the schema.
        required introspection: IntrospectionPolicy,
        /// Which documents are executed.
        required trusted_documents: TrustedDocumentsPolicy,
        /// Where the operator's own trusted documents are.
        folder trusted_documents_folder: PathBuf,
    }
}

section! {
    /// `[limits]`: how often anyone may ask.
    LimitSettings = "limits" {
        /// GraphQL operations of one person.
        required person_operations_per_minute: NonZeroU32,
        /// GraphQL operations of a tenant.
        required tenant_operations_per_minute: NonZeroU32,
        /// Sessions issued to a tenant.
        required tenant_sign_ins_per_minute: NonZeroU32,
        /// Requests of one address that need no token.
        required address_requests_per_minute: NonZeroU32,
        /// Requests of one address that show no valid token.
        required address_failures_per_minute: NonZeroU32,
        /// Open sockets of one person.
        required sockets_per_person: NonZeroU32,
    }
}

section! {
    /// `[telemetry]`: what is logged.
    TelemetrySettings = "telemetry" {
        /// What is logged.
        required log: LogFilter,
        /// How lines look.
        required format: LogFormat,
    }
}

/// An app's id is of no use without its secret, nor the secret without the id.
fn both_or_neither(
    (id, secret): (bool, bool),
    section: &mut Section<'_, '_>,
) -> Result<(), Recorded> {
    let missing = match (id, secret) {
        (true, false) => "client_secret",
        (false, true) => "client_id",
        _ => return Ok(()),
    };
    let advice = "client_id and client_secret go together; give both or neither";
    Err(section.refuse(missing, advice.to_owned()))
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn at_least(word: &'static str, least: Duration) -> impl Fn(&Duration) -> Result<(), String> {
    move |value| {
        if *value < least {
            return Err(format!("this is too short; write at least \"{word}\""));
        }
        Ok(())
    }
}

fn at_least_bytes(least: u64) -> impl Fn(&ByteSize) -> Result<(), String> {
    move |value| {
        if value.0 < least {
            return Err(format!("this is too small; write at least {least}"));
        }
        Ok(())
    }
}

fn at_most(word: &'static str, most: Duration) -> impl Fn(&Duration) -> Result<(), String> {
    move |value| {
        if *value > most {
            return Err(format!("this is too long; write at most \"{word}\""));
        }
        Ok(())
    }
}

fn between(
    least_word: &'static str,
    least: Duration,
    most_word: &'static str,
    most: Duration,
) -> impl Fn(&Duration) -> Result<(), String> {
    move |value| {
        at_least(least_word, least)(value)?;
        at_most(most_word, most)(value)
    }
}

fn without_path(address: &ServiceUrl) -> Result<(), String> {
    if address.url().path() == "/" {
        return Ok(());
    }
    Err(format!(
        "the address stands for the whole server and has no path; write \"{}\"",
        address.origin()
    ))
}

/// RFC 7518 section 3.2: a key of HS256 is at least as long as its hash.
#[expect(
    clippy::ref_option,
    reason = "a check gets the setting as it is, here an optional one"
)]
fn fit_for_hs256(secret: &Option<SecretString>) -> Result<(), String> {
    match secret {
        Some(secret) if secret.expose_secret().len() < 32 => Err(
            "the secret is too short to sign with; it must have at least 32 characters".to_owned(),
        ),
        _ => Ok(()),
    }
}
