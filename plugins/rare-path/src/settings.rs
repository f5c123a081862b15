//! `config` of the policy file.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// So many traces of each shape are kept.
    pub keep_first: u8,
    /// Share that is kept of the others.
    pub share_of_known: f64,
    /// After as many traces shapes begin to be forgotten, and after twice as many they are, unless they came again.
    pub forget_after_traces: u32,
    /// Whether a failed span is another than one that succeeded.
    pub errors: bool,
    /// Larger traces are left to other policies: reading them takes too long.
    pub spans_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_first: 3,
            share_of_known: 0.0,
            forget_after_traces: 100_000,
            errors: true,
            spans_max: 5_000,
        }
    }
}

impl Settings {
    /// Reads JSON. The error is shown at the policy's place in its file.
    pub fn parse(json: &str) -> Result<Self, String> {
        // A list would be taken for the fields in their order.
        if !json.trim_start().starts_with(['{', 'n']) {
            return Err("config is no mapping; write config: {keep_first: 3}".to_owned());
        }
        let settings: Option<Self> =
            serde_json::from_str(json).map_err(|error| error.to_string())?;
        let settings = settings.unwrap_or_default();
        if settings.keep_first == 0 {
            return Err("keep_first is at least 1: else nothing would be kept".to_owned());
        }
        if !(0.0..=1.0).contains(&settings.share_of_known) {
            return Err("share_of_known is not from 0 to 1".to_owned());
        }
        if settings.forget_after_traces < 100 {
            return Err("forget_after_traces is at least 100".to_owned());
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_config_the_defaults_hold() {
        assert_eq!(Settings::parse("null").unwrap().keep_first, 3);
        assert_eq!(Settings::parse("{}").unwrap().spans_max, 5_000);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for wrong in [
            r#"{"keep_first": 0}"#,
            r#"{"keep_first": 300}"#,
            r#"{"share_of_known": 1.5}"#,
            r#"{"forget_after_traces": 1}"#,
            r#"{"keepfirst": 1}"#,
        ] {
            assert!(Settings::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_told_what_is_right() {
        for wrong in ["[3]", "5", r#""x""#] {
            let error = Settings::parse(wrong).err().unwrap();
            assert!(error.ends_with("write config: {keep_first: 3}"), "{wrong}: {error}");
        }
    }
}
