//! Which business a call is about.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{OTHER, REALM, Sage, grant, text};

/// The ids of the businesses, the lead first.
async fn ids(sage: &Sage) -> Vec<String> {
    let businesses = sage.items("businesses").await;
    let id = |business: &Value| text(&business["id"]).to_owned();
    businesses.iter().map(id).collect()
}

#[tokio::test]
async fn the_header_names_the_business_and_is_echoed() {
    let sage = Sage::two().await;
    let ids = ids(&sage).await;
    let mut totals = Vec::new();
    // Without the header it is the lead business.
    for (named, answers) in [(None, 0), (Some(0), 0), (Some(1), 1)] {
        let business = named.map(|index: usize| ids[index].as_str());
        let response = sage.send(Method::GET, "contacts", business).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["x-business"], ids[answers].as_str());
        assert!(!response.headers()["x_request_id"].is_empty());
        assert_eq!(response.headers()["date"], "Tue, 05 May 2026 19:00:00 GMT");
        let body: Value = response.json().await.unwrap();
        totals.push(body["$total"].as_u64().unwrap());
    }
    assert_eq!(totals[..2], [0, 0]);
    assert!(totals[2] > 0);
    // What is about no business echoes none.
    for path in ["businesses", "user"] {
        let response = sage.send(Method::GET, path, Some(&ids[1])).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get("x-business").is_none());
    }
    let lead = sage.get("businesses/lead").await;
    assert_eq!(lead, sage.get(&format!("businesses/{}", ids[0])).await);
    assert_eq!(lead["subscriptions"][0]["active"], true);
}

#[tokio::test]
async fn a_business_out_of_reach_is_refused() {
    let sage = Sage::two().await;
    let ids = ids(&sage).await;
    let given = grant(&sage.api, &[REALM.to_owned()]).await;
    let narrow = Sage {
        token: text(&given["access_token"]).to_owned(),
        ..sage
    };
    let status = async |business: &str| {
        let response = narrow.send(Method::GET, "contacts", Some(business)).await;
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        (status, body[0]["$dataCode"].clone())
    };
    assert_eq!(status(&ids[0]).await.0, StatusCode::OK);
    let denied = (StatusCode::FORBIDDEN, "MultiUserAccessDenied".into());
    assert_eq!(status(&ids[1]).await, denied);
    let unknown = (StatusCode::NOT_FOUND, "RecordNotFound".into());
    assert_eq!(status(&ids[0].replace('4', "5")).await, unknown);
    assert_eq!(status("nonsense").await, unknown);
    assert_eq!(narrow.items("businesses").await.len(), 1);
    let (refused, _) = narrow.read(&format!("businesses/{}", ids[1])).await;
    assert_eq!(refused, StatusCode::NOT_FOUND);
    // The refused calls are counted where they went.
    let counts = narrow.control(Method::GET, "/counts?format=sage", Value::Null);
    assert_eq!(counts.await[OTHER]["list contacts"], 1);
}

#[tokio::test]
async fn ids_are_of_one_business_only() {
    let sage = Sage::two().await;
    let ids = ids(&sage).await;
    let response = sage.send(Method::GET, "contacts", Some(&ids[1])).await;
    let body: Value = response.json().await.unwrap();
    let id = text(&body["$items"][0]["id"]);
    assert_eq!(id.len(), 32);
    assert!(id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    let path = format!("contacts/{id}");
    let found = sage.send(Method::GET, &path, Some(&ids[1])).await;
    assert_eq!(found.status(), StatusCode::OK);
    let elsewhere = sage.send(Method::GET, &path, Some(&ids[0])).await;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
}
