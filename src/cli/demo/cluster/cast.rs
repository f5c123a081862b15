//! Who takes part in the demo with several replicas: sink, generator and replicas as child processes, and the screen.
//!
//! One task waits for everything. Four times a second it looks whether each child still runs, once a second it asks all
//! replicas how they are and draws.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::future::join_all;
use http::Uri;

use super::addresses::{Addresses, addresses_of, server_file};
use super::{SPREAD, WAIT};
use crate::cli::demo::screen::Screen;
use crate::cli::demo::{DEFAULT_WAIT, DemoArgs, Signals};
use crate::cli::output;
use crate::clock::{Clock, Moment};
use crate::config::DEFAULT_POLICIES;
use crate::tools::cluster::{self, ClusterPage};
use crate::tools::demo::process::{Process, free_addresses};
use crate::tools::demo::snapshot::Snapshot;

const LOOK_EVERY: Duration = Duration::from_millis(250);
const DRAW_EVERY: Duration = Duration::from_secs(1);

/// Who takes part.
pub(super) struct Cast<'a> {
    args: &'a DemoArgs,
    folder: &'a Path,
    clock: &'a Clock,
    signals: &'a Signals,
    screen: Screen,
    started: Moment,
    drawn: Moment,
    sink: Option<Process>,
    sink_addresses: [SocketAddr; 2],
    generator: Option<Process>,
    /// Of all that run or will, from number 1.
    addresses: Vec<Addresses>,
    replicas: BTreeMap<u16, Replica>,
    /// What those counted that are gone.
    past: Snapshot,
    event: String,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// All replicas see all of them, and no other, hold what is theirs.
    Balanced,
    /// The replica of this number, which was asked to, has ended.
    Gone(u16),
    /// The generator has ended.
    LoadEnded,
    /// Nothing but the time to pass.
    Time,
}

struct Replica {
    process: Process,
    snapshot: Snapshot,
    page: Option<ClusterPage>,
    is_leaving: bool,
}

impl<'a> Cast<'a> {
    /// Writes the files of all; starts nobody.
    pub(super) fn assemble(
        args: &'a DemoArgs,
        folder: &'a Path,
        clock: &'a Clock,
        signals: &'a Signals,
    ) -> anyhow::Result<Self> {
        // One more than there are at first, which is added later.
        let addresses: Result<Vec<_>, _> = (0..=args.replicas).map(|_| Addresses::free()).collect();
        let wait = format!("decision_wait: {}s", WAIT.as_secs());
        fs::write(
            folder.join("policies.yaml"),
            DEFAULT_POLICIES.replace(DEFAULT_WAIT, &wait),
        )
        .context("cannot write the policies")?;
        let cast = Self {
            args,
            folder,
            clock,
            signals,
            screen: Screen::new(args.run_for()),
            started: clock.now(),
            drawn: clock.now(),
            sink: None,
            sink_addresses: free_addresses().context("cannot find free ports")?,
            generator: None,
            addresses: addresses?,
            replicas: BTreeMap::new(),
            past: Snapshot::default(),
            event: "the replicas found a cluster".to_owned(),
        };
        for number in 1..=args.replicas + 1 {
            let file = folder.join(format!("r{number}.yaml"));
            let [sink, _] = cast.sink_addresses;
            let text = server_file(&cast.addresses, number, args.replicas, sink)?;
            fs::write(file, text).context("cannot write a server file")?;
        }
        Ok(cast)
    }

    /// Starts the sink and the replicas of the beginning.
    pub(super) async fn start_all(&mut self) -> anyhow::Result<()> {
        let [grpc, http] = self.sink_addresses;
        let args = [
            "sink".to_owned(),
            format!("--grpc-endpoint={grpc}"),
            format!("--http-endpoint={http}"),
            "--ledger=got.jsonl".to_owned(),
            "--json".to_owned(),
        ];
        let mut sink = Process::start("sink", self.folder, args)?;
        sink.ready(grpc).await?;
        self.sink = Some(sink);
        for number in 1..=self.args.replicas {
            self.start(number).await?;
        }
        Ok(())
    }

    /// Starts the generator, which sends to all replicas in turn, also to the one that is added later.
    pub(super) fn start_load(&mut self) -> anyhow::Result<()> {
        self.event = "the load begins".to_owned();
        let mut args = self.args.generator_args(SPREAD);
        let endpoints = self.addresses.iter();
        args.extend(endpoints.map(|it| format!("--endpoint=http://{}", it.grpc)));
        self.generator = Some(Process::start("generator", self.folder, args)?);
        Ok(())
    }

    /// Asks the generator to begin no further traces.
    pub(super) fn end_load(&mut self) -> anyhow::Result<()> {
        self.event = "the load ends".to_owned();
        if let Some(generator) = &self.generator {
            generator.ask_to_end()?;
        }
        Ok(())
    }

    /// Asks a replica to leave.
    pub(super) fn stop(&mut self, number: u16) -> anyhow::Result<()> {
        let replica = self.replicas.get_mut(&number).context("it runs")?;
        replica.is_leaving = true;
        replica.process.ask_to_end()?;
        self.happens(format!("r{number} is stopped in order (SIGTERM)"));
        Ok(())
    }

    /// Starts another replica.
    pub(super) async fn add(&mut self, number: u16) -> anyhow::Result<()> {
        self.happens(format!("r{number} is added"));
        self.start(number).await
    }

    /// Kills a replica.
    pub(super) async fn kill(&mut self, number: u16) -> anyhow::Result<()> {
        let mut replica = self.replicas.remove(&number).context("it runs")?;
        replica.process.kill().await?;
        self.past.add_counts(&replica.snapshot);
        self.happens(format!("r{number} is killed (SIGKILL)"));
        Ok(())
    }

    /// How the cluster looked to a replica when it was asked last.
    pub(super) fn page(&self, number: u16) -> Option<ClusterPage> {
        self.replicas.get(&number)?.page.clone()
    }

    /// Lets time pass. `false` when the user wants an end.
    pub(super) async fn pass(&mut self, time: Duration) -> anyhow::Result<bool> {
        self.pass_until(Goal::Time, time).await
    }

    /// Lets time pass until `goal` is reached, for `most` at most. `false` when the user wants an end.
    ///
    /// # Errors
    /// The goal was not reached in time; a child ended that should not have.
    pub(super) async fn pass_until(&mut self, goal: Goal, most: Duration) -> anyhow::Result<bool> {
        let end = self.clock.now().after(most);
        loop {
            self.look(goal).await?;
            let now = self.clock.now();
            let is_over = now >= end;
            match goal {
                Goal::Time if is_over => return Ok(true),
                Goal::Time => {}
                _ if self.has_reached(goal) => return Ok(true),
                _ if is_over => bail!("after {most:?} this has not come true: {goal:?}"),
                _ => {}
            }
            let pause = LOOK_EVERY.min(end.since(now));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.signals.stop.cancelled() => return Ok(false),
            }
        }
    }

    /// Ends all in order, those that depend on others first; the ledgers are written then.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        let impatient = &self.signals.impatient;
        if let Some(generator) = &mut self.generator {
            generator.terminate(impatient).await?;
        }
        let replicas = self.replicas.values_mut();
        let ended = replicas.map(|replica| replica.process.terminate(impatient));
        for ended in join_all(ended).await {
            ended?;
        }
        if let Some(sink) = &mut self.sink {
            sink.terminate(impatient).await?;
        }
        Ok(())
    }

    async fn start(&mut self, number: u16) -> anyhow::Result<()> {
        let addresses = addresses_of(&self.addresses, number)?;
        let args = ["run".to_owned(), format!("--config=r{number}.yaml")];
        let mut process = Process::start(&format!("r{number}"), self.folder, args)?;
        process.ready(addresses.grpc).await?;
        let replica = Replica {
            process,
            snapshot: Snapshot::default(),
            page: None,
            is_leaving: false,
        };
        self.replicas.insert(number, replica);
        Ok(())
    }

    fn has_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Time => false,
            Goal::LoadEnded => self.generator.is_none(),
            Goal::Gone(number) => !self.replicas.contains_key(&number),
            Goal::Balanced => {
                let ids: Vec<String> = self.replicas.keys().map(|it| format!("r{it}")).collect();
                let mut pages = self.replicas.values().map(|replica| replica.page.as_ref());
                pages.all(|page| page.is_some_and(|page| page.is_balanced(&ids)))
            }
        }
    }

    /// Looks at the children, and at times asks the replicas and draws.
    async fn look(&mut self, goal: Goal) -> anyhow::Result<()> {
        if let Some(sink) = &mut self.sink
            && sink.has_finished()?
        {
            bail!("the sink ended before it was told to");
        }
        if let Some(generator) = &mut self.generator
            && generator.has_finished()?
        {
            if goal != Goal::LoadEnded {
                bail!("the generator ended before it was told to");
            }
            self.generator = None;
        }
        let mut gone = Vec::new();
        for (number, replica) in &mut self.replicas {
            if replica.process.has_finished()? {
                if !replica.is_leaving {
                    bail!("r{number} ended before it was told to");
                }
                gone.push(*number);
            }
        }
        for number in gone {
            if let Some(replica) = self.replicas.remove(&number) {
                self.past.add_counts(&replica.snapshot);
                self.happens(format!("r{number} has left"));
            }
        }
        self.ask_all().await;
        self.draw();
        Ok(())
    }

    /// Asks all replicas at once. One that is too busy to tell is asked again soon.
    async fn ask_all(&mut self) {
        let addresses = &self.addresses;
        let asked = self
            .replicas
            .iter_mut()
            .map(|(number, replica)| async move {
                let Some(it) = addresses.get(usize::from(*number).saturating_sub(1)) else {
                    return;
                };
                if let Ok(snapshot) = Snapshot::scrape(it.admin).await {
                    replica.snapshot = snapshot;
                }
                let Ok(url) = format!("http://{}", it.admin).parse::<Uri>() else {
                    return;
                };
                replica.page = cluster::ask(&url).await.ok().map(|answer| answer.page);
            });
        join_all(asked).await;
    }

    fn happens(&mut self, event: String) {
        if !self.args.json {
            let elapsed = self.clock.now().since(self.started);
            let line = self.screen.note(&event, elapsed);
            // A screen that cannot be drawn does not end the demo.
            let _ = output::write(|out| write!(out, "{line}"));
        }
        self.event = event;
    }

    fn draw(&mut self) {
        let now = self.clock.now();
        if self.args.json || now.since(self.drawn) < DRAW_EVERY {
            return;
        }
        self.drawn = now;
        let mut all = self.past.clone();
        let mut members = Vec::new();
        for (number, replica) in &self.replicas {
            all.add(&replica.snapshot);
            let told = replica.page.as_ref().map(ClusterPage::summary);
            members.push((format!("r{number}"), told.unwrap_or_default()));
        }
        let elapsed = now.since(self.started);
        let frame = self.screen.draw(&all, elapsed, &members);
        let _ = output::write(|out| write!(out, "{frame}"));
    }
}
