//! What all attribute policies have: `key`, `invert_match` and `scope`.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::{AttributeConfig, Scope};

const SCOPES: [(&str, Scope); 4] = [
    ("any", Scope::Any),
    ("root", Scope::Root),
    ("resource", Scope::Resource),
    ("all", Scope::All),
];

pub(super) fn attribute<T>(settings: &mut Settings<'_>, wanted: T) -> AttributeConfig<T> {
    let mut config = AttributeConfig {
        key: String::new(),
        wanted,
        invert_match: false,
        scope: Scope::Any,
    };
    settings.set("key", &mut config.key, |key| key.text().map(str::to_owned));
    settings.set("invert_match", &mut config.invert_match, Place::boolean);
    settings.set("scope", &mut config.scope, |scope| scope.choice(&SCOPES));
    if config.key.is_empty() {
        let problem = "key is missing, so an attribute without a name is looked for";
        settings.place().warning(problem, "name the attribute");
    }
    config
}
