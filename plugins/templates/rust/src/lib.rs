//! Where Tailsieve calls: reads what the policy needs to know of a trace. What it makes of that is in `policy`.

mod policy;

use std::sync::OnceLock;

use policy::{Facts, Settings};
use tailsieve::policy::host::{Level, log};

wit_bindgen::generate!({ path: "wit", world: "sampling-policy" });

/// Set once: `configure` is called before anything else.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

struct Plugin;

export!(Plugin);

impl Guest for Plugin {
    fn configure(config: String) -> Result<(), String> {
        let settings = Settings::parse(&config)?;
        SETTINGS
            .set(settings)
            .map_err(|_| "configured twice".to_owned())
    }

    fn evaluate(trace: &Trace) -> Verdict {
        let Some(settings) = SETTINGS.get() else {
            return Verdict::Abstain;
        };
        let facts = Facts {
            services: trace.services().len(),
            has_error: trace.has_error(),
        };
        let verdict = policy::decide(settings, &facts);
        if matches!(verdict, Verdict::Sample) {
            log(Level::Debug, &format!("{} services", facts.services));
        }
        verdict
    }
}
