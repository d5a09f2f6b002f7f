//! Everything that is asked of Sage stands in its published description.

use std::collections::BTreeSet;

use financial_pulse::provider::AccountingProvider;
use serde_json::Value;

use super::business::{Asked, BusinessServer};
use super::ties::small_business;
use super::{ACCOUNT, Mirror, TOKEN, access, at, connector, reference, settings};
use crate::contracts;

/// Every kind of request, as made by a whole load, a poll, an open page and the choice of a business.
async fn everything_asked() -> Vec<Asked> {
    let mut business = small_business();
    business.single.insert(
        "businesses".to_owned(),
        serde_json::json!({"$total": 0, "$items": []}),
    );
    let server = BusinessServer::start(business).await;
    let provider = connector(settings(&server.url)).provider;
    let mut mirror = Mirror::load(&provider).await;
    mirror
        .read(&provider, Some(at("2026-04-01T00:00:00Z")))
        .await;
    let customer = mirror.customers.keys().next().expect("a customer");
    provider
        .customer(&access(), &reference(), customer)
        .await
        .expect("a customer");
    provider.organization(&access()).await.expect("a business");
    let choice = provider.organizations(&TOKEN.into(), None).await;
    assert_eq!(choice.expect("businesses"), []);
    server.asked()
}

#[tokio::test]
async fn every_path_parameter_and_attribute_is_in_the_published_description() {
    let Some(folder) = contracts::folder("sage") else {
        return;
    };
    let main = contracts::json(&folder.join("sage-accounting-3.1.swagger.json"));
    let businesses = contracts::json(&folder.join("sage-user-businesses-3.1.swagger.json"));
    let mut attributes_seen = 0;
    let mut paths = BTreeSet::new();
    for asked in everything_asked().await {
        let path = match asked.path.split_once('/') {
            Some((list, _)) => format!("/{list}/{{key}}"),
            None => format!("/{}", asked.path),
        };
        let described = [&main, &businesses].into_iter().find_map(|swagger| {
            let operation = &swagger["paths"][path.as_str()]["get"];
            operation.is_object().then_some((swagger, operation))
        });
        let (swagger, operation) = described.unwrap_or_else(|| panic!("no GET {path}"));
        for (name, value) in &asked.query {
            let known = parameter(swagger, operation, name)
                .unwrap_or_else(|| panic!("{path} knows no {name}"));
            match name.as_str() {
                "attributes" => {
                    let attributes = properties(swagger, operation);
                    for attribute in value.split(',') {
                        assert!(
                            attributes.contains(attribute),
                            "{path} has no attribute {attribute}"
                        );
                        attributes_seen += 1;
                    }
                }
                "sort" => {
                    let (key, _) = value.split_once(':').expect("a direction");
                    let text = known["description"].as_str().expect("a description");
                    assert!(text.contains(key), "{path} is not sorted by {key}");
                }
                _ => {}
            }
        }
        paths.insert(path);
    }
    assert!(attributes_seen > 100, "{attributes_seen}");
    assert_eq!(paths.len(), 15, "{paths:?}");
}

fn parameter<'a>(swagger: &'a Value, operation: &'a Value, name: &str) -> Option<&'a Value> {
    let parameters = operation["parameters"].as_array()?.iter();
    parameters
        .map(|parameter| match parameter["$ref"].as_str() {
            Some(path) => swagger
                .pointer(path.trim_start_matches('#'))
                .expect("a parameter"),
            None => parameter,
        })
        .find(|parameter| parameter["name"] == name && parameter["in"] == "query")
}

fn properties(swagger: &Value, operation: &Value) -> BTreeSet<String> {
    let schema = &operation["responses"]["200"]["schema"];
    let reference = schema["$ref"].as_str().or(schema["items"]["$ref"].as_str());
    let reference = reference.expect("a definition");
    let definition = swagger
        .pointer(reference.trim_start_matches('#'))
        .expect("a definition");
    let properties = definition["properties"].as_object().expect("properties");
    properties.keys().cloned().collect()
}

/// Reading a single document marks it as sent unless told not to; the lists never do.
#[tokio::test]
async fn no_document_is_ever_read_alone() {
    for asked in everything_asked().await {
        if let Some((list, _)) = asked.path.split_once('/') {
            assert!(
                ["contacts", "businesses"].contains(&list),
                "{} could mark a document as sent",
                asked.path
            );
        }
    }
}

#[tokio::test]
async fn every_call_names_its_business_but_the_choice_of_one() {
    for asked in everything_asked().await {
        let named = asked.business.as_deref();
        if asked.path == "businesses" {
            assert_eq!(named, None);
        } else {
            assert_eq!(named, Some(ACCOUNT), "{}", asked.path);
        }
    }
}
