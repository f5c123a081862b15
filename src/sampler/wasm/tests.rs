//! Plugins as guests in WAT: what they see, what they may not do, and that they cannot.

mod hostile;
mod refused;
mod seats;
mod sees;

use super::*;
use crate::clock::Moment;
use crate::sampler::test_support::{TraceFixture, guest};

fn load(bytes: &[u8]) -> Result<Plugin, LoadError> {
    load_with(bytes, "null", Limits::default())
}

fn load_with(bytes: &[u8], config: &str, limits: Limits) -> Result<Plugin, LoadError> {
    Plugin::load(bytes, config.to_owned(), limits, &|| Moment(0))
}

/// What a plugin says about a trace.
fn says(bytes: &[u8], trace: &TraceFixture) -> Result<Verdict, Failure> {
    let plugin = load(bytes).unwrap();
    plugin.instance().unwrap().evaluate(&trace.view())
}
