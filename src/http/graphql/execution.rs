//! From a request to its outcome: reading, the kept answers, execution.

use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as Answer, ServerError};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use futures_util::FutureExt;
use tracing::error;

use super::Endpoint;
use super::outcome::{Outcome, Refusal};
use crate::auth::Role;
use crate::graphql::documents::Document;
use crate::graphql::error::{finish, request_error};
use crate::graphql::limits;
use crate::graphql::request::{Dependencies, Recorded};
use crate::http::answers::Question;
use crate::http::bearer::{Bearer, required_token};
use crate::http::meters::Source;
use crate::http::negotiation::{MediaType, Parameters, bypasses_kept, sends_json};
use crate::http::request_id::RequestId;
use crate::service::ErrorCode;

impl Endpoint {
    pub(super) async fn answer(&self, request: Request, id: &RequestId) -> Outcome {
        let (parts, body) = request.into_parts();
        let Some(media_type) = MediaType::accepted(&parts.headers) else {
            let refusal = Refusal::bad(
                StatusCode::NOT_ACCEPTABLE,
                "answers are application/graphql-response+json or application/json",
            );
            return Outcome::refused(&refusal, MediaType::Json, id);
        };
        let asked = match parts.method {
            Method::POST => self.post(&parts, body, media_type, id).await,
            Method::GET => self.get(&parts, media_type, id).await,
            _ => Err(Outcome::not_allowed("GET, POST", media_type, id)),
        };
        asked.unwrap_or_else(|refused| refused)
    }

    async fn post(
        &self,
        parts: &Parts,
        body: Body,
        media_type: MediaType,
        id: &RequestId,
    ) -> Result<Outcome, Outcome> {
        let refuse = |refusal: &Refusal<'_>| Outcome::refused(refusal, media_type, id);
        if !sends_json(&parts.headers) {
            let wanted = "send the request as application/json in UTF-8";
            let refusal = Refusal::bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, wanted);
            return Err(refuse(&refusal));
        }
        let bearer = self.bearer(parts, media_type, id).await?;
        let body = self.read(body).await.map_err(|refusal| refuse(&refusal))?;
        let question = self.answers.question(body);
        if !bypasses_kept(&parts.headers)
            && let Some(body) = self.kept(&bearer, &question)
        {
            return Ok(Outcome {
                status: StatusCode::OK,
                media_type,
                body,
                source: Source::Kept,
                code: None,
                operation: None,
                bearer: Some(bearer),
                allow: None,
                retry_after: None,
            });
        }
        let parameters = Parameters::from_body(question.body())
            .map_err(|message| refuse(&Refusal::bad(StatusCode::BAD_REQUEST, &message)))?;
        let asked = Asked {
            parameters,
            bearer,
            media_type,
            may_change: true,
            question: Some(question),
        };
        Ok(self.execute(asked, id).await)
    }

    async fn get(
        &self,
        parts: &Parts,
        media_type: MediaType,
        id: &RequestId,
    ) -> Result<Outcome, Outcome> {
        let bearer = self.bearer(parts, media_type, id).await?;
        let query = parts.uri.query().unwrap_or_default();
        let parameters = Parameters::from_query_string(query).map_err(|message| {
            let refusal = Refusal::bad(StatusCode::BAD_REQUEST, &message);
            Outcome::refused(&refusal, media_type, id)
        })?;
        let asked = Asked {
            parameters,
            bearer,
            media_type,
            may_change: false,
            question: None,
        };
        Ok(self.execute(asked, id).await)
    }

    /// The bearer of the request's token, whose request is counted with this.
    async fn bearer(
        &self,
        parts: &Parts,
        media_type: MediaType,
        id: &RequestId,
    ) -> Result<Arc<Bearer>, Outcome> {
        let origin = || self.origin(&parts.extensions, &parts.headers);
        let admitted = self.admit(required_token(&parts.headers), origin).await;
        admitted
            .and_then(|bearer| bearer.person.ask(NonZeroU32::MIN).map(|()| bearer))
            .map_err(|error| Outcome::failed(&error, media_type, id))
    }

    /// Reads the body, as far as the limits on size and time allow.
    async fn read(&self, body: Body) -> Result<Bytes, Refusal<'static>> {
        let reading = to_bytes(body, self.settings.max_body_bytes);
        match tokio::time::timeout(self.settings.timeout, reading).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(Refusal::bad(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large, or broke off",
            )),
            Err(_) => Err(Refusal::bad(
                StatusCode::REQUEST_TIMEOUT,
                "the body took too long",
            )),
        }
    }

    fn kept(&self, bearer: &Bearer, question: &Question) -> Option<Bytes> {
        let now = self.clock.now();
        let (body, views) = self
            .answers
            .get(&bearer.sight, question, now)
            .or_else(|| self.answers.get(&bearer.own_sight, question, now))?;
        if let Some(views) = views {
            self.views().note(&bearer.caller.viewer, &views, now);
        }
        Some(body)
    }

    async fn execute(&self, asked: Asked, id: &RequestId) -> Outcome {
        let Asked {
            mut parameters,
            bearer,
            media_type,
            may_change,
            question,
        } = asked;
        let trusted = &self.settings.trusted;
        let name = parameters.operation_name.as_deref();
        let given = std::mem::take(&mut parameters.query);
        let prepared = trusted
            .resolve(given, parameters.document_id.as_deref())
            .and_then(|text| {
                let document = self.documents.read(&text)?;
                let kind = limits::operation(&document.executable, name)?.ty;
                self.may_ask_for(&document, bearer.caller.viewer.role)?;
                Ok((document, kind, text))
            });
        let (document, kind, text) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Outcome::errors(vec![error], media_type, id),
        };
        if kind == OperationType::Mutation && !may_change {
            return Outcome::not_allowed("POST", media_type, id);
        }
        if kind == OperationType::Subscription {
            let message =
                "subscriptions go over a WebSocket with the graphql-transport-ws protocol";
            let error = request_error(ErrorCode::BadUserInput, message);
            return Outcome::errors(vec![error], media_type, id);
        }
        // One was counted at the door. Fields that stand side by side are requests in one.
        if let Some(more) = NonZeroU32::new(document.roots.saturating_sub(1))
            && let Err(error) = bearer.person.ask(more)
        {
            return Outcome::failed(&error, media_type, id);
        }
        let operation = Some((kind, parameters.operation_name.clone()));
        let dependencies = Dependencies::default();
        let mut request = parameters
            .into_request(text)
            .data(Arc::clone(&bearer.caller))
            .data(dependencies.clone());
        request.set_parsed_query(document.executable.clone());
        let mut answer = self.run(request).await;
        finish(&mut answer, id.as_str());
        let mut outcome = Outcome::executed(&answer, media_type, id);
        outcome.operation = operation;
        let recorded = dependencies.recorded();
        if !recorded.views.is_empty() {
            let viewer = &bearer.caller.viewer;
            self.views().note(viewer, &recorded.views, self.clock.now());
        }
        if let (true, OperationType::Query, Some(question)) = (answer.is_ok(), kind, question) {
            self.keep(&bearer, recorded, question, &outcome.body);
        }
        outcome.bearer = Some(bearer);
        outcome
    }

    /// Whether a role may ask for the schema, where a document does.
    pub(in crate::http) fn may_ask_for(
        &self,
        document: &Document,
        role: Role,
    ) -> Result<(), ServerError> {
        if !document.asks_for_schema || self.settings.introspection.is_open_to(role) {
            return Ok(());
        }
        let message = "this server does not tell you its schema; it is in schema.graphql";
        Err(request_error(ErrorCode::Forbidden, message))
    }

    /// Executes within the time limit; a panic is one failed request and no more.
    async fn run(&self, request: async_graphql::Request) -> Answer {
        let running = AssertUnwindSafe(self.schema.0.execute(request)).catch_unwind();
        match tokio::time::timeout(self.settings.timeout, running).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                error!("a resolver panicked");
                let message = "something went wrong on our side";
                Answer::from_errors(vec![request_error(ErrorCode::Internal, message)])
            }
            Err(_) => {
                let message = "the answer took too long";
                Answer::from_errors(vec![request_error(ErrorCode::LedgerUnavailable, message)])
            }
        }
    }

    fn keep(&self, bearer: &Bearer, recorded: Recorded, question: Question, body: &Bytes) {
        if recorded.fleeting || recorded.stamp.is_empty() {
            return;
        }
        let sight = if recorded.personal {
            &bearer.own_sight
        } else {
            &bearer.sight
        };
        let views = (!recorded.views.is_empty()).then(|| recorded.views.into());
        self.answers
            .put(sight, question, body.clone(), views, recorded.stamp);
    }
}

/// A request that was read and whose caller is known.
struct Asked {
    parameters: Parameters,
    bearer: Arc<Bearer>,
    media_type: MediaType,
    /// Whether it may be a mutation.
    may_change: bool,
    /// The body, when the answer may be kept under it.
    question: Option<Question>,
}
