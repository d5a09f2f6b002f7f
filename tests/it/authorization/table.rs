//! `table.txt`: for each field, what becomes of it for each kind of caller.

use std::collections::BTreeMap;
use std::fmt;

const TEXT: &str = include_str!("table.txt");

/// A kind of caller: a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Principal {
    /// Without a token.
    Nobody,
    /// With a session that has ended.
    Ended,
    /// With tokens for another audience.
    Elsewhere,
    /// An admin of another tenant.
    Stranger,
    /// Finance, with a session for which the CRM signed another contact.
    Other,
    /// A rep where reps do not see amounts.
    RepHidden,
    /// A rep where they do.
    RepShown,
    Manager,
    Finance,
    Admin,
}

impl Principal {
    pub(super) const ALL: [Self; 10] = [
        Self::Nobody,
        Self::Ended,
        Self::Elsewhere,
        Self::Stranger,
        Self::Other,
        Self::RepHidden,
        Self::RepShown,
        Self::Manager,
        Self::Finance,
        Self::Admin,
    ];

    /// The word at the column's head.
    fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Ended => "ended",
            Self::Elsewhere => "elsewhere",
            Self::Stranger => "stranger",
            Self::Other => "other",
            Self::RepHidden => "rep-hidden",
            Self::RepShown => "rep-shown",
            Self::Manager => "manager",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its value is in the answer.
    Shown,
    /// It is null, or the list that it would stand in is empty.
    Null,
    /// The contact is null: it is not for this viewer.
    NoContact,
    /// The contact has no pulse: it is linked to nothing that the viewer's tenant knows.
    Unlinked,
    /// The request fails with a code.
    Code(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Shown => "shown",
            Self::Null => "null",
            Self::NoContact => "no-contact",
            Self::Unlinked => "unlinked",
            Self::Code(code) => code,
        })
    }
}

impl Verdict {
    fn parse(word: &str) -> Self {
        match word {
            "shown" => Self::Shown,
            "null" => Self::Null,
            "no-contact" => Self::NoContact,
            "unlinked" => Self::Unlinked,
            "401" => Self::Code("UNAUTHENTICATED".to_owned()),
            "FORBIDDEN" | "NOT_FOUND" => Self::Code(word.to_owned()),
            other => panic!("`{other}` is no verdict"),
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The contact whose question has something to hide there; `-` where none is asked for.
    pub(super) about: String,
    verdicts: BTreeMap<Principal, Verdict>,
}

impl Row {
    pub(super) fn verdict(&self, principal: Principal) -> &Verdict {
        &self.verdicts[&principal]
    }
}

/// The rows by `Type.field`.
pub(super) fn table() -> BTreeMap<String, Row> {
    let mut lines = TEXT
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let wanted: Vec<&str> = ["field", "about"]
        .into_iter()
        .chain(Principal::ALL.map(Principal::word))
        .collect();
    assert_eq!(head, wanted, "the columns");
    let mut rows = BTreeMap::new();
    for words in lines {
        let [field, about, verdicts @ ..] = words.as_slice() else {
            panic!("no row: {words:?}");
        };
        assert_eq!(verdicts.len(), Principal::ALL.len(), "{field}");
        let verdicts = Principal::ALL
            .into_iter()
            .zip(verdicts.iter().map(|word| Verdict::parse(word)))
            .collect();
        let row = Row {
            about: (*about).to_owned(),
            verdicts,
        };
        let before = rows.insert((*field).to_owned(), row);
        assert!(before.is_none(), "{field} stands twice");
    }
    rows
}
