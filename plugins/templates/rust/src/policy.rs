//! The policy: keeps traces that cross many services, which is where things go wrong between teams.
//!
//! It knows nothing of Tailsieve but the verdict, so `cargo test` tests it without one.

use serde::Deserialize;

use crate::Verdict;

/// `config` of the policy file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Traces of as many services or more are kept.
    min_services: usize,
    /// Failed traces need this many only.
    #[serde(default)]
    min_services_of_errors: Option<usize>,
}

/// What is looked at of a trace.
pub struct Facts {
    pub services: usize,
    pub has_error: bool,
}

impl Settings {
    /// Reads JSON. The error is shown at the policy's place in its file.
    pub fn parse(json: &str) -> Result<Self, String> {
        // A list would be taken for the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err("config is no mapping; write config: {min_services: 4}".to_owned());
        }
        let settings: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if settings.min_services < 2 {
            return Err("min_services is at least 2: every trace has one".to_owned());
        }
        Ok(settings)
    }
}

/// The verdict on a trace.
pub fn decide(settings: &Settings, facts: &Facts) -> Verdict {
    let of_errors = settings.min_services_of_errors.filter(|_| facts.has_error);
    if facts.services >= of_errors.unwrap_or(settings.min_services) {
        Verdict::Sample
    } else {
        Verdict::Abstain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(services: usize, has_error: bool) -> bool {
        let settings = r#"{"min_services": 4, "min_services_of_errors": 2}"#;
        let settings = Settings::parse(settings).unwrap();
        let verdict = decide(&settings, &Facts { services, has_error });
        matches!(verdict, Verdict::Sample)
    }

    #[test]
    fn wide_traces_are_kept() {
        assert!(keeps(4, false));
        assert!(!keeps(3, false));
    }

    #[test]
    fn failed_traces_need_fewer_services() {
        assert!(keeps(2, true));
        assert!(!keeps(1, true));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for wrong in ["null", "{}", r#"{"min_services": 1}"#, r#"{"min_service": 4}"#] {
            assert!(Settings::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_told_what_is_right() {
        for wrong in ["null", "[5]", "5", r#""x""#] {
            let error = Settings::parse(wrong).unwrap_err();
            assert!(error.ends_with("write config: {min_services: 4}"), "{wrong}: {error}");
        }
    }
}
