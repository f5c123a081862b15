//! An explanation in words.

use std::fmt;

use super::{Entry, Explanation, NotAnswered, Vote};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found.is_empty() {
            writeln!(f, "trace {} is not known", self.trace_id)?;
        }
        for entry in &self.found {
            writeln!(f, "trace {}: {}", self.trace_id, headline(entry))?;
            entry.fmt(f)?;
        }
        for NotAnswered { replica, problem } in &self.not_answered {
            writeln!(
                f,
                "replica {replica} may know more, and did not answer: {problem}"
            )?;
        }
        Ok(())
    }
}

/// What became of it, or what would.
fn headline(entry: &Entry) -> String {
    let by = entry.policy.as_ref();
    let by = by.map_or_else(String::new, |policy| format!(" by policy {policy:?}"));
    match entry.state.as_str() {
        "buffered" => {
            let due = entry.due_in_seconds.unwrap_or_default();
            let decision = spaced(&entry.decision);
            format!("buffered, due in {due:.1} s; decided now it would be {decision}{by}")
        }
        "remembered" => {
            let decision = spaced(&entry.decision);
            format!(
                "decided before as {decision}, by which late spans go; why is not known any more"
            )
        }
        "dropped" if entry.decision == "not_sampled" => match entry.trigger.as_deref() {
            Some("too_large") => "given up".to_owned(),
            _ => "not kept: no policy wanted it".to_owned(),
        },
        state => format!("{state}{by}"),
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(replica) = &self.replica {
            writeln!(f, "  replica   {replica}")?;
        }
        if let Some(at) = &self.decided_at {
            let held = self.held_seconds.unwrap_or_default();
            writeln!(f, "  decided   {at}, {held:.3} s after its first span")?;
        }
        if let Some(trigger) = &self.trigger {
            writeln!(f, "  trigger   {trigger}: {}", meaning(trigger))?;
        }
        if let (Some(spans), Some(bytes)) = (self.spans, self.bytes) {
            writeln!(
                f,
                "  size      {spans} spans, {bytes} bytes, at that moment"
            )?;
        }
        if let Some(generation) = self.generation {
            writeln!(
                f,
                "  policies  generation {generation}, see /api/v1/policies"
            )?;
        }
        let width = |shown: fn(&Vote) -> usize| self.votes.iter().map(shown).max();
        let policies = width(|vote| vote.policy.chars().count()).unwrap_or_default();
        let types = width(|vote| vote.r#type.chars().count()).unwrap_or_default();
        for (index, vote) in self.votes.iter().enumerate() {
            let title = if index == 0 { "votes" } else { "" };
            let Vote {
                policy,
                r#type,
                vote,
                value,
                log,
            } = vote;
            let line =
                format!("  {title:8}  {policy:policies$}  {type:types$}  {vote:11}  {value}");
            writeln!(f, "{}", line.trim_end())?;
            for line in log {
                writeln!(f, "            log {}: {}", line.level, line.text)?;
            }
        }
        Ok(())
    }
}

fn spaced(label: &str) -> String {
    label.replace('_', " ")
}

/// What made a trace due, in words.
fn meaning(trigger: &str) -> &'static str {
    match trigger {
        "wait" => "its decision_wait was over",
        "root" => "decision_wait_after_root_received was over",
        "memory" => "memory or num_traces was used up, and it was the oldest",
        "size" => "it was too large to be waited for",
        "shutdown" => "the replica ended",
        "ingest" => "span-ingest: a batch of it was enough",
        "too_large" => "it was over maximum_trace_size_bytes; no policy was asked",
        "discarded" => "num_traces was used up; no policy was asked",
        _ => "(not known to this version)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation(entry: &str) -> String {
        let json = format!(r#"{{"trace_id":"0a","found":[{entry}]}}"#);
        let explanation: Explanation = serde_json::from_str(&json).unwrap();
        explanation.to_string()
    }

    #[test]
    fn a_kept_trace_has_policy_time_trigger_and_aligned_votes() {
        let text = explanation(
            r#"{"state":"kept","decision":"sampled","policy":"slow","trigger":"wait","decided_at":"2026-01-01T00:00:00.5Z",
            "generation":3,"held_seconds":30.0104,"spans":2,"bytes":300,"votes":[
            {"policy":"errors","type":"status_code","vote":"not_sampled","value":"UNSET"},
            {"policy":"slow","type":"latency","vote":"sampled","value":"1200 ms"},{"policy":"x","type":"drop","vote":"not_asked","log":[{"level":"warn","text":"of late"}]}]}"#,
        );
        let lines = [
            "trace 0a: kept by policy \"slow\"",
            "  decided   2026-01-01T00:00:00.5Z, 30.010 s after its first span",
            "  trigger   wait: its decision_wait was over",
            "  size      2 spans, 300 bytes, at that moment",
            "  policies  generation 3, see /api/v1/policies",
            "  votes     errors  status_code  not_sampled  UNSET",
            "            slow    latency      sampled      1200 ms",
            "            x       drop         not_asked",
            "            log warn: of late",
            "",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn each_state_has_its_words() {
        let says = |entry: &str, words: &str| {
            let text = explanation(entry);
            assert!(text.contains(words), "{text}");
        };
        says(
            r#"{"state":"buffered","decision":"not_sampled","due_in_seconds":12.34}"#,
            "buffered, due in 12.3 s; decided now it would be not sampled\n",
        );
        says(
            r#"{"state":"remembered","decision":"sampled"}"#,
            "decided before as sampled, by which late spans go",
        );
        says(
            r#"{"state":"dropped","decision":"not_sampled","policy":null}"#,
            "not kept: no policy wanted it",
        );
        says(
            r#"{"state":"dropped","decision":"dropped","policy":"health"}"#,
            "dropped by policy \"health\"",
        );
        says(
            r#"{"state":"dropped","decision":"not_sampled","trigger":"too_large"}"#,
            "given up\n  trigger   too_large: it was over maximum_trace_size_bytes",
        );
    }
}
