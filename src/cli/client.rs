//! Flags of the commands that send: where to, how, and with how much patience. And the summary they print.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{INCOMPLETE, output, runtime, values};
use crate::clock::{Clock, Moment};
use crate::tools::client::{Client, Protocol, Target};
use crate::tools::deliver::Patience;
use crate::tools::drive::{Drive, Source};
use crate::tools::message::Compression;
use crate::tools::tally::{Report, Tally};

/// Requests under way in an open loop, over all connections: room for answers that take long.
const OPEN_LOOP_IN_FLIGHT: usize = 256;

/// Where requests go and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(super) struct ClientArgs {
    /// URL of the receiver; repeat for several, which then take turns [default: http://127.0.0.1:4317 for gRPC, http://127.0.0.1:4318 for HTTP]
    ///
    /// Each attempt goes to the next of several, a second one of the same request too, as behind a balancer.
    #[arg(long = "endpoint", value_name = "URL", value_parser = values::url)]
    endpoints: Vec<Uri>,

    /// Transport of OTLP
    #[arg(long, value_enum, default_value_t)]
    protocol: Protocol,

    /// Compression of requests
    #[arg(long, value_enum, default_value_t)]
    compression: Compression,

    /// Connections; HTTP opens one for each request under way besides
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    connections: u16,

    /// Header sent with each request, as in x-tenant=acme; repeat for more
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = values::header)]
    headers: Vec<(HeaderName, HeaderValue)>,

    /// How long an answer is waited for
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration)]
    timeout: Duration,

    /// How long a request is tried again that was refused for the moment or not answered; 0 for one attempt only
    ///
    /// The wait that the server asks for (RetryInfo, Retry-After) is kept to; where it asks for none the waits double
    /// from 100ms to 5s.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    retry: Duration,

    /// Threads that send; one does above a million spans a second, compression takes more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

impl ClientArgs {
    /// Requests under way on each connection at `spans_per_second` if the user does not say.
    pub(super) fn in_flight_default(&self, spans_per_second: u64) -> usize {
        if spans_per_second == 0 {
            return 4;
        }
        OPEN_LOOP_IN_FLIGHT.div_ceil(usize::from(self.connections))
    }

    /// Sends all that the source yields; the source is made when the clock starts.
    pub(super) fn drive<S: Source>(
        &self,
        in_flight: usize,
        source: impl FnOnce(Moment) -> S,
    ) -> anyhow::Result<Report> {
        let tally = Arc::new(Tally::new()?);
        runtime::new(usize::from(self.threads))?.block_on(async {
            let clock = Clock::system();
            let target = self.target();
            let clients: Result<_, _> = (0..self.connections)
                .map(|_| Client::new(&target))
                .collect();
            let stop = CancellationToken::new();
            runtime::stop_on_signal(stop.clone())?;
            let drive = Arc::new(Drive {
                clients: clients?,
                in_flight,
                compression: self.compression,
                patience: Patience {
                    limit: self.retry,
                    ..Patience::default()
                },
                clock: clock.clone(),
                stop,
            });
            let start = clock.now();
            drive
                .run(source(start), Arc::clone(&tally))
                .await
                .with_context(|| format!("cannot send to {}", join(&target.endpoints)))?;
            Ok(tally.report(clock.now().since(start)))
        })
    }

    /// Prints the summary, text after `title` or JSON with the keys of `extra`; the exit code tells whether all arrived.
    pub(super) fn print<E: Serialize>(
        &self,
        title: &str,
        extra: &E,
        report: &Report,
    ) -> anyhow::Result<ExitCode> {
        let text = if self.json {
            serde_json::to_string(&Summary { extra, report })?
        } else {
            format!("{title}, {report}")
        };
        output::write(|out| writeln!(out, "{text}"))?;
        Ok(match report.is_complete() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(INCOMPLETE),
        })
    }

    fn target(&self) -> Target {
        let mut endpoints = self.endpoints.clone();
        if endpoints.is_empty() {
            endpoints.push(Uri::from_static(match self.protocol {
                Protocol::Grpc => "http://127.0.0.1:4317",
                Protocol::Http => "http://127.0.0.1:4318",
            }));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        Target {
            endpoints,
            protocol: self.protocol,
            headers,
            timeout: self.timeout,
        }
    }
}

fn join(endpoints: &[Uri]) -> String {
    let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    endpoints.join(", ")
}

#[derive(Serialize)]
struct Summary<'a, E> {
    #[serde(flatten)]
    extra: &'a E,
    #[serde(flatten)]
    report: &'a Report,
}
