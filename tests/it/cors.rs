//! Browsers may send from the origins that are allowed, and from none unless that is configured.

use crate::support::http::{self, HttpAnswer};
use crate::support::replica::{KEEP_ALL, Replica};

const ALLOWED: &str = "\
receivers:
  otlp:
    protocols:
      http:
        cors: {allowed_origins: [\"https://*.example.com\"], allowed_headers: [x-tenant], max_age: 600}
";

async fn preflight(replica: &Replica, origin: &str) -> HttpAnswer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
    ];
    http::request(replica.http, "OPTIONS", "/v1/traces", &headers, b"").await
}

#[tokio::test]
async fn an_allowed_origin_gets_an_answer_that_its_browser_accepts() {
    let replica = Replica::start(ALLOWED, KEEP_ALL).await;
    let origin = "https://app.example.com";
    let answer = preflight(&replica, origin).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("x-tenant")
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("POST")
    );
    assert_eq!(answer.header("access-control-max-age"), "600");
    let answer = http::post(replica.http, &[http::JSON, ("origin", origin)], "{}").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    let refused = http::post(replica.http, &[http::JSON, ("origin", origin)], "{").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("access-control-allow-origin"), origin);
    replica.stop().await;
}

#[tokio::test]
async fn any_other_origin_gets_none() {
    let allowing = Replica::start(ALLOWED, KEEP_ALL).await;
    let by_default = Replica::start("", KEEP_ALL).await;
    for (replica, origin) in [
        (&allowing, "https://example.com.evil.net"),
        (&allowing, "http://app.example.com"),
        (&by_default, "https://app.example.com"),
    ] {
        let answer = preflight(replica, origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        let answer = http::post(replica.http, &[http::JSON, ("origin", origin)], "{}").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    allowing.stop().await;
    by_default.stop().await;
}
