//! The reference: a bare axum handler that answers everything with the same bytes, without any layer.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;

/// Serves the bytes in `{directory}/answer` on the port in `{directory}/port`.
pub(crate) async fn run(directory: &str) {
    let directory = Path::new(directory);
    let body = Bytes::from(std::fs::read(directory.join("answer")).expect("an answer"));
    let port = std::fs::read_to_string(directory.join("port")).expect("a port");
    let handler = move || {
        let body = body.clone();
        async move {
            let json = HeaderValue::from_static("application/graphql-response+json; charset=utf-8");
            ([(header::CONTENT_TYPE, json)], body).into_response()
        }
    };
    let router = Router::new().route("/graphql", post(handler));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .expect("a free port");
    axum::serve(listener, router).await.expect("serving");
}
