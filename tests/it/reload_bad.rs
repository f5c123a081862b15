//! Invalid policies change nothing, and everybody is told where they are wrong.

use std::fs;

use crate::support::policies::keep_all_named;
use crate::support::replica::{Ended, Replica};
use crate::support::spans::{identifiers, request, span};

const BAD: &str = "decision_wait: 1s\npolicies:\n  - name: a\n    type: latncy\n";
const REJECTED: &str = "policies rejected, those in force stay";

/// Ends a replica that had nothing to complain about but policies.
async fn end(replica: Replica) -> Ended {
    replica.signal("TERM");
    let ended = replica.ended().await;
    assert_eq!(ended.exit_code, Some(0), "{:#?}", ended.log);
    for event in ended.log.iter().filter(|event| event["level"] == "ERROR") {
        let message = event["message"].as_str().unwrap();
        assert!(message.starts_with(REJECTED), "{event}");
    }
    ended
}

async fn reload_metrics(replica: &Replica) -> (f64, f64, f64, f64) {
    (
        replica.metric("tailsieve_policies_generation").await,
        replica.metric("tailsieve_policies_reloads_total").await,
        replica
            .metric("tailsieve_policies_reload_failures_total")
            .await,
        replica
            .metric("tailsieve_policies_last_reload_successful")
            .await,
    )
}

#[tokio::test]
async fn an_invalid_file_keeps_the_policies_in_force_and_is_shown_with_its_place() {
    let replica = Replica::start("", &keep_all_named("good")).await;
    let before = replica.policies().await.active;
    assert_eq!(reload_metrics(&replica).await, (1.0, 0.0, 0.0, 1.0));
    let file = replica.folder().join("policies.yaml");
    fs::write(&file, BAD).unwrap();
    let (active, rejected) = replica.policies_rejected().await;
    assert_eq!((active.generation, active.names()), (1, vec!["good"]));
    assert_eq!((&active.hash, &active.since), (&before.hash, &before.since));
    assert_ne!(rejected.hash, before.hash);
    assert_eq!(rejected.files, ["policies.yaml"]);
    assert!(rejected.at >= before.since, "{rejected:#?}");
    let [error] = &rejected.errors[..] else {
        panic!("{rejected:#?}");
    };
    assert_eq!(
        (error.file.as_str(), error.line, error.column),
        ("policies.yaml", Some(4), Some(11))
    );
    assert_eq!(error.key, "policies[0].type");
    assert!(error.problem.contains("latncy"), "{error:?}");
    assert!(error.advice.contains("latency"), "{error:?}");
    assert_eq!(reload_metrics(&replica).await, (1.0, 0.0, 1.0, 0.0));
    assert!(replica.has_logged("policies.yaml:4:11"));
    // The replica works on as it did.
    let client = replica.client().await;
    let sent = request(vec![span(1, 1)]);
    client.export(&sent).await.message();
    fs::write(&file, keep_all_named("better")).unwrap();
    let policies = replica.policies_in_force(&["better"]).await;
    assert!(policies.rejected.is_none());
    assert_eq!(reload_metrics(&replica).await, (2.0, 1.0, 1.0, 1.0));
    assert_eq!(identifiers(&end(replica).await.kept), identifiers([&sent]));
}

#[tokio::test]
async fn a_request_to_reload_an_invalid_file_is_answered_with_its_errors_and_logged_once() {
    let replica = Replica::start("", &keep_all_named("good")).await;
    fs::write(replica.folder().join("policies.yaml"), BAD).unwrap();
    for _ in 0..3 {
        let (status, policies) = replica.reload().await;
        assert_eq!((status, policies.active.names()), (422, vec!["good"]));
        let rejected = policies.rejected.unwrap();
        assert_eq!(rejected.errors[0].line, Some(4));
    }
    assert_eq!(replica.times_logged(REJECTED), 1);
    assert!(
        replica
            .metric("tailsieve_policies_reload_failures_total")
            .await
            >= 3.0
    );
    end(replica).await;
}

#[tokio::test]
async fn going_back_to_what_is_in_force_takes_the_rejection_away() {
    let replica = Replica::start("", &keep_all_named("good")).await;
    let file = replica.folder().join("policies.yaml");
    fs::write(&file, BAD).unwrap();
    assert_eq!(replica.reload().await.0, 422);
    fs::write(&file, keep_all_named("good")).unwrap();
    let (status, policies) = replica.reload().await;
    assert_eq!((status, policies.active.generation), (200, 1));
    assert!(policies.rejected.is_none());
    assert_eq!(
        replica
            .metric("tailsieve_policies_last_reload_successful")
            .await,
        1.0
    );
    end(replica).await;
}

#[tokio::test]
async fn a_file_that_is_gone_keeps_the_policies_in_force_until_it_is_back() {
    let replica = Replica::start("", &keep_all_named("good")).await;
    let file = replica.folder().join("policies.yaml");
    fs::remove_file(&file).unwrap();
    let (active, rejected) = replica.policies_rejected().await;
    assert_eq!(active.names(), ["good"]);
    assert!(
        rejected.errors[0].problem.contains("cannot be read"),
        "{rejected:#?}"
    );
    fs::write(&file, keep_all_named("back")).unwrap();
    replica.policies_in_force(&["back"]).await;
    end(replica).await;
}
