//! The policies in force, and how others take their place while traces flow (contract I7).
//!
//! One attempt at a time: read the source, parse, compile, all on a thread that may wait; then tell every shard, wait
//! until all have heard, and only then say that the new set is in force. A shard decides each trace by one set, whole.
//! What is wrong changes nothing but what is told about it.

mod page;
mod swap;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

pub(super) use page::PoliciesSource;
pub(super) use swap::Shards;
pub(super) use watch::start as start_watching;

use crate::buffer::shard::ActivePolicies;
use crate::clock::Clock;
use crate::config::environment;
use crate::config::policy_source::{Known, Loaded, Rejected, Snapshot};
use crate::config::{PolicyFile, PolicySource};
use crate::metrics::{PoliciesMetrics, Registry};
use crate::sampler::policy_set::{PluginState, PolicySet};
use page::{ActivePage, RejectedPage};

/// Errors of a rejected set that are logged; the page has them all.
const ERRORS_LOGGED_MAX: usize = 20;

/// Puts policies in force. Clones are the same.
#[derive(Clone)]
pub struct Reloader(Arc<Parts>);

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The source says what is in force already.
    Unchanged,
    /// A new set is in force, in all shards.
    InForce,
    /// The source cannot be used; the set in force stays.
    Rejected,
}

/// What made us look at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The file changed, or may have.
    Watch,
    /// A signal.
    Signal,
    /// A request to the admin port.
    Request,
}

struct Parts {
    source: PolicySource,
    registry: Registry,
    metrics: PoliciesMetrics,
    shards: Shards,
    clock: Clock,
    /// Whether the source is one that can change: a file or a folder.
    can_change: bool,
    state: ArcSwap<State>,
    /// Held by the attempt under way.
    attempt: Arc<Mutex<()>>,
}

/// What is in force, and what last failed to be; both change together.
#[derive(Clone)]
struct State {
    policies: Arc<ActivePolicies>,
    active: Arc<ActivePage>,
    /// Until something else is read.
    rejected: Option<Arc<RejectedPage>>,
}

impl Reloader {
    /// Compiles the first set, which the shards are to start with: [`Reloader::policies`].
    pub(super) fn new(
        source: PolicySource,
        loaded: Loaded,
        shards: Shards,
        registry: &Registry,
        clock: &Clock,
    ) -> Self {
        let policies = compile(&loaded.file, None, registry);
        let now_unix_ns = clock.unix_ns();
        let metrics = registry.policies();
        tell_in_force(&metrics, 1, now_unix_ns);
        let state = State {
            policies,
            active: Arc::new(ActivePage::new(1, &source, loaded, now_unix_ns)),
            rejected: None,
        };
        let path = source.0.as_deref();
        Self(Arc::new(Parts {
            can_change: path.is_some_and(|path| path.is_file() || path.is_dir()),
            source,
            registry: registry.clone(),
            metrics,
            shards,
            clock: clock.clone(),
            state: ArcSwap::from_pointee(state),
            attempt: Arc::default(),
        }))
    }

    /// The set in force.
    #[must_use]
    pub fn policies(&self) -> Arc<ActivePolicies> {
        Arc::clone(&self.0.state.load().policies)
    }

    /// The first 64 bits of the hash of what is in force, for replicas to compare.
    #[must_use]
    pub fn short_hash(&self) -> u64 {
        let state = self.0.state.load();
        let hash = state.active.hash.get(..16).unwrap_or_default();
        u64::from_str_radix(hash, 16).unwrap_or_default()
    }

    /// Reads the source, and puts what it says in force unless it is already. Returns when that is done.
    pub async fn reload(&self, trigger: Trigger) -> Reload {
        self.attempt(trigger, None).await
    }

    /// Puts policies in force as if they had been read, without waiting until the shards have heard of it.
    #[cfg(test)]
    pub(super) fn put_in_force(&self, loaded: Loaded) -> Reload {
        let state = self.0.state.load_full();
        let tell = |shards: &Shards, policies: &_| drop(shards.tell(policies));
        self.0.put_in_force(loaded, &state, Trigger::Request, tell)
    }

    /// The same; only if the source still has this hash, where one is given. It is read again, since another attempt may
    /// have found something newer meanwhile. A caller that goes away does not end the attempt.
    async fn attempt(&self, trigger: Trigger, only_hash: Option<String>) -> Reload {
        if !self.0.can_change {
            tracing::info!(
                "policies that are built in, or were read from a pipe, stay as they are"
            );
            return Reload::Unchanged;
        }
        let only_one = Arc::clone(&self.0.attempt).lock_owned().await;
        let parts = Arc::clone(&self.0);
        let attempt = tokio::task::spawn_blocking(move || {
            let _only_one = only_one;
            let snapshot = parts.state.load().snapshot(&parts.source);
            if only_hash.is_some_and(|hash| hash != snapshot.hash) {
                return Reload::Unchanged;
            }
            parts.take(snapshot, trigger)
        });
        attempt.await.unwrap_or(Reload::Rejected)
    }
}

impl State {
    /// What stands at `source` now.
    fn snapshot(&self, source: &PolicySource) -> Snapshot {
        let rejected = self.rejected.as_ref().map(|rejected| &rejected.modules);
        let known: Vec<&Known> = rejected.into_iter().chain([&self.active.modules]).collect();
        Snapshot::of(source, &known)
    }

    /// The files that were read last, in force or not, modules included.
    fn files(&self) -> Vec<PathBuf> {
        let rejected = self.rejected.as_ref().map(|rejected| &rejected.modules);
        let modules = rejected.into_iter().chain([&self.active.modules]);
        let modules = modules.flat_map(Known::paths).map(Path::to_owned);
        self.active.files.iter().cloned().chain(modules).collect()
    }

    /// What was read last, in force or not.
    fn hash(&self) -> &str {
        let rejected = self.rejected.as_ref().map(|rejected| &rejected.hash);
        rejected.unwrap_or(&self.active.hash)
    }
}

impl Parts {
    fn take(&self, snapshot: Snapshot, trigger: Trigger) -> Reload {
        let state = self.state.load_full();
        if trigger == Trigger::Watch && snapshot.hash == state.hash() {
            return Reload::Unchanged;
        }
        if snapshot.hash == state.active.hash {
            self.state.store(Arc::new(State {
                rejected: None,
                ..State::clone(&state)
            }));
            self.metrics.last_reload_successful.set(1.0);
            let generation = state.policies.generation;
            tracing::info!(generation, ?trigger, "the policies in force are unchanged");
            return Reload::Unchanged;
        }
        match snapshot.parse(&environment::of_process) {
            Ok(loaded) => self.put_in_force(loaded, &state, trigger, Shards::swap),
            Err(rejected) => self.reject(rejected, &state),
        }
    }

    fn put_in_force(
        &self,
        loaded: Loaded,
        state: &State,
        trigger: Trigger,
        swap: impl Fn(&Shards, &Arc<ActivePolicies>),
    ) -> Reload {
        let policies = compile(&loaded.file, Some(&state.policies), &self.registry);
        let generation = policies.generation;
        swap(&self.shards, &policies);
        let now_unix_ns = self.clock.unix_ns();
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let active = ActivePage::new(generation, &self.source, loaded, now_unix_ns);
        tracing::info!(
            generation,
            hash = active.hash,
            ?trigger,
            "new policies are in force"
        );
        self.state.store(Arc::new(State {
            policies,
            active: Arc::new(active),
            rejected: None,
        }));
        self.metrics.reloads.increment(1);
        tell_in_force(&self.metrics, generation, now_unix_ns);
        Reload::InForce
    }

    fn reject(&self, rejected: Rejected, state: &State) -> Reload {
        self.metrics.reload_failures.increment(1);
        self.metrics.last_reload_successful.set(0.0);
        // What was said about this very content is not said again.
        if rejected.hash != state.hash() {
            let generation = state.policies.generation;
            let errors = &rejected.errors.errors;
            for error in errors.iter().take(ERRORS_LOGGED_MAX) {
                tracing::error!(
                    generation,
                    "policies rejected, those in force stay: {error}"
                );
            }
            if errors.len() > ERRORS_LOGGED_MAX {
                tracing::error!(errors = errors.len(), "these were the first errors");
            }
        }
        let page = RejectedPage::new(rejected, self.clock.unix_ns());
        self.state.store(Arc::new(State {
            rejected: Some(Arc::new(page)),
            ..state.clone()
        }));
        Reload::Rejected
    }
}

/// The only place where policies are compiled; `previous` is what they take the place of.
fn compile(
    file: &PolicyFile,
    previous: Option<&ActivePolicies>,
    registry: &Registry,
) -> Arc<ActivePolicies> {
    let before = previous.map(|previous| &previous.set);
    let set = PolicySet::compile_after(&file.policies, file.evaluation, before);
    tell_of_plugins(before, &set);
    let generation = previous.map_or(1, |previous| previous.generation + 1);
    Arc::new(ActivePolicies::new(generation, set, file.windows, registry))
}

/// Logs the plugins that `before` did not have.
fn tell_of_plugins(before: Option<&PolicySet>, set: &PolicySet) {
    for PluginState { policy, plugin, .. } in set.plugins() {
        let (sha256, version) = (plugin.sha256(), plugin.version());
        let mut old = before.into_iter().flat_map(PolicySet::plugins);
        if !old.any(|old| old.policy == policy && old.plugin.sha256() == sha256) {
            let load_seconds = plugin.load_ns() as f64 / 1e9;
            tracing::info!(policy, sha256, version, load_seconds, "a plugin is loaded");
        }
    }
}

fn tell_in_force(metrics: &PoliciesMetrics, generation: u64, now_unix_ns: u64) {
    metrics.generation.set(generation as f64);
    metrics.last_reload_successful.set(1.0);
    let seconds = now_unix_ns as f64 / 1e9;
    metrics.last_reload_timestamp_seconds.set(seconds);
}
