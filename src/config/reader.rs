//! Reads settings from their layers (defaults, file, environment) and collects every mistake.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use toml::de::{DeTable, DeValue};

use super::DEFAULTS;
use super::problem::{ConfigProblem, ConfigProblems, Place};
use super::value::{Setting, Written};

const PREFIX: &str = "PULSE_";

// A test holds that the embedded defaults have no mistake.
static DEFAULT_TABLE: LazyLock<DeTable<'static>> =
    LazyLock::new(|| DeTable::parse_recoverable(DEFAULTS).0.into_inner());

/// The user's file: its name and its text.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A value with where it stands.
struct Entry<'a> {
    place: Place,
    written: Written<'a>,
}

/// The layers, what was asked of them so far, and what was wrong.
pub(super) struct Reader<'a> {
    file: Option<(&'a File, DeTable<'a>)>,
    environment: &'a BTreeMap<String, String>,
    /// Each setting that the program knows, in the order asked for.
    known: Vec<(&'static str, &'static str)>,
    problems: Vec<ConfigProblem>,
    /// Whether the file's text was broken, so that what is missing may merely be unreadable.
    broken: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: Option<&'a File>, environment: &'a BTreeMap<String, String>) -> Self {
        let mut reader = Self {
            file: None,
            environment,
            known: Vec::new(),
            problems: Vec::new(),
            broken: false,
        };
        if let Some(file) = file {
            let (table, errors) = DeTable::parse_recoverable(&file.text);
            for error in errors {
                reader.broken = true;
                reader.problems.push(ConfigProblem {
                    place: place_in(file, error.span().unwrap_or_default()),
                    setting: String::new(),
                    advice: format!("this is not TOML: {}", error.message()),
                });
            }
            reader.file = Some((file, table.into_inner()));
        }
        reader
    }

    /// The settings of one section.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'_, 'a> {
        Section { reader: self, name }
    }

    /// What the environment says of a setting, else the file.
    fn written(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        self.in_environment(section, key)
            .or_else(|| self.in_file(section, key))
    }

    fn in_environment(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        let name = variable(section, key);
        let text = self.environment.get(&name)?;
        Some(Entry {
            place: Place::Environment(name.into()),
            written: Written::Environment(text),
        })
    }

    fn in_file(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        let (file, table) = self.file.as_ref()?;
        let section = table.get(section)?.get_ref().as_table()?;
        let (name, value) = section.get_key_value(key)?;
        Some(Entry {
            place: place_in(file, name.span()),
            written: Written::Toml(value.get_ref()),
        })
    }

    /// Each setting asked for so far, with its section.
    #[cfg(test)]
    pub(super) fn known(&self) -> &[(&'static str, &'static str)] {
        &self.known
    }

    /// Names what nobody asked for, then hands over every mistake.
    pub(super) fn finish(mut self) -> Result<(), ConfigProblems> {
        self.find_unknown_in_file();
        self.find_unknown_in_environment();
        if self.problems.is_empty() {
            return Ok(());
        }
        if self.broken {
            // What the broken lines held would be called missing, and a value cut short wrong.
            let syntax: Vec<Place> = self
                .problems
                .iter()
                .filter(|problem| problem.setting.is_empty())
                .map(|problem| problem.place.clone())
                .collect();
            self.problems.retain(|problem| {
                problem.setting.is_empty()
                    || (problem.place != Place::Unset && !syntax.contains(&problem.place))
            });
        }
        self.problems.sort();
        self.problems.dedup();
        Err(ConfigProblems(self.problems))
    }

    fn find_unknown_in_file(&mut self) {
        let Some((file, table)) = &self.file else {
            return;
        };
        let mut found = Vec::new();
        for (section, value) in table {
            let name: &str = section.get_ref();
            let Some(settings) = value.get_ref().as_table() else {
                let advice = match self.known.iter().find(|(_, key)| *key == name) {
                    Some((home, _)) => {
                        format!("settings stand in sections; write it below [{home}]")
                    }
                    None if self.is_section(name) => format!(
                        "this is a section; write [{name}] and its settings on the lines below"
                    ),
                    None => "settings stand in sections, such as [server]".to_owned(),
                };
                found.push((section.span(), name.to_owned(), advice));
                continue;
            };
            if !self.is_section(name) {
                let sections = self.known.iter().map(|(section, _)| *section);
                let advice = match nearest(name, sections) {
                    Some(near) => format!("there is no such section; did you mean [{near}]?"),
                    None => "there is no such section".to_owned(),
                };
                found.push((section.span(), name.to_owned(), advice));
                continue;
            }
            for key in settings.keys() {
                let word: &str = key.get_ref();
                if !self.known.contains(&(name, word)) {
                    found.push((
                        key.span(),
                        format!("{name}.{word}"),
                        self.unknown(name, word),
                    ));
                }
            }
        }
        let problems: Vec<_> = found
            .into_iter()
            .map(|(span, setting, advice)| ConfigProblem {
                place: place_in(file, span),
                setting,
                advice,
            })
            .collect();
        self.problems.extend(problems);
    }

    fn unknown(&self, section: &str, key: &str) -> String {
        if let Some(near) = nearest(key, self.settings_of(section)) {
            return format!("there is no such setting; did you mean {near}?");
        }
        match self.known.iter().find(|(_, known)| *known == key) {
            Some((home, _)) => format!("this setting belongs below [{home}]"),
            None => format!(
                "there is no such setting; [{section}] has {}",
                self.settings_of(section).collect::<Vec<_>>().join(", ")
            ),
        }
    }

    fn find_unknown_in_environment(&mut self) {
        let flat = |name: &str| name.replace("__", "_").to_ascii_uppercase();
        let known: Vec<(String, String)> = self
            .known
            .iter()
            .map(|(section, key)| variable(section, key))
            .map(|name| (flat(&name), name))
            .collect();
        for name in self.environment.keys() {
            if known.iter().any(|(_, known)| known == name) {
                continue;
            }
            let same = flat(name);
            let advice = match known.iter().find(|(flat, _)| *flat == same) {
                Some((_, known)) => format!(
                    "section and setting are parted by two underscores, in capitals; write {known}"
                ),
                // PULSE_X without a section is not ours to judge: tests and the demo have such.
                None if !name[PREFIX.len()..].contains("__") => continue,
                None => match self.meant(name) {
                    Some(near) => format!("there is no such setting; did you mean {near}?"),
                    None => "there is no such setting".to_owned(),
                },
            };
            self.problems.push(ConfigProblem {
                place: Place::Environment(name.as_str().into()),
                setting: String::new(),
                advice,
            });
        }
    }

    /// The variable of the section and the setting in it that are most like these.
    fn meant(&self, name: &str) -> Option<String> {
        let (section, key) = name.strip_prefix(PREFIX)?.split_once("__")?;
        let mut sections: Vec<_> = self.known.iter().map(|(section, _)| *section).collect();
        sections.dedup();
        let section = nearest(&section.to_ascii_lowercase(), sections.into_iter())?;
        let key = nearest(&key.to_ascii_lowercase(), self.settings_of(section))?;
        Some(variable(section, key))
    }

    fn settings_of(&self, section: &str) -> impl Iterator<Item = &'static str> {
        let here = self.known.iter().filter(move |(home, _)| *home == section);
        here.map(|(_, key)| *key)
    }

    /// Relative names of secret files count from here.
    fn directory(&self) -> &Path {
        let path = self.file.as_ref().and_then(|(file, _)| file.path.parent());
        path.unwrap_or(Path::new(""))
    }

    fn is_section(&self, name: &str) -> bool {
        self.known.iter().any(|(section, _)| *section == name)
    }
}

/// A mistake was recorded; reading goes on to find the others.
#[derive(Debug)]
pub(super) struct Recorded;

/// One section of a [`Reader`].
pub(super) struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    name: &'static str,
}

impl Section<'_, '_> {
    /// A setting that has a default.
    pub(super) fn required<T: Setting>(&mut self, key: &'static str) -> Result<T, Recorded> {
        self.know(key);
        let found = self.reader.written(self.name, key).map(Entry::read::<T>);
        match found {
            Some((place, outcome)) => self.take(key, place, outcome),
            // A test holds that every default is there and right.
            None => self
                .default(key)
                .and_then(|value| T::read(&Written::Toml(value)))
                .ok_or(Recorded),
        }
    }

    /// A setting that may be left out.
    pub(super) fn optional<T: Setting>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<T>, Recorded> {
        self.know(key);
        let found = self.reader.written(self.name, key).map(Entry::read::<T>);
        match found {
            Some((place, outcome)) => self.take(key, place, outcome).map(Some),
            None => Ok(None),
        }
    }

    /// A folder that may be left out. In the file its name counts from the file's directory.
    pub(super) fn folder(&mut self, key: &'static str) -> Result<Option<PathBuf>, Recorded> {
        let in_environment = self.reader.in_environment(self.name, key).is_some();
        let name: Option<String> = self.optional(key)?;
        let beside = if in_environment {
            Path::new("")
        } else {
            self.reader.directory()
        };
        Ok(name.map(|name| beside.join(name)))
    }

    /// A secret that may be left out and stands either under `key` or in the file named under
    /// `file_key`. The environment's choice replaces the file's, whichever of the two it uses.
    pub(super) fn secret<T: Setting>(
        &mut self,
        key: &'static str,
        file_key: &'static str,
    ) -> Result<Option<T>, Recorded> {
        self.know(key);
        self.know(file_key);
        let reader = &*self.reader;
        let environment = (
            reader.in_environment(self.name, key),
            reader.in_environment(self.name, file_key),
        );
        let layer = match environment {
            (None, None) => (
                reader.in_file(self.name, key),
                reader.in_file(self.name, file_key),
            ),
            chosen => chosen,
        };
        let (key, (place, outcome)) = match layer {
            (None, None) => return Ok(None),
            (Some(value), None) => (key, value.read()),
            (None, Some(name)) => (file_key, name.read_file(reader.directory())),
            (Some(_), Some(name)) => {
                let advice = format!("{key} is given too; keep one of the two");
                (file_key, (name.place, Err(advice)))
            }
        };
        self.take(key, place, outcome).map(Some)
    }

    /// A [`secret`](Self::secret) without which nothing starts.
    pub(super) fn required_secret<T: Setting>(
        &mut self,
        key: &'static str,
        file_key: &'static str,
    ) -> Result<T, Recorded> {
        let found = self.secret(key, file_key)?;
        found.ok_or_else(|| {
            let advice = format!(
                "this is required; put {} into the file named by {file_key} or into {}",
                T::EXPECTED,
                variable(self.name, key)
            );
            self.refuse(key, advice)
        })
    }

    /// Lets a value pass when it fits, else records why not.
    pub(super) fn ensure<T>(
        &mut self,
        key: &'static str,
        value: Result<T, Recorded>,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<T, Recorded> {
        let value = value?;
        match check(&value) {
            Ok(()) => Ok(value),
            Err(advice) => Err(self.refuse(key, advice)),
        }
    }

    /// Records a mistake about a setting, at the place where it was written.
    pub(super) fn refuse(&mut self, key: &'static str, advice: String) -> Recorded {
        let place = self
            .reader
            .written(self.name, key)
            .map_or(Place::Unset, |entry| entry.place);
        self.reader.problems.push(ConfigProblem {
            place,
            setting: format!("{}.{key}", self.name),
            advice,
        });
        Recorded
    }

    fn take<T>(
        &mut self,
        key: &str,
        place: Place,
        outcome: Result<T, String>,
    ) -> Result<T, Recorded> {
        outcome.map_err(|advice| {
            self.reader.problems.push(ConfigProblem {
                place,
                setting: format!("{}.{key}", self.name),
                advice,
            });
            Recorded
        })
    }

    fn know(&mut self, key: &'static str) {
        self.reader.known.push((self.name, key));
    }

    fn default(&self, key: &str) -> Option<&DeValue<'static>> {
        let section = DEFAULT_TABLE.get(self.name)?.get_ref();
        Some(section.as_table()?.get(key)?.get_ref())
    }
}

impl Entry<'_> {
    fn read<T: Setting>(self) -> (Place, Result<T, String>) {
        let outcome = T::read(&self.written).ok_or_else(|| {
            if T::SECRET {
                format!("this is not {}", T::EXPECTED)
            } else {
                format!("{} does not fit; write {}", self.written, T::EXPECTED)
            }
        });
        (self.place, outcome)
    }

    /// Reads a secret from the file that this entry names.
    fn read_file<T: Setting>(self, directory: &Path) -> (Place, Result<T, String>) {
        let Some(name) = self.written.text().filter(|name| !name.trim().is_empty()) else {
            let advice = "write the name of a file that holds the secret".to_owned();
            return (self.place, Err(advice));
        };
        let path = match self.written {
            Written::Toml(_) => directory.join(name),
            Written::Environment(_) => PathBuf::from(name),
        };
        let outcome = match std::fs::read_to_string(&path) {
            Ok(text) => T::read(&Written::Environment(&text))
                .ok_or_else(|| format!("{} does not hold {}", path.display(), T::EXPECTED)),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        };
        (self.place, outcome)
    }
}

/// The variable that overrides a setting.
pub(super) fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}__{key}").to_ascii_uppercase()
}

fn place_in(file: &File, span: Range<usize>) -> Place {
    let before = file.text.get(..span.start).unwrap_or(&file.text);
    Place::File {
        path: Arc::from(file.path.display().to_string()),
        line: Some(before.matches('\n').count() + 1),
    }
}

/// The known word that was probably meant.
fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let farthest = |candidate: &str| (candidate.len() / 3).max(2);
    known
        // No distance is less than the difference of the lengths, and long words take long.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= farthest(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= farthest(candidate))
        .map(|(_, candidate)| candidate)
}
