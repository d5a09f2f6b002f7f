//! The settings: one TOML file over the embedded defaults, and the environment over both.
//!
//! A configuration is checked whole before anything starts. [`Config::load`] names **every** mistake
//! at once, each with its line or variable and with what to write instead. This module alone reads
//! the environment; it holds plain data and knows no other part of the program, which turns it into
//! the parts' own settings where they are put together.

mod problem;
mod reader;
mod sections;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

pub use problem::{ConfigProblem, ConfigProblems, Place};
pub use sections::{
    CacheSettings, CrmSettings, DatabaseSettings, EncryptionSettings, GraphQlSettings,
    LimitSettings, NativeSettings, PipedriveSettings, QuickBooksSettings, SageSettings,
    ServerSettings, SessionSettings, SyncSettings, TelemetrySettings, TrytonSettings, XeroSettings,
};
pub use value::{
    ByteSize, DatabaseUrl, EncryptionKey, FrameAncestor, IntrospectionPolicy, LogFilter, LogFormat,
    ServiceUrl, TrustedDocumentsPolicy, WeakPreset,
};

use reader::{File, Reader, Recorded};

/// The embedded defaults, with a comment on every setting.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// Every setting, checked. Showing it with `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server is.
    pub server: ServerSettings,
    /// Where the mirror of the books is.
    pub database: DatabaseSettings,
    /// How credentials are protected at rest.
    pub encryption: EncryptionSettings,
    /// How long our own sessions live.
    pub session: SessionSettings,
    /// Tokens minted by a customer's own code.
    pub native: NativeSettings,
    /// Tokens of Pipedrive.
    pub pipedrive: PipedriveSettings,
    /// What holds for every CRM.
    pub crm: CrmSettings,
    /// The connector to QuickBooks Online.
    pub quickbooks: QuickBooksSettings,
    /// The connector to Sage Accounting.
    pub sage: SageSettings,
    /// The connector to a Tryton server.
    pub tryton: TrytonSettings,
    /// The connector to Xero.
    pub xero: XeroSettings,
    /// How the mirror is kept up to date.
    pub sync: SyncSettings,
    /// What is kept in memory.
    pub cache: CacheSettings,
    /// What a query may cost.
    pub graphql: GraphQlSettings,
    /// How often anyone may ask.
    pub limits: LimitSettings,
    /// What is logged.
    pub telemetry: TelemetrySettings,
}

impl Config {
    /// Reads and checks the settings: those of the file, where one is named, over the defaults, and
    /// those of the environment (as [`environment`] gives them) over both.
    ///
    /// # Errors
    /// Every mistake, in the order of file and line.
    pub fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        Self::of(path.map(read_file).transpose()?.as_ref(), environment)
    }

    /// Reads and checks settings as [`Self::load`] does, from the text of a file that was read already.
    ///
    /// # Errors
    /// Every mistake, in the order of file and line.
    pub fn parse(
        path: &Path,
        text: String,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        let path = path.to_owned();
        Self::of(Some(&File { path, text }), environment)
    }

    fn of(
        file: Option<&File>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        let environment: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("PULSE_"))
            .collect();
        let mut reader = Reader::new(file, &environment);
        let config = Self::read(&mut reader);
        reader.finish()?;
        // A section is missing only where a mistake was recorded; a test holds that the embedded
        // defaults have none.
        config.map_err(|Recorded| problem(Place::Unset, "the embedded defaults are incomplete"))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Recorded> {
        // Every section is read before the first `?`, so that all mistakes are found.
        let server = ServerSettings::read(reader);
        let database = DatabaseSettings::read(reader);
        let encryption = EncryptionSettings::read(reader);
        let session = SessionSettings::read(reader);
        let native = NativeSettings::read(reader);
        let pipedrive = PipedriveSettings::read(reader);
        let crm = CrmSettings::read(reader);
        let quickbooks = QuickBooksSettings::read(reader);
        let sage = SageSettings::read(reader);
        let tryton = TrytonSettings::read(reader);
        let xero = XeroSettings::read(reader);
        let sync = SyncSettings::read(reader);
        let cache = CacheSettings::read(reader);
        let graphql = GraphQlSettings::read(reader);
        let limits = LimitSettings::read(reader);
        let telemetry = TelemetrySettings::read(reader);
        Ok(Self {
            server: server?,
            database: database?,
            encryption: encryption?,
            session: session?,
            native: native?,
            pipedrive: pipedrive?,
            crm: crm?,
            quickbooks: quickbooks?,
            sage: sage?,
            tryton: tryton?,
            xero: xero?,
            sync: sync?,
            cache: cache?,
            graphql: graphql?,
            limits: limits?,
            telemetry: telemetry?,
        })
    }
}

fn read_file(path: &Path) -> Result<File, ConfigProblems> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let place = Place::File {
            path: path.display().to_string().into(),
            line: None,
        };
        problem(
            place,
            &format!("the configuration file cannot be read: {error}"),
        )
    })?;
    Ok(File {
        path: path.to_owned(),
        text,
    })
}

fn problem(place: Place, advice: &str) -> ConfigProblems {
    ConfigProblems(vec![ConfigProblem {
        place,
        setting: String::new(),
        advice: advice.to_owned(),
    }])
}

/// The environment of the process, for [`Config::load`]. A variable that is not Unicode arrives with
/// replacement characters, so that it is refused by its name if it is a setting.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_stands_in_the_default_file_below_a_comment() {
        let environment = BTreeMap::new();
        let mut reader = Reader::new(None, &environment);
        let _without_key = Config::read(&mut reader);
        let known = reader.known();
        assert!(known.len() > 40, "found only {}", known.len());
        for (section, key) in known {
            let (_, body) = DEFAULTS
                .split_once(&format!("\n[{section}]\n"))
                .unwrap_or_else(|| panic!("[{section}] is missing"));
            let body = body.split("\n[").next().unwrap_or_default();
            let lines: Vec<&str> = body.lines().collect();
            let is_setting = |line: &str| line.trim_start_matches("# ").contains(" = ");
            let at = lines
                .iter()
                .position(|line| {
                    line.trim_start_matches("# ")
                        .starts_with(&format!("{key} = "))
                })
                .unwrap_or_else(|| panic!("{section}.{key} is missing"));
            // The `_file` twin of a secret shares the comment of its other half.
            let above = lines[..at]
                .iter()
                .rev()
                .find(|line| !is_setting(line) || !key.ends_with("_file"));
            assert!(
                above.is_some_and(|line| line.starts_with("# ") && !is_setting(line)),
                "{section}.{key} has no comment"
            );
        }
    }
}
