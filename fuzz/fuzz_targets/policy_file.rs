//! Any text as a policy file and as a server file: reading never panics, and what is accepted compiles.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tailsieve::config::{policy_file, server};
use tailsieve::sampler::policy_set::PolicySet;

fuzz_target!(|text: &str| {
    let environment = |name: &str| (name.len() % 2 == 0).then(|| name.to_owned());
    match policy_file::parse("policies.yaml", text, &environment) {
        Ok(checked) => {
            let file = checked.config;
            PolicySet::compile(&file.policies, file.evaluation);
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
    if let Err(errors) = server::parse("tailsieve.yaml", text, &environment) {
        assert!(!errors.to_string().is_empty());
    }
});
