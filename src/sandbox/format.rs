//! The wire formats that one set of books is served in, and how each of them words what goes wrong.

use std::fmt;
use std::ops::{Index, IndexMut};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::books::Id;
use super::{quickbooks, sage, xero};

/// A wire format. Every company answers in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub enum Format {
    /// QuickBooks Online, at the paths of its own hosts.
    #[default]
    QuickBooks,
    /// Xero, below `/xero`.
    Xero,
    /// Sage Accounting, below `/sage`.
    Sage,
}

impl Format {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::QuickBooks, Self::Xero, Self::Sage];

    /// What people call the service.
    pub fn title(self) -> &'static str {
        match self {
            Self::QuickBooks => "QuickBooks",
            Self::Xero => "Xero",
            Self::Sage => "Sage",
        }
    }

    /// What the service calls a company.
    pub(crate) fn organization_id(self, realm: &str) -> String {
        match self {
            Self::QuickBooks => realm.to_owned(),
            Self::Xero => xero::tenant_id(realm),
            Self::Sage => sage::business_id(realm),
        }
    }

    /// What the service calls a customer of a company.
    pub(crate) fn customer_id(self, realm: &str, customer: Id) -> String {
        match self {
            Self::QuickBooks => customer.to_string(),
            Self::Xero => xero::contact_id(realm, customer),
            Self::Sage => sage::contact_id(realm, customer),
        }
    }

    fn index(self) -> usize {
        match self {
            Self::QuickBooks => 0,
            Self::Xero => 1,
            Self::Sage => 2,
        }
    }

    /// The scope of tokens that the control endpoint gives: everything.
    pub(crate) fn full_scope(self) -> &'static str {
        match self {
            Self::QuickBooks => quickbooks::consent::SCOPE,
            Self::Xero => xero::FULL_SCOPE,
            Self::Sage => "full_access",
        }
    }

    /// How it words what goes wrong before the books are asked.
    pub(crate) fn faults(self) -> &'static dyn Faults {
        match self {
            Self::QuickBooks => &quickbooks::Words,
            Self::Xero => &xero::Words,
            Self::Sage => &sage::Words,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::QuickBooks => "quickbooks",
            Self::Xero => "xero",
            Self::Sage => "sage",
        })
    }
}

/// One of something for each wire format.
#[derive(Debug)]
pub(crate) struct PerFormat<T>([T; 3]);

impl<T> PerFormat<T> {
    pub(crate) fn new(make: impl FnMut(Format) -> T) -> Self {
        Self(Format::ALL.map(make))
    }
}

impl<T> Index<Format> for PerFormat<T> {
    type Output = T;

    fn index(&self, format: Format) -> &T {
        &self.0[format.index()]
    }
}

impl<T> IndexMut<Format> for PerFormat<T> {
    fn index_mut(&mut self, format: Format) -> &mut T {
        &mut self.0[format.index()]
    }
}

/// The answers of a wire format when something goes wrong before the books are asked.
pub(crate) trait Faults: Sync {
    /// The access token has expired.
    fn unauthorized(&self, now: Timestamp) -> Response;
    /// Too many requests; come back after so many seconds, where it is told.
    fn throttled(&self, retry_after: Option<u64>, now: Timestamp) -> Response;
    /// The service failed.
    fn system(&self, now: Timestamp) -> Response;

    /// The service is away.
    fn unavailable(&self) -> Response {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Html("<html><body><h1>Service Unavailable</h1></body></html>"),
        )
            .into_response()
    }

    /// Success, with what is no JSON.
    fn malformed(&self) -> Response {
        (
            [(header::CONTENT_TYPE, "application/json;charset=utf-8")],
            "{\"QueryResponse\":{\"Customer\":[{\"Id\":",
        )
            .into_response()
    }
}
