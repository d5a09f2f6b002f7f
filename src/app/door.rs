//! What the settings say of the doors: the listener, the GraphQL route, and how often anyone may ask.

use std::path::Path;

use anyhow::Context;

use crate::config::{Config, IntrospectionPolicy, TrustedDocumentsPolicy};
use crate::graphql::trusted::TrustedDocuments;
use crate::graphql::{Introspection, SchemaSettings};
use crate::http::graphql::EndpointSettings;
use crate::http::rates::RateSettings;
use crate::http::server::ServerLimits;
use crate::http::widget;

/// What a connection may take.
pub(super) fn server_limits(config: &Config) -> anyhow::Result<ServerLimits> {
    let server = &config.server;
    Ok(ServerLimits {
        max_connections: usize::try_from(server.max_connections.get())?,
        header_timeout: server.header_timeout,
        max_header_bytes: usize::try_from(server.max_header_bytes.0)?,
        write_timeout: server.write_timeout,
    })
}

/// How often anyone may ask.
pub(super) fn rates(config: &Config) -> anyhow::Result<RateSettings> {
    let limits = &config.limits;
    Ok(RateSettings {
        person_operations: limits.person_operations_per_minute,
        tenant_operations: limits.tenant_operations_per_minute,
        tenant_sign_ins: limits.tenant_sign_ins_per_minute,
        address_requests: limits.address_requests_per_minute,
        address_failures: limits.address_failures_per_minute,
        sockets: usize::try_from(limits.sockets_per_person.get())?,
    })
}

/// What a document may cost.
pub(super) fn schema_settings(config: &Config) -> anyhow::Result<SchemaSettings> {
    let graphql = &config.graphql;
    Ok(SchemaSettings {
        max_depth: usize::try_from(graphql.max_depth.get())?,
        max_complexity: usize::try_from(graphql.max_complexity.get())?,
        max_page: usize::try_from(graphql.max_page.get())?,
        suggestions: graphql.introspection == IntrospectionPolicy::On,
    })
}

/// What the GraphQL route allows.
pub(super) fn endpoint_settings(config: &Config) -> anyhow::Result<EndpointSettings> {
    let (server, graphql) = (&config.server, &config.graphql);
    let comes_by_https = server.public_url.url().scheme() == "https";
    Ok(EndpointSettings {
        max_body_bytes: usize::try_from(graphql.max_body_bytes.0)?,
        timeout: graphql.timeout,
        answer_bytes: config.cache.answer_bytes.0,
        max_depth: usize::try_from(graphql.max_depth.get())?,
        introspection: match graphql.introspection {
            IntrospectionPolicy::Off => Introspection::Off,
            IntrospectionPolicy::Admin => Introspection::Admin,
            IntrospectionPolicy::On => Introspection::On,
        },
        trusted: trusted_documents(config)?,
        trusted_proxies: usize::try_from(server.trusted_proxies)?,
        transport_security: comes_by_https.then_some(server.hsts_max_age),
        ..EndpointSettings::default()
    })
}

/// The documents of the built widget, and those of the operator's folder.
fn trusted_documents(config: &Config) -> anyhow::Result<TrustedDocuments> {
    let only = config.graphql.trusted_documents == TrustedDocumentsPolicy::Only;
    let mut trusted = TrustedDocuments::new(only);
    if let Some(manifest) = widget::operations() {
        trusted
            .add_manifest(&manifest)
            .context("the widget's operations.json")?;
    }
    if let Some(folder) = &config.graphql.trusted_documents_folder {
        add_folder(&mut trusted, folder)
            .with_context(|| format!("{} (graphql.trusted_documents_folder)", folder.display()))?;
    }
    if only && trusted.is_empty() {
        tracing::warn!(
            "only trusted documents are executed and none is known: build the widget, or set \
             graphql.trusted_documents_folder"
        );
    }
    Ok(trusted)
}

fn add_folder(trusted: &mut TrustedDocuments, folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = || path.display().to_string();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("graphql") => trusted.add(std::fs::read_to_string(&path).with_context(name)?),
            Some("json") => trusted
                .add_manifest(&std::fs::read(&path).with_context(name)?)
                .with_context(name)?,
            _ => {}
        }
    }
    Ok(())
}
