//! What a GraphQL request over HTTP says of itself: the media types it takes and sends, and its
//! parameters. By the GraphQL-over-HTTP specification.

use async_graphql::{Name, Request, Value, Variables};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/graphql-response+json`: the status speaks of the GraphQL request.
    GraphQlResponse,
    /// `application/json`: clients of old take any status but 200 for a failure on the way.
    Json,
}

impl MediaType {
    /// The header of the answer.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphQlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The status of a well-formed request whose document was refused before execution.
    pub fn refusal(self) -> StatusCode {
        match self {
            Self::GraphQlResponse => StatusCode::BAD_REQUEST,
            Self::Json => StatusCode::OK,
        }
    }

    /// The media type that the client likes best; `None` when it takes neither. A client that says
    /// nothing is one of old.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        let mut asked = false;
        for value in headers.get_all(header::ACCEPT) {
            asked = true;
            let ranges = value.to_str().unwrap_or_default().split(',');
            for (quality, media_type) in ranges.filter_map(range) {
                if quality > best.map_or(0, |(quality, _)| quality) {
                    best = Some((quality, media_type));
                }
            }
        }
        if asked {
            best.map(|(_, media_type)| media_type)
        } else {
            Some(Self::Json)
        }
    }
}

/// One range of an `Accept` header: its quality in thousandths, and what it lets us answer with.
fn range(text: &str) -> Option<(u16, MediaType)> {
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let media_type = if essence.eq_ignore_ascii_case("application/graphql-response+json") {
        MediaType::GraphQlResponse
    } else if ["application/json", "application/*", "*/*"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        MediaType::Json
    } else {
        return None;
    };
    let mut quality = 1_000;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        if name.eq_ignore_ascii_case("q") {
            quality = thousandths(value)?;
        } else if name.eq_ignore_ascii_case("charset") && !is_utf8(value) {
            return None;
        }
    }
    (quality > 0).then_some((quality, media_type))
}

/// A quality such as `0.8`, in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1_000),
        _ => None,
    }
}

fn is_utf8(charset: &str) -> bool {
    charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
}

/// Whether the body is said to be JSON in UTF-8. Browsers send that across origins only after asking
/// the server, so no foreign page can post here in a visitor's name.
pub fn sends_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    if value.as_bytes() == b"application/json" {
        return true;
    }
    let mut parts = value.to_str().unwrap_or_default().split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter
                .split_once('=')
                .is_none_or(|(name, value)| !name.eq_ignore_ascii_case("charset") || is_utf8(value))
        })
}

/// Whether the client wants an answer made now and not a kept one.
pub fn bypasses_kept(headers: &HeaderMap) -> bool {
    headers
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(',')
                .any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
        })
}

type Object = serde_json::Map<String, serde_json::Value>;

/// Whether a JSON text is an object. Reading alone does not tell: a list of a struct's values in their
/// order would pass for it.
pub(super) fn is_object(json: &[u8]) -> bool {
    json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The parameters of a request as they stand on the wire.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// The document.
    #[serde(default)]
    pub query: Option<String>,
    /// The document's SHA-256, in place of the document or beside it.
    #[serde(default, rename = "documentId")]
    pub document_id: Option<String>,
    /// Which of its operations.
    #[serde(default, rename = "operationName")]
    pub operation_name: Option<String>,
    /// The variables.
    #[serde(default)]
    variables: Option<Object>,
    /// Extensions of the protocol; `persistedQuery` is known.
    #[serde(default)]
    extensions: Option<Object>,
}

/// What the query string of a GET request may hold.
#[derive(Debug, Deserialize)]
struct QueryString {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl Parameters {
    /// Reads the body of a POST request. A list of requests is none.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn from_body(body: &[u8]) -> Result<Self, String> {
        let wanted = "the body must be one JSON object with a string `query` or `documentId`, and \
                      where given a string `operationName` and objects `variables` and `extensions`";
        let read: Self = serde_json::from_slice(body).map_err(|error| {
            if error.is_data() {
                wanted.to_owned()
            } else {
                format!(
                    "the body is not JSON (line {}, column {})",
                    error.line(),
                    error.column()
                )
            }
        })?;
        if !is_object(body) {
            return Err(wanted.to_owned());
        }
        read.with_document(wanted)
    }

    /// The parameters, when they name a document.
    fn with_document(mut self, wanted: &str) -> Result<Self, String> {
        if self.document_id.is_none() {
            self.document_id = self.extensions.as_ref().and_then(persisted_query);
        }
        if self.query.is_none() && self.document_id.is_none() {
            return Err(wanted.to_owned());
        }
        Ok(self)
    }

    /// Reads the query string of a GET request.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn from_query_string(text: &str) -> Result<Self, String> {
        let read = url_pairs(text)?;
        let object = |name: &str, text: Option<String>| {
            text.filter(|text| !text.is_empty())
                .map(|text| {
                    serde_json::from_str::<Option<_>>(&text)
                        .map_err(|_| format!("`{name}` must be a JSON object"))
                })
                .transpose()
                .map(Option::flatten)
        };
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let read = Self {
            query: read.query,
            document_id: given(read.document_id),
            operation_name: given(read.operation_name),
            variables: object("variables", read.variables)?,
            extensions: object("extensions", read.extensions)?,
        };
        read.with_document("give the parameter `query`, or `documentId`")
    }

    /// The request for the engine, with the text of its document.
    pub fn into_request(self, text: String) -> Request {
        let variables = self.variables.unwrap_or_default();
        let variables = variables
            .into_iter()
            .map(|(name, value)| (Name::new(name), engine_value(value)));
        let mut request =
            Request::new(text).variables(Variables::from_value(Value::Object(variables.collect())));
        request.operation_name = self.operation_name;
        request
    }
}

fn url_pairs(text: &str) -> Result<QueryString, String> {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    let mut fields = serde_json::Map::new();
    for (name, value) in pairs {
        // Of two, one could be meant for somebody else.
        if fields
            .insert(name.into_owned(), value.into_owned().into())
            .is_some()
        {
            return Err("a parameter is there twice".to_owned());
        }
    }
    QueryString::deserialize(serde_json::Value::Object(fields))
        .map_err(|_| "a parameter is not what it must be".to_owned())
}

/// The hash in `{"persistedQuery": {"version": 1, "sha256Hash": "…"}}`.
fn persisted_query(extensions: &Object) -> Option<String> {
    let hash = extensions.get("persistedQuery")?.get("sha256Hash")?;
    hash.as_str().map(str::to_owned)
}

/// A JSON value for the engine. Numbers are handed over as they are: by way of serde they would
/// arrive as objects, since numbers keep their digits in this program.
fn engine_value(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(yes) => Value::Boolean(yes),
        serde_json::Value::Number(number) => Value::Number(number),
        serde_json::Value::String(text) => Value::String(text),
        serde_json::Value::Array(items) => {
            Value::List(items.into_iter().map(engine_value).collect())
        }
        serde_json::Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (Name::new(name), engine_value(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: Option<&'static str>) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::ACCEPT, HeaderValue::from_static(value));
        }
        MediaType::accepted(&headers)
    }

    #[test]
    fn the_client_is_answered_in_what_it_takes() {
        use MediaType::{GraphQlResponse, Json};
        for (accept, expected) in [
            (None, Some(Json)),
            (Some("*/*"), Some(Json)),
            (Some("application/json"), Some(Json)),
            (
                Some("application/graphql-response+json"),
                Some(GraphQlResponse),
            ),
            (
                Some("application/graphql-response+json; charset=utf-8, application/json; q=0.9"),
                Some(GraphQlResponse),
            ),
            (
                Some("application/json, application/graphql-response+json;q=0.5"),
                Some(Json),
            ),
            (Some("application/json;q=0, text/html"), None),
            (Some("application/json; charset=utf-16"), None),
            (Some("text/html"), None),
            (Some("application/json;q=2"), None),
        ] {
            assert_eq!(accepted(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        let sends = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            sends_json(&headers)
        };
        assert!(sends("application/json"));
        assert!(sends("Application/JSON; Charset=\"UTF-8\""));
        assert!(!sends("application/json; charset=latin1"));
        assert!(!sends("text/plain"));
        assert!(!sends("application/x-www-form-urlencoded"));
        assert!(!sends_json(&HeaderMap::new()));
    }

    #[test]
    fn parameters_are_of_their_types_or_refused() {
        assert!(Parameters::from_body(br#"{"query":"{a}","variables":null}"#).is_ok());
        for body in [
            r#"[{"query":"{a}"}]"#,
            r#"["{a}"]"#,
            r#" ["{a}", "A", {}, {}]"#,
            r#"{"query":1}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","operationName":{}}"#,
            r#"{"query":"{a}","extensions":"x"}"#,
            r#"{"variables":{}}"#,
            "{",
            "",
        ] {
            assert!(Parameters::from_body(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn numbers_in_variables_stay_numbers() {
        let body = br#"{"query":"{a}","variables":{"n":20,"deep":{"list":[1.50]}}}"#;
        let request = Parameters::from_body(body)
            .expect("read")
            .into_request("{a}".to_owned());
        assert_eq!(
            serde_json::to_string(&request.variables).expect("written"),
            r#"{"deep":{"list":[1.50]},"n":20}"#
        );
    }
}
