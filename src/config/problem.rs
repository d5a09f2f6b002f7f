//! What is wrong with a configuration, and where.

use std::fmt;
use std::sync::Arc;

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of the configuration file, counted from 1.
    File {
        /// The file, as it was named.
        path: Arc<str>,
        /// The line; `None` when the file as a whole is meant.
        line: Option<usize>,
    },
    /// An environment variable.
    Environment(Arc<str>),
    /// Nowhere: the setting is missing, or stands as in the defaults.
    Unset,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                path,
                line: Some(line),
            } => write!(f, "{path}:{line}"),
            Self::File { path, line: None } => f.write_str(path),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

/// One mistake: its place, the setting it is about, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigProblem {
    /// Where it stands.
    pub place: Place,
    /// The setting (`session.lifetime`), the section (`session`), or nothing for the file itself.
    pub setting: String,
    /// What is wrong and what to write instead. Never repeats a secret.
    pub advice: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        f.write_str(&self.advice)
    }
}

/// Every mistake of a configuration, in the order of their places. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "the configuration has a mistake:")?,
            count => writeln!(f, "the configuration has {count} mistakes:")?,
        }
        for problem in &self.0 {
            writeln!(f, "  {problem}")?;
        }
        write!(f, "config.default.toml explains every setting")
    }
}

impl std::error::Error for ConfigProblems {}
