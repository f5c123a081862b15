//! Browsers: answers carry CORS headers only where an origin is configured.

use std::time::Duration;

use http::Method;

use super::support::*;
use crate::receiver::config::CorsConfig;

const ORIGIN: &str = "https://shop.example.com";

async fn with_cors(change: impl FnOnce(&mut CorsConfig)) -> Fixture {
    let mut cors = CorsConfig {
        allowed_origins: vec!["https://*.example.com".to_owned()],
        ..CorsConfig::default()
    };
    change(&mut cors);
    Fixture::configured(|config| config.http.as_mut().unwrap().cors = Some(cors)).await
}

async fn preflight(fixture: &Fixture, origin: &str) -> reqwest::Response {
    client()
        .request(Method::OPTIONS, fixture.url("/v1/traces"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-tenant")
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn cors_is_off_by_default() {
    let fixture = Fixture::start().await;
    let answer = preflight(&fixture, ORIGIN).await;
    assert_eq!(answer.status(), 405);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let post = fixture
        .post("application/json", "{}")
        .header("origin", ORIGIN);
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_is_told_what_it_may_send() {
    let fixture = with_cors(|cors| {
        cors.allowed_headers = vec!["x-tenant".to_owned()];
        cors.max_age = Some(Duration::from_secs(600));
    })
    .await;
    let answer = preflight(&fixture, ORIGIN).await;
    assert_eq!(answer.status(), 204);
    let headers = answer.headers();
    assert_eq!(headers["access-control-allow-origin"], ORIGIN);
    assert_eq!(headers["access-control-allow-methods"], "POST");
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("content-type") && allowed.contains("x-tenant"));
    assert_eq!(headers["access-control-max-age"], "600");
    assert_eq!(headers["vary"], "origin");
}

#[tokio::test]
async fn any_header_may_be_allowed() {
    let fixture = with_cors(|cors| cors.allowed_headers = vec!["*".to_owned()]).await;
    let answer = preflight(&fixture, ORIGIN).await;
    let allowed = &answer.headers()["access-control-allow-headers"];
    assert_eq!(allowed, "content-type,x-tenant");
}

#[tokio::test]
async fn answers_and_refusals_are_readable_for_an_allowed_origin_and_no_other() {
    let fixture = with_cors(|_| {}).await;
    for (body, code) in [("{}", 200), ("{", 400)] {
        let post = fixture
            .post("application/json", body)
            .header("origin", ORIGIN);
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), code);
        assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    }
    let elsewhere = "https://example.org";
    let answer = preflight(&fixture, elsewhere).await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let post = fixture
        .post("application/json", "{}")
        .header("origin", elsewhere);
    let answer = post.send().await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}
