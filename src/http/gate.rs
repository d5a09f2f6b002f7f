//! What stands before every route that is asked without a token: who is asking is known by address
//! alone, and the address is believed only as far as a setting says.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::door::names;
use super::graphql::Endpoint;
use super::problem::Problem;
use super::rates::Origin;
use super::server::Peer;
use crate::domain::ids::TenantId;
use crate::service::ServiceError;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Put on an answer that gave someone of a tenant a session.
#[derive(Clone, Debug)]
pub struct SignedInAt(pub TenantId);

/// Where a request comes from. `X-Forwarded-For` counts from its end: the last entry was written by
/// the proxy that is connected to us, the one before by the proxy before that; what stands before
/// the entry of the outermost trusted proxy, the client wrote itself.
pub(super) fn origin(extensions: &Extensions, headers: &HeaderMap, proxies: usize) -> Origin {
    let peer = extensions
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Peer::address);
    let named = || -> Option<IpAddr> {
        let back = proxies.checked_sub(1)?;
        let values: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .map(HeaderValue::to_str)
            .collect::<Result<_, _>>()
            .ok()?;
        let entry = values.iter().rev().flat_map(|value| value.rsplit(','));
        address(entry.into_iter().nth(back)?.trim())
    };
    Origin::from(named().unwrap_or(peer))
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    text.parse()
        .or_else(|_| text.parse::<std::net::SocketAddr>().map(|both| both.ip()))
        .or_else(|_| bare.unwrap_or_default().parse())
        .ok()
}

/// Counts a request by its address, its failure as one, and its success for the tenant.
pub(super) async fn counted(
    State(endpoint): State<Arc<Endpoint>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // Files are the same for all and cost as little as a refusal.
    if path.starts_with("/assets/") || path == "/embed.js" {
        return next.run(request).await;
    }
    let rates = endpoint.rates();
    let address = rates.address(endpoint.origin(request.extensions(), request.headers()));
    let named = tenant_in(path);
    let open = address.ask().and_then(|()| match &named {
        Some(tenant) => rates.may_sign_in(tenant),
        None => Ok(()),
    });
    if let Err(error) = open {
        return refused(&error);
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        address.failed();
    }
    match response.extensions().get::<SignedInAt>() {
        Some(SignedInAt(tenant)) => match rates.signed_in(tenant) {
            Ok(()) => response,
            Err(error) => refused(&error),
        },
        None => response,
    }
}

/// The tenant that `/embed/{tenant}/…` and `/exchange/{tenant}/…` name.
fn tenant_in(path: &str) -> Option<TenantId> {
    let door = path.split('/').nth(1)?;
    match &names(path)[..] {
        [tenant, _, ..] if matches!(door, "embed" | "exchange") => {
            Some(TenantId::new(tenant.as_str()))
        }
        _ => None,
    }
}

pub(super) fn refused(error: &ServiceError) -> Response {
    let mut response = Problem::from(error).into_response();
    if let ServiceError::RateLimited { retry_after } = error {
        let seconds = HeaderValue::from(seconds(*retry_after));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// Whole seconds, upwards: who comes back then is not refused again.
pub(super) fn seconds(wait: std::time::Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(proxies: usize, lines: &[&'static str]) -> Origin {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        origin(&Extensions::new(), &headers, proxies)
    }

    #[test]
    fn only_what_a_trusted_proxy_wrote_is_believed() {
        let ip = |text: &str| Origin::from(text.parse::<IpAddr>().expect("an address"));
        let peer = ip("0.0.0.0");
        let line = "203.0.113.9, 198.51.100.7, 192.0.2.1";
        assert_eq!(at(0, &[line]), peer, "nobody is trusted");
        assert_eq!(at(1, &[line]), ip("192.0.2.1"));
        assert_eq!(at(2, &[line]), ip("198.51.100.7"));
        assert_eq!(
            at(2, &["203.0.113.9, 198.51.100.7", "192.0.2.1"]),
            ip("198.51.100.7")
        );
        assert_eq!(at(4, &[line]), peer, "a proxy was passed by");
        assert_eq!(at(1, &["nonsense"]), peer);
        assert_eq!(at(1, &[]), peer);
        assert_eq!(at(1, &["198.51.100.7:4711"]), ip("198.51.100.7"));
        assert_eq!(at(1, &["[2001:db8::1]"]), ip("2001:db8::1"));
        assert_eq!(at(1, &["[2001:db8::1]:80"]), ip("2001:db8::1"));
    }

    #[test]
    fn the_tenant_is_the_part_after_the_door() {
        assert_eq!(tenant_in("/embed/acme/native"), Some("acme".into()));
        assert_eq!(tenant_in("/exchange/acme/native"), Some("acme".into()));
        assert_eq!(tenant_in("/exchange/%61cme/native"), Some("acme".into()));
        assert_eq!(tenant_in("/embed/pipedrive"), None);
        assert_eq!(tenant_in("/webhooks/xero/x"), None);
    }
}
