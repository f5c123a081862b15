//! A plugin's configuration given by itself: what a policy file has below `config`, in the same YAML.

use super::decode::Place;
use super::finding::Findings;
use super::yaml;
use super::{Checked, ConfigErrors};

/// The JSON that a plugin gets for `text`; `name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn to_json(name: &str, text: &str) -> Result<String, ConfigErrors> {
    let findings = Findings::new(name);
    let json = yaml::parse(text, &findings)
        .map(|root| Place::new(&root, "", &findings).json_value().to_string());
    findings.conclude(json).map(|Checked { config, .. }| config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_becomes_json_and_json_stays_it() {
        let json = |text| to_json("config", text).unwrap();
        assert_eq!(
            json("{a: [1, 2.5, yes], b: }"),
            r#"{"a":[1,2.5,"yes"],"b":null}"#
        );
        assert_eq!(json(r#"{"a": {"b": true}}"#), r#"{"a":{"b":true}}"#);
        assert_eq!(json(""), "null");
    }

    #[test]
    fn mistakes_are_told_by_their_place() {
        let errors = to_json("config", "a: 1\nb: [").unwrap_err();
        assert!(errors.to_string().starts_with("config:"), "{errors}");
    }
}
