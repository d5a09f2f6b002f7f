//! The parameters of a request: paging, filters, and which members to tell.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::fault::Fault;

/// The members that a list tells without being asked.
const ALWAYS: [&str; 3] = ["id", "displayed_as", "$path"];
/// The most items of a page; more asked for are as many (what the service says to that is not known).
const MOST_ITEMS: usize = 200;
const DEFAULT_ITEMS: usize = 20;

/// A request's parameters, in their order.
#[derive(Clone, Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortBy {
    Created,
    Updated,
    Date,
    Due,
}

impl Query {
    /// From the part of the address after the question mark.
    pub(super) fn parse(encoded: &str) -> Self {
        Self(
            url::form_urlencoded::parse(encoded.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// All of them, for the orders of trouble to match.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// A parameter that is given and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, value)| given == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A switch.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A number from 1 on.
    fn count(&self, name: &'static str, default: usize) -> Result<usize, Fault> {
        match self.get(name).map(str::parse) {
            None => Ok(default),
            Some(Ok(count @ 1..)) => Ok(count),
            Some(_) => Err(Fault::invalid(name)),
        }
    }

    /// Which page, from 1 on.
    pub(super) fn page(&self) -> Result<usize, Fault> {
        self.count("page", 1)
    }

    /// The items of a page.
    pub(super) fn items_per_page(&self) -> Result<usize, Fault> {
        Ok(self.count("items_per_page", DEFAULT_ITEMS)?.min(MOST_ITEMS))
    }

    /// A moment, whose time of day may be left out, in whole seconds.
    pub(super) fn instant(&self, name: &'static str) -> Result<Option<i64>, Fault> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        // A plus sign that was not encoded arrives as a space.
        let text = text.replace(' ', "+");
        let date = || text.get(..10).and_then(|date| date.parse::<Date>().ok());
        let moment = text.parse::<Timestamp>().ok().or_else(|| {
            let zoned = date()?.in_tz("UTC").ok()?;
            Some(zoned.timestamp())
        });
        moment
            .map(|moment| Some(moment.as_second()))
            .ok_or_else(|| Fault::invalid(name))
    }

    /// A day.
    pub(super) fn date(&self, name: &'static str) -> Result<Option<Date>, Fault> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| Fault::invalid(name)))
            .transpose()
    }

    /// The order asked for, of those that are offered; and whether it is downward.
    pub(super) fn sort(&self, offered: &[SortBy]) -> Result<Option<(SortBy, bool)>, Fault> {
        if offered.is_empty() {
            return Ok(None);
        }
        let Some(text) = self.get("sort") else {
            return Ok(None);
        };
        let (name, direction) = text.split_once(':').unwrap_or((text, "asc"));
        let by = match name {
            "created_at" => SortBy::Created,
            "updated_at" => SortBy::Updated,
            "date" => SortBy::Date,
            "due_date" => SortBy::Due,
            _ => return Err(Fault::invalid("sort")),
        };
        match direction {
            "asc" | "desc" if offered.contains(&by) => Ok(Some((by, direction == "desc"))),
            _ => Err(Fault::invalid("sort")),
        }
    }

    /// Everything but the page, the items of it and what is told of each: what is found depends on.
    pub(super) fn without_page(&self) -> String {
        let mut kept: Vec<&(String, String)> = self
            .0
            .iter()
            .filter(|(name, _)| {
                !matches!(
                    name.as_str(),
                    "page" | "items_per_page" | "attributes" | "nested_attributes"
                )
            })
            .collect();
        kept.sort();
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish()
    }

    /// The address of another page of the same, as recorded: below the base address, page first.
    pub(super) fn of_page(&self, path: &str, page: usize, items: usize) -> String {
        let others = self
            .0
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "page" | "items_per_page"));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("page", &page.to_string())
            .append_pair("items_per_page", &items.to_string())
            .extend_pairs(others)
            .finish();
        format!("/{path}?{query}")
    }

    /// Of a record's members those that were asked for, beside the ones always told. A list tells no
    /// others when nothing is asked for, a single record all.
    pub(super) fn select(&self, record: Map<String, Value>, single: bool) -> Value {
        let wanted: Vec<&str> = match self.get("attributes") {
            Some("all") => return Value::Object(record),
            Some(names) => names.split(',').map(str::trim).collect(),
            None if single => return Value::Object(record),
            None => Vec::new(),
        };
        Value::Object(
            record
                .into_iter()
                .filter(|(name, _)| {
                    ALWAYS.contains(&name.as_str()) || wanted.contains(&name.as_str())
                })
                .collect(),
        )
    }
}
