//! The stock collector in two tiers: one that balances the load by trace ID, and behind it several that sample.
//!
//! The first tier finds the second by name, as it does in front of a headless service: its `dns` resolver, which looks
//! every 5 s. The name is in a hosts file that only this process has in the place of `/etc/hosts` (a mount namespace of its
//! own: util-linux's `unshare`, and user namespaces where this is not run as root). Go reads such a file anew every 5 s, so
//! that a change is in force 5 to 10 s later, as with CoreDNS, which lets its answers live 5 s. A sampler's address leaves
//! the file at the moment at which it is killed or told to end: no health check could be faster.
//!
//! The hop has no queue: an acknowledgement means that a sampler has the spans. With the queue that is there by default it
//! would mean that the first tier has them in memory. All else is as it comes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::collector::{self, Place};
use crate::lab::{ALL_CORES, Lab};
use crate::process::{Process, free_address};
use crate::receiver::{Policies, Receiver, argument};

const NAME: &str = "samplers";

/// Replaces the file in the sight of what then runs in its place.
const WITH_HOSTS: &str = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";

/// Both tiers.
pub(crate) struct Pair {
    binary: PathBuf,
    decision_wait: Duration,
    backend: SocketAddr,
    hosts: PathBuf,
    /// Of all samplers, each at an address of its own.
    port: u16,
    samplers: BTreeMap<u8, Receiver>,
    balancer: Receiver,
}

/// What both tiers export to, and when the second decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) samplers: u8,
    pub(crate) decision_wait: Duration,
    pub(crate) backend: SocketAddr,
}

impl Pair {
    pub(crate) fn start(lab: &Lab, plan: Plan) -> anyhow::Result<Self> {
        let binary = collector::build()?;
        let port = free_address()?.port();
        let mut samplers = BTreeMap::new();
        for number in 0..plan.samplers {
            let place = place(number, port)?;
            let wait = plan.decision_wait;
            let decides = Policies::Three;
            let sampler =
                collector::start(lab, &binary, &place, ALL_CORES, decides, wait, plan.backend)?;
            samplers.insert(number, sampler);
        }
        let hosts = lab.write("hosts", &hosts_of(samplers.keys()))?;
        let balancer = start_balancer(lab, &binary, &hosts, port)?;
        Ok(Self {
            binary,
            decision_wait: plan.decision_wait,
            backend: plan.backend,
            hosts,
            port,
            samplers,
            balancer,
        })
    }

    /// Where clients send to.
    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.balancer.grpc
    }

    /// Starts a further sampler, then names it.
    pub(crate) fn add(&mut self, lab: &Lab, number: u8) -> anyhow::Result<()> {
        let sampler = collector::start(
            lab,
            &self.binary,
            &place(number, self.port)?,
            ALL_CORES,
            Policies::Three,
            self.decision_wait,
            self.backend,
        )?;
        self.samplers.insert(number, sampler);
        self.name_them()
    }

    /// SIGTERM; waits until it has ended.
    pub(crate) fn stop(&mut self, number: u8) -> anyhow::Result<()> {
        self.take(number)?.end()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, number: u8) -> anyhow::Result<()> {
        self.take(number)?.process.kill()
    }

    /// Ends the first tier, then the second.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.balancer.end()?;
        self.samplers.into_values().try_for_each(Receiver::end)
    }

    fn take(&mut self, number: u8) -> anyhow::Result<Receiver> {
        let sampler = self.samplers.remove(&number).context("no such sampler")?;
        self.name_them()?;
        Ok(sampler)
    }

    /// In place: what is mounted is this file, not its name.
    fn name_them(&self) -> anyhow::Result<()> {
        std::fs::write(&self.hosts, hosts_of(self.samplers.keys()))?;
        Ok(())
    }
}

fn place(number: u8, port: u16) -> anyhow::Result<Place> {
    Ok(Place {
        name: format!("sampler-{number}"),
        grpc: SocketAddr::new(address(number), port),
        admin: free_address()?,
    })
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 1, number + 1).into()
}

fn hosts_of<'a>(samplers: impl Iterator<Item = &'a u8>) -> String {
    let lines = samplers.map(|number| format!("{} {NAME}\n", address(*number)));
    lines.collect()
}

fn start_balancer(
    lab: &Lab,
    binary: &std::path::Path,
    hosts: &std::path::Path,
    port: u16,
) -> anyhow::Result<Receiver> {
    let place = Place {
        name: "balancer".to_owned(),
        grpc: free_address()?,
        admin: free_address()?,
    };
    let config = format!(
        "receivers:
  otlp:
    protocols:
      grpc: {{endpoint: {grpc}}}
exporters:
  loadbalancing:
    resolver: {{dns: {{hostname: {NAME}, port: '{port}'}}}}
    protocol:
      otlp:
        tls: {{insecure: true}}
        sending_queue: {{enabled: false}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [loadbalancing]}}
{telemetry}",
        grpc = place.grpc,
        telemetry = place.telemetry(),
    );
    let config = lab.write("balancer.yaml", &config)?;
    let arguments = [
        "--user".to_owned(),
        "--map-root-user".to_owned(),
        "--mount".to_owned(),
        "sh".to_owned(),
        "-c".to_owned(),
        WITH_HOSTS.to_owned(),
        "sh".to_owned(),
        hosts.display().to_string(),
        binary.display().to_string(),
        argument("config", &config),
    ];
    let log = lab.folder.join("balancer.log");
    let process = Process::start(ALL_CORES, "unshare".as_ref(), &arguments, Some(&log))?;
    Receiver::ready(process, place.grpc, place.admin, collector::SPANS_METRIC)
        .with_context(|| format!("see {}", log.display()))
}
