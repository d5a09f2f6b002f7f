//! From what was written to a value of a type: each kind of setting, and the checks on them.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use toml::de::DeValue;
use url::{Host, Url};

/// A value before it has a type. Text from the environment may stand for any kind; text in the file
/// is text.
pub(super) enum Written<'a> {
    Toml(&'a DeValue<'a>),
    Environment(&'a str),
}

impl Written<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Environment(text) => Some(text),
        }
    }

    fn integer(&self) -> Option<u64> {
        match self {
            Self::Toml(value) => {
                let integer = value.as_integer()?;
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            Self::Environment(text) => text.trim().parse().ok(),
        }
    }

    fn boolean(&self) -> Option<bool> {
        match self {
            Self::Toml(value) => value.as_bool(),
            Self::Environment(text) => text.trim().parse().ok(),
        }
    }

    /// The elements of a list; in the environment they are separated by commas or spaces.
    fn list(&self) -> Option<Vec<&str>> {
        match self {
            Self::Toml(value) => value
                .as_array()?
                .iter()
                .map(|element| element.get_ref().as_str())
                .collect(),
            Self::Environment(text) => Some(
                text.split([',', ' '])
                    .filter(|element| !element.is_empty())
                    .collect(),
            ),
        }
    }
}

/// What stands there, for a message: not to be used on secrets.
impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(text) => write_text(f, text),
            Self::Toml(DeValue::String(text)) => write_text(f, text),
            Self::Toml(DeValue::Integer(number)) => write!(f, "{number}"),
            Self::Toml(DeValue::Float(number)) => write!(f, "{number}"),
            Self::Toml(DeValue::Boolean(truth)) => write!(f, "{truth}"),
            Self::Toml(DeValue::Datetime(instant)) => write!(f, "{instant}"),
            Self::Toml(DeValue::Array(_)) => f.write_str("this list"),
            Self::Toml(DeValue::Table(_)) => f.write_str("this table"),
        }
    }
}

/// A quotation mark left open takes in the lines that follow, and the secrets in them: such a text is
/// not repeated.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    match text.lines().count() {
        0 | 1 => write!(f, "{text:?}"),
        lines => write!(f, "this text of {lines} lines"),
    }
}

/// A kind of value that a setting may have.
pub(super) trait Setting: Sized {
    /// What a right value looks like, with an example: "… is not …; write {EXPECTED}".
    const EXPECTED: &'static str;
    /// Whether messages must not repeat what was written.
    const SECRET: bool = false;

    fn read(written: &Written<'_>) -> Option<Self>;
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(written: &Written<'_>) -> Option<Self> {
        written.boolean()
    }
}

impl Setting for u32 {
    const EXPECTED: &'static str = "a whole number, such as 100";

    fn read(written: &Written<'_>) -> Option<Self> {
        written.integer()?.try_into().ok()
    }
}

impl Setting for u64 {
    const EXPECTED: &'static str = "a whole number, such as 100";

    fn read(written: &Written<'_>) -> Option<Self> {
        written.integer()
    }
}

impl Setting for NonZeroU32 {
    const EXPECTED: &'static str = "a whole number of at least 1, such as 8";

    fn read(written: &Written<'_>) -> Option<Self> {
        Self::new(u32::read(written)?)
    }
}

impl Setting for Duration {
    const EXPECTED: &'static str = "a duration with its unit, such as \"15m\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        let duration: SignedDuration = written.text()?.trim().parse().ok()?;
        duration.try_into().ok()
    }
}

impl Setting for Timestamp {
    const EXPECTED: &'static str = "an instant, such as \"2027-01-31T00:00:00Z\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        match written {
            Written::Toml(DeValue::Datetime(instant)) => instant.to_string().parse().ok(),
            _ => written.text()?.trim().parse().ok(),
        }
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an address with a port, such as \"127.0.0.1:8080\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        written.text()?.trim().parse().ok()
    }
}

impl Setting for String {
    const EXPECTED: &'static str = "a text in quotes";

    fn read(written: &Written<'_>) -> Option<Self> {
        let text = written.text()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl Setting for ByteSize {
    const EXPECTED: &'static str = "a size, such as \"64 KiB\" or 65536";

    fn read(written: &Written<'_>) -> Option<Self> {
        if let Some(bytes) = written.integer() {
            return Some(Self(bytes));
        }
        let text = written.text()?.trim();
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let factor: u64 = match unit.trim() {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(factor).map(Self)
    }
}

/// The address of a service: https, or http where it never leaves this machine, since tokens travel
/// to it. Without query, fragment and credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

impl ServiceUrl {
    /// The address without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The address as a URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port (`https://pulse.example.com`), as browsers compare them.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    pub(super) fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Setting for ServiceUrl {
    const EXPECTED: &'static str =
        "an https address (http only on this machine), such as \"https://api.example.com\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        let url: Url = written.text()?.trim().parse().ok()?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.has_host();
        let address = Self(url);
        let safe =
            address.0.scheme() == "https" || (address.0.scheme() == "http" && address.is_local());
        (plain && safe).then_some(address)
    }
}

/// Where the store is; shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole address, with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once("://") {
            Some((scheme, rest)) => {
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                let place = place.split_once('?').map_or(place, |(place, _)| place);
                write!(f, "{scheme}://{place}")
            }
            None => f.write_str(&self.0),
        }
    }
}

impl Setting for DatabaseUrl {
    const EXPECTED: &'static str = "\"sqlite:FILE\" or \"postgres://USER:PASSWORD@HOST/DATABASE\"";
    const SECRET: bool = true;

    fn read(written: &Written<'_>) -> Option<Self> {
        let text = written.text()?.trim();
        let (scheme, rest) = text.split_once(':')?;
        let known = match scheme {
            "sqlite" => true,
            "postgres" | "postgresql" => rest.starts_with("//") && Url::parse(text).is_ok(),
            _ => false,
        };
        (known && !rest.is_empty()).then(|| Self(text.to_owned()))
    }
}

/// Sources of a `frame-ancestors` list: origins that may frame the widget.
impl Setting for Vec<FrameAncestor> {
    const EXPECTED: &'static str =
        "a list of https origins, such as [\"https://acme.pipedrive.com\"]";

    fn read(written: &Written<'_>) -> Option<Self> {
        written
            .list()?
            .into_iter()
            .map(|text| FrameAncestor::parse(text.trim()))
            .collect()
    }
}

/// Names of schemes that need to be allowed by name.
impl Setting for Vec<WeakPreset> {
    const EXPECTED: &'static str =
        "a list of weak schemes: \"followupboss\", \"front\", \"salesforce-canvas\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        written
            .list()?
            .into_iter()
            .map(|text| WeakPreset::parse(text.trim()))
            .collect()
    }
}

/// A CRM's scheme that proves little, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeakPreset(&'static str);

impl WeakPreset {
    /// Their names.
    pub const NAMES: [&'static str; 3] = ["followupboss", "front", "salesforce-canvas"];

    /// The scheme of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|known| *known == name)
            .map(Self)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// An origin that may frame the widget: scheme, host (whose first label may be `*`) and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAncestor(String);

impl FrameAncestor {
    /// Reads an origin: https, or http on this machine; no path, no second `*`, nothing that could
    /// end the header's directive.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let host = rest.strip_prefix("*.").unwrap_or(rest);
        let url: Url = format!("{scheme}://{host}").parse().ok()?;
        // What the parser would have to change is not an origin as a browser sends it.
        let exact = url.origin().ascii_serialization() == format!("{scheme}://{host}");
        // The characters of a host in a policy (Content Security Policy Level 3, section 2.3.1) are
        // fewer than a URL allows; it has no way to say an IPv6 address.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let wide = rest != host;
        let safe = match scheme {
            // `https://*.com` would let the world in.
            "https" => !wide || host.contains('.'),
            "http" => !wide && ServiceUrl(url).is_local(),
            _ => false,
        };
        (exact && safe && host.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The origin as it stands in the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for SecretString {
    const EXPECTED: &'static str = "the secret as a text in quotes";
    const SECRET: bool = true;

    fn read(written: &Written<'_>) -> Option<Self> {
        let text = written.text()?.trim();
        (!text.is_empty()).then(|| text.into())
    }
}

/// 32 bytes that encrypt credentials at rest. Debug shows nothing of them.
pub struct EncryptionKey(SecretBox<[u8; 32]>);

impl EncryptionKey {
    /// Reads 64 hex digits, or base64 with or without padding.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            (0..64)
                .step_by(2)
                .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
                .collect::<Option<Vec<u8>>>()?
        } else {
            STANDARD
                .decode(text)
                .or_else(|_| STANDARD_NO_PAD.decode(text))
                .ok()?
        };
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        Some(Self(SecretBox::new(Box::new(bytes))))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl Clone for EncryptionKey {
    fn clone(&self) -> Self {
        Self(SecretBox::new(Box::new(*self.expose())))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Setting for EncryptionKey {
    const EXPECTED: &'static str =
        "32 random bytes as 64 hex digits or base64, as `openssl rand -hex 32` makes them";
    const SECRET: bool = true;

    fn read(written: &Written<'_>) -> Option<Self> {
        Self::parse(written.text()?)
    }
}

impl Setting for Vec<EncryptionKey> {
    const EXPECTED: &'static str =
        "keys separated by spaces or lines, each 64 hex digits or base64";
    const SECRET: bool = true;

    fn read(written: &Written<'_>) -> Option<Self> {
        written
            .text()?
            .split_whitespace()
            .map(EncryptionKey::parse)
            .collect()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    Pretty,
}

impl Setting for LogFormat {
    const EXPECTED: &'static str = "\"json\" or \"pretty\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        match written.text()? {
            "json" => Some(Self::Json),
            "pretty" => Some(Self::Pretty),
            _ => None,
        }
    }
}

/// Who may ask for the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntrospectionPolicy {
    /// Nobody.
    Off,
    /// Administrators of a tenant.
    Admin,
    /// Whoever may ask anything.
    On,
}

impl Setting for IntrospectionPolicy {
    const EXPECTED: &'static str = "\"off\", \"admin\" or \"on\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        match written.text()? {
            "off" => Some(Self::Off),
            "admin" => Some(Self::Admin),
            "on" => Some(Self::On),
            _ => None,
        }
    }
}

/// Which documents are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedDocumentsPolicy {
    /// All that keep to the limits.
    Off,
    /// Those known beforehand, and no others.
    Only,
}

impl Setting for TrustedDocumentsPolicy {
    const EXPECTED: &'static str = "\"off\" or \"only\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        match written.text()? {
            "off" => Some(Self::Off),
            "only" => Some(Self::Only),
            _ => None,
        }
    }
}

impl Setting for Vec<IpNet> {
    const EXPECTED: &'static str = "a list of networks, such as [\"10.1.2.0/24\"]";

    fn read(written: &Written<'_>) -> Option<Self> {
        let read = |text: &str| text.trim().parse().ok();
        written.list()?.into_iter().map(read).collect()
    }
}

/// What is logged: the text of a `tracing_subscriber` filter that is known to parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    const EXPECTED: &'static str =
        "a level (\"info\") or a filter such as \"info,financial_pulse::service=debug\"";

    fn read(written: &Written<'_>) -> Option<Self> {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let text = written.text()?.trim();
        let parses = text.parse::<tracing_subscriber::filter::Targets>().is_ok();
        // A lone word would pass as the name of a target, and then nothing else is logged.
        let level_stands = text.split(',').any(|part| LEVELS.contains(&part.trim()));
        (parses && level_stands).then(|| Self(text.to_owned()))
    }
}
