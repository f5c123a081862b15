//! The load of saturation: requests that the generator made and compressed beforehand, sent again and again in a closed
//! loop, because compressing on one core cannot keep a receiver busy on another.
//!
//! Runs in a process of its own (this binary again). A round is longer than the window and the replica's decision cache
//! is made shorter than a round, so that a trace that comes again is a new one to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Uri};
use tailsieve::clock::{Clock, Moment};
use tailsieve::tools::client::{Client, Protocol, Target};
use tailsieve::tools::deliver::Patience;
use tailsieve::tools::drive::{Drive, Next, Outcome, Outgoing, Source, Turn};
use tailsieve::tools::generate::cohort::Rates;
use tailsieve::tools::generate::encoder::Encoder;
use tailsieve::tools::generate::load::{Load, LoadConfig, Order};
use tailsieve::tools::generate::shape::Shape;
use tailsieve::tools::message::{Compression, Message};
use tailsieve::tools::tally::Tally;
use tokio_util::sync::CancellationToken;

use super::lab::{LOAD_CORES, Lab, SPAN_BYTES};
use super::process::Process;

/// The argument that makes this binary a load; then come the receiver's address and `gzip` or `plain`.
pub(crate) const COMMAND: &str = "replay-load";
/// How long making the requests takes at most.
pub(crate) const PREPARATION: Duration = Duration::from_secs(30);

/// 100 spans each.
const ROUND_REQUESTS: usize = 20_000;
const CONNECTIONS: usize = 4;
const IN_FLIGHT: usize = 4;
/// As if 700,000 spans came in a second: so far apart are the requests of a trace.
const REQUEST_INTERVAL: Duration = Duration::from_micros(143);
const SPREAD: Duration = Duration::from_millis(200);

/// Yields the same requests for ever.
struct Rounds {
    messages: Vec<(Message, u64)>,
    next: usize,
}

/// Starts the load on its cores; it begins to send once its requests are made.
pub(crate) fn start(lab: &Lab, endpoint: SocketAddr, is_gzip: bool) -> anyhow::Result<Process> {
    let encoding = if is_gzip { "gzip" } else { "plain" };
    let arguments = [
        COMMAND.to_owned(),
        endpoint.to_string(),
        encoding.to_owned(),
    ];
    let log = lab.folder.join("load.log");
    Process::start(LOAD_CORES, &lab.own, &arguments, Some(&log))
}

/// Sends until it is ended.
pub(crate) fn send(arguments: &[String]) -> anyhow::Result<()> {
    let [endpoint, encoding] = arguments else {
        anyhow::bail!("usage: {COMMAND} ADDRESS gzip|plain");
    };
    let compression = match encoding.as_str() {
        "gzip" => Compression::Gzip,
        _ => Compression::None,
    };
    let rounds = Rounds::make(compression)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let target = Target {
            endpoints: vec![format!("http://{endpoint}").parse::<Uri>()?],
            protocol: Protocol::Grpc,
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(10),
        };
        let clients: Result<Vec<_>, _> = (0..CONNECTIONS).map(|_| Client::new(&target)).collect();
        let drive = Arc::new(Drive {
            clients: clients?,
            in_flight: IN_FLIGHT,
            // They are compressed already.
            compression: Compression::None,
            patience: Patience::default(),
            clock: Clock::system(),
            stop: CancellationToken::new(),
        });
        drive.run(rounds, Arc::new(Tally::new()?)).await?;
        Ok(())
    })
}

impl Rounds {
    fn make(compression: Compression) -> anyhow::Result<Self> {
        let encoder = Arc::new(Encoder::new(Shape::new(25, 5)?, SPAN_BYTES as usize));
        let config = LoadConfig {
            rates: Rates {
                error: 0.01,
                slow: 0.01,
            },
            traces_per_request: 20,
            spans_per_second: 0,
            duration: None,
            spans_max: None,
            spread: SPREAD,
            order: Order::ChildrenFirst,
            seed: 1,
        };
        let unix_ns = Clock::system().unix_ns();
        let mut now = Moment(0);
        let mut load = Load::new(config, encoder, now, None);
        let mut messages = Vec::with_capacity(ROUND_REQUESTS);
        while messages.len() < ROUND_REQUESTS {
            let turn = Turn {
                now,
                unix_ns: unix_ns + now.0,
                stopping: false,
            };
            if let Next::Send(request) = load.next(turn) {
                let message = request.message.compressed(compression)?;
                messages.push((message, request.spans));
            }
            now = now.after(REQUEST_INTERVAL);
        }
        Ok(Self { messages, next: 0 })
    }
}

impl Source for Rounds {
    type Receipt = ();

    fn next(&mut self, turn: Turn) -> Next<()> {
        let Some((message, spans)) = self.messages.get(self.next) else {
            return Next::End;
        };
        self.next = (self.next + 1) % self.messages.len();
        Next::Send(Outgoing {
            message: message.clone(),
            spans: *spans,
            intended: turn.now,
            receipt: (),
        })
    }

    fn settle((): (), _: Outcome) {}
}
