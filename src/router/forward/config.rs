//! What forwarding goes by.

use std::sync::Arc;
use std::time::Duration;

use crate::batch::peer::hello::{Nonce, Secret};

/// Settings of the sending side of the peer port.
#[derive(Clone)]
pub struct ForwardConfig {
    /// `cluster.name`.
    pub cluster: String,
    /// `cluster.secret_file`.
    pub secret: Secret,
    /// Connections to each destination. Default 2.
    pub connections: u32,
    /// Size at which a frame takes no more spans, in bytes; a larger span has a frame of its own. Default 1 MiB.
    pub frame_bytes: usize,
    /// Frames sent to a destination and not answered, at most. Default 8.
    pub frames_in_flight_max: usize,
    /// What waits for a destination or is in flight to it, at most, in bytes. Default 32 MiB.
    pub destination_bytes_max: u64,
    /// Whether payloads travel as lz4 blocks. Default no: it costs more than it saves on networks of today.
    pub is_compressed: bool,
    /// Age at which spans that no replica took are given up and their clients told to retry. Default 10 s.
    pub deadline: Duration,
    /// Silence about a frame after which its connection counts as broken. Default 5 s.
    pub answer_timeout: Duration,
    /// Time without a connection after which a destination counts as out of reach. Default 1 s.
    pub unreachable_after: Duration,
    /// Wait before the first retry; each further one doubles it. Default 20 ms.
    pub retry_min: Duration,
    /// Longest wait before a retry. Default 1 s.
    pub retry_max: Duration,
    /// Time for which a stray copy of a frame may still arrive somewhere. Default 60 s.
    pub stray_time: Duration,
    /// Draws the share of a wait, 0 to 1, that is added to its other half.
    pub draw_jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Draws numbers that are used once; must not be foreseeable.
    pub draw_nonce: fn() -> Nonce,
}

impl std::fmt::Debug for ForwardConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForwardConfig")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl ForwardConfig {
    /// The defaults, and randomness of the operating system.
    #[must_use]
    pub fn new(cluster: &str, secret: Secret) -> Self {
        Self {
            cluster: cluster.to_owned(),
            secret,
            connections: 2,
            frame_bytes: 1 << 20,
            frames_in_flight_max: 8,
            destination_bytes_max: 32 << 20,
            is_compressed: false,
            deadline: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(5),
            unreachable_after: Duration::from_secs(1),
            retry_min: Duration::from_millis(20),
            retry_max: Duration::from_secs(1),
            stray_time: Duration::from_mins(1),
            draw_jitter: Arc::new(rand::random::<f64>),
            draw_nonce: rand::random,
        }
    }

    /// The wait before attempt number `attempt`, from 1: half of it fixed, half drawn.
    pub(super) fn retry_wait(&self, attempt: u32) -> Duration {
        let doubled = self
            .retry_min
            .saturating_mul(1 << attempt.saturating_sub(1).min(16));
        doubled
            .min(self.retry_max)
            .mul_f64(0.5 + 0.5 * (self.draw_jitter)().clamp(0.0, 1.0))
    }
}
