//! What is told of what several replicas know.

use super::*;
use crate::batch::replica::ReplicaId;
use crate::buffer::shard::Known;

fn trace_id() -> TraceId {
    TraceId([7; 16])
}

fn said(replica: &str, entry: &str) -> (ReplicaId, Map<String, Value>) {
    let replica = ReplicaId::new(replica).unwrap();
    (replica, serde_json::from_str(entry).unwrap())
}

fn remembered() -> Entry {
    super::super::entry(Known::Remembered(
        crate::sampler::precedence::Decision::Sampled,
    ))
}

fn json(here: Vec<Entry>, found: Vec<(ReplicaId, Map<String, Value>)>) -> Value {
    let elsewhere = Elsewhere {
        found,
        not_answered: Vec::new(),
    };
    let own_id = Some("a".to_owned());
    serde_json::to_value(page(trace_id(), None, own_id, here, elsewhere)).unwrap()
}

#[test]
fn a_decision_with_its_votes_takes_the_place_of_one_that_is_only_remembered() {
    let kept = said("b", r#"{"state":"kept","decision":"sampled","votes":[]}"#);
    let page = json(vec![remembered()], vec![kept]);
    let expected = r#"[{"replica":"b","state":"kept","decision":"sampled","votes":[]}]"#;
    assert_eq!(
        page["found"],
        serde_json::from_str::<Value>(expected).unwrap()
    );
}

#[test]
fn what_several_only_remember_is_told_once() {
    let other = said("b", r#"{"state":"remembered","decision":"sampled"}"#);
    let page = json(vec![remembered()], vec![other]);
    let expected = r#"[{"replica":"a","state":"remembered","decision":"sampled"}]"#;
    assert_eq!(
        page["found"],
        serde_json::from_str::<Value>(expected).unwrap()
    );
}

#[test]
fn a_replica_alone_says_nothing_of_a_cluster() {
    let alone = page(
        trace_id(),
        None,
        None,
        vec![remembered()],
        Elsewhere::default(),
    );
    let json = serde_json::to_value(alone).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["found", "trace_id"]);
    assert_eq!(json["found"][0].as_object().unwrap().len(), 2);
}
