//! Of recorded traces, those are kept that the collector kept with the same policy file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use tailsieve::config::policy_file;

use crate::support::files::read_lines;
use crate::support::recorded::{self, data_file};
use crate::support::replica::Replica;
use crate::support::shard::{ShardInHand, count_by_trace};

/// Policy files in the recording.
const RECORDINGS: usize = 20;

/// What the collector did with one policy file.
#[derive(Deserialize)]
struct Recording {
    id: String,
    input: String,
    config: String,
    #[serde(default)]
    order_dependent: bool,
    kept: BTreeSet<String>,
}

#[tokio::test]
async fn the_collectors_decisions_are_ours() {
    let Some(path) = data_file("recorded_decisions.jsonl.gz") else {
        return;
    };
    let mut recordings = 0;
    for line in read_lines(&path) {
        let recording: Recording = serde_json::from_str(&line).unwrap();
        let file = policy_file::parse(&recording.id, &recording.config, &|_| None).unwrap();
        recordings += 1;
        let requests = recorded::read(&data_file(&recording.input).unwrap());
        let spans_sent = count_by_trace(&recorded::decoded(&requests));
        let kept = if recording.order_dependent {
            let mut shard = ShardInHand::new(&file.config);
            requests
                .into_iter()
                .for_each(|request| shard.send(request.protobuf));
            // A limiter must not fill up between the first trace and the last.
            shard.pass(file.config.windows.decision_wait + Duration::from_secs(1));
            shard.pass(Duration::from_secs(1));
            shard.released()
        } else {
            run(&recording.config, &requests).await
        };
        let ids: BTreeSet<String> = kept.keys().cloned().collect();
        assert_eq!(ids, recording.kept, "{}", recording.id);
        for (id, spans) in kept {
            assert_eq!(spans, spans_sent[&id], "{}: {id} is whole", recording.id);
        }
    }
    assert_eq!(recordings, RECORDINGS);
}

/// Spans that came out of a replica, by trace. Decided at its end, so that all of a trace is there.
async fn run(policy_file: &str, requests: &[recorded::Recorded]) -> BTreeMap<String, usize> {
    let policy_file = policy_file.replace("decision_wait: 1s", "decision_wait: 1h");
    let replica = Replica::start("shards: 1", &policy_file).await;
    let client = replica.client().await;
    for request in requests {
        let answer = client.try_export(&request.protobuf).await.unwrap();
        assert_eq!(answer.message().len(), 0);
    }
    count_by_trace(&replica.stop().await.kept)
}
