//! Errors in every shape that was recorded.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer_time;
use crate::sandbox::books::Refusal;

/// A validation fault: HTTP 400, or inside a batch item.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    code: &'static str,
    message: &'static str,
    detail: String,
    element: Option<String>,
}

impl Fault {
    fn new(code: &'static str, message: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            message,
            detail: detail.into(),
            element: Some(String::new()),
        }
    }

    fn bare(mut self) -> Self {
        self.element = None;
        self
    }

    /// 610: there is none, or it was made inactive.
    pub(crate) fn not_found() -> Self {
        Self::new(
            "610",
            "Object Not Found",
            "Object Not Found : Something you're trying to use has been made inactive. Check the \
             fields with accounts, customers, items, vendors or employees.",
        )
    }

    /// 5010: somebody wrote it in between.
    pub(crate) fn stale() -> Self {
        Self::new(
            "5010",
            "Stale Object Error",
            "Stale Object Error : You and Sandbox User were working on this at the same time. \
             Sandbox User finished before you did, so your work was not saved.",
        )
    }

    /// 6240: the name is taken.
    pub(crate) fn duplicate_name() -> Self {
        Self::new(
            "6240",
            "Duplicate Name Exists Error",
            "The name supplied already exists. : Another customer, vendor or employee is already \
             using this name. Please use a different name.",
        )
    }

    /// 2010: a property that the entity does not have.
    pub(crate) fn unknown_property(property: &str, entity: &str, known: &[&str]) -> Self {
        let listed: Vec<String> = known.iter().map(|known| format!("\"{known}\"")).collect();
        Self::new(
            "2010",
            "Request has invalid or unsupported property",
            format!(
                "Property Name:Unrecognized field \"{property}\" (class \
                 com.intuit.schema.finance.v3.{entity}), not marked as ignorable ({} known \
                 properties: {}])\n specified is unsupported or invalid",
                known.len(),
                listed.join(", "),
            ),
        )
        .bare()
    }

    /// 2010: the body is no JSON object.
    pub(crate) fn unreadable() -> Self {
        Self::new(
            "2010",
            "Request has invalid or unsupported property",
            "Property Name:Can not parse the body specified is unsupported or invalid",
        )
        .bare()
    }

    /// 2020: something required is missing.
    pub(crate) fn missing(property: &str) -> Self {
        Self {
            element: Some(property.to_owned()),
            ..Self::new(
                "2020",
                "Required param missing, need to supply the required value for the API",
                format!("Required parameter {property} is missing in the request"),
            )
        }
    }

    /// 2030: an id that is no number.
    pub(crate) fn invalid_id(id: &str) -> Self {
        Self {
            element: Some("Id".to_owned()),
            ..Self::new(
                "2030",
                "Invalid ID",
                format!("Id should be a valid number. Supplied value:{id}"),
            )
        }
    }

    /// 2050: too long.
    pub(crate) fn too_long(property: &str, most: usize) -> Self {
        Self::new(
            "2050",
            "String length is either shorter or longer than supported by specification",
            format!(
                "String length specified does not match the supported length. {property}: at most {most} characters"
            ),
        )
    }

    /// 2080: no number.
    pub(crate) fn bad_number(property: &str) -> Self {
        Self::new(
            "2080",
            "Invalid Number",
            format!("{property} should be a valid number"),
        )
    }

    /// 2170: no such value.
    pub(crate) fn bad_enumeration(property: &str) -> Self {
        Self::new(
            "2170",
            "Invalid Enumeration",
            format!("{property} has an unsupported value"),
        )
    }

    /// 2500: a reference to nothing.
    pub(crate) fn bad_reference(property: &str, id: &str) -> Self {
        Self::new(
            "2500",
            "Invalid Reference Id",
            format!("Invalid Reference Id : {property} element id {id} not found"),
        )
    }

    /// 4000: no statement of the grammar.
    pub(crate) fn query_parse(what: impl std::fmt::Display) -> Self {
        Self::new(
            "4000",
            "Error parsing query",
            format!("QueryParserError: {what}"),
        )
        .bare()
    }

    /// 4001: a statement that asks for what there is not.
    pub(crate) fn query_validation(what: impl std::fmt::Display) -> Self {
        Self::new(
            "4001",
            "Invalid query",
            format!("QueryValidationError: {what}"),
        )
        .bare()
    }

    /// 6000: a business rule.
    pub(crate) fn business(what: &str) -> Self {
        Self::new(
            "6000",
            "A business validation error has occurred while processing your request",
            format!("Business Validation Error: {what}"),
        )
    }

    /// 6070: an amount that is not quantity times price.
    pub(crate) fn amount_mismatch() -> Self {
        Self::new(
            "6070",
            "Amount calculation incorrect in the request",
            "Amount is not equal to UnitPrice * Qty. Supplied value:",
        )
    }

    /// 500: no such path.
    pub(crate) fn unsupported(path: &str) -> Self {
        Self::new(
            "500",
            "Unsupported Operation",
            format!("Operation Could not find resource for relative : {path} is not supported."),
        )
        .bare()
    }

    /// What the code is.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// `{"Error":[…],"type":"ValidationFault"}`.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({
            "Message": self.message,
            "Detail": self.detail,
            "code": self.code,
        });
        if let Some(element) = &self.element {
            error["element"] = json!(element);
        }
        json!({"Error": [error], "type": "ValidationFault"})
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::TooMuchApplied => Self::business(
                "The amount applied is greater than the open balance of a linked transaction or \
                 than the payment.",
            ),
            Refusal::Deposited => Self::new(
                "6540",
                "Deposited Transaction cannot be changed",
                "This transaction has been deposited. If you want to change or delete it, you must \
                 edit the deposit it appears on and remove it first.",
            ),
            Refusal::BelowPaid => Self::business(
                "The transaction cannot be changed to less than what was applied to it.",
            ),
        }
    }
}

/// 401: the access token has expired, was revoked or never was. Lower case, and with the token in it.
pub(crate) fn unauthorized(token: &str, now: Timestamp) -> Response {
    let body = json!({
        "warnings": null,
        "intuitObject": null,
        "fault": {
            "error": [{
                "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                "detail": format!("Token expired: {token}"),
                "code": "3200",
                "element": null,
            }],
            "type": "AUTHENTICATION",
        },
        "report": null,
        "queryResponse": null,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": null,
        "requestId": null,
        "time": now.as_millisecond(),
        "status": null,
        "cdcresponse": [],
    });
    (
        StatusCode::UNAUTHORIZED,
        [(
            header::WWW_AUTHENTICATE,
            "Bearer realm=\"Intuit\", error=\"invalid_token\"",
        )],
        axum::Json(body),
    )
        .into_response()
}

/// 403: the token is for another company.
pub(crate) fn forbidden(now: Timestamp) -> Response {
    let body = json!({
        "warnings": null,
        "intuitObject": null,
        "fault": {
            "error": [{
                "message": "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
                "detail": "",
                "code": "3100",
                "element": null,
            }],
            "type": "AUTHORIZATION",
        },
        "time": now.as_millisecond(),
    });
    (StatusCode::FORBIDDEN, axum::Json(body)).into_response()
}

/// 429: XML, whatever was asked for.
pub(crate) fn throttled(retry_after: Option<u64>, now: Timestamp) -> Response {
    let body = format!(
        "<IntuitResponse time=\"{}\" xmlns=\"http://schema.intuit.com/finance/v3\">\
         <Fault type=\"SERVICE\"><Error code=\"3001\">\
         <Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>\
         <Detail>The request limit was reached.  Try again later</Detail>\
         </Error></Fault></IntuitResponse>",
        answer_time(now)
    );
    let mut response = (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::CONTENT_TYPE, "application/xml;charset=UTF-8")],
        body,
    )
        .into_response();
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// 500: server trouble, as JSON.
pub(crate) fn system(now: Timestamp) -> Response {
    let body = json!({
        "Fault": {
            "Error": [{
                "Message": "An application error has occurred while processing your request",
                "Detail": "System Failure Error: the sandbox was told to fail",
                "code": "10000",
            }],
            "type": "SystemFault",
        },
        "time": answer_time(now),
    });
    (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
}
