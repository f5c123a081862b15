//! The systemd unit and its drop-in: every directive is one that its section has, and what is run is a command of ours.

use std::time::Duration;

use super::files;

const UNIT: &str = "deploy/tailsieve.service";
const DROP_IN: &str = "deploy/tailsieve.service.d/cluster.conf";

/// Sections with the directives that ours use, as systemd.unit(5), .service(5), .exec(5), .kill(5) and
/// .resource-control(5) have them.
const KNOWN: [(&str, &[&str]); 3] = [
    ("Unit", &["Description", "Documentation", "Wants", "After"]),
    (
        "Service",
        &[
            "Type",
            "ExecStart",
            "ExecReload",
            "Restart",
            "RestartSec",
            "RestartPreventExitStatus",
            "EnvironmentFile",
            "Environment",
            "LoadCredential",
            "KillSignal",
            "TimeoutStopSec",
            "MemoryMax",
            "LimitNOFILE",
            "DynamicUser",
            "StateDirectory",
            "WorkingDirectory",
            "UMask",
            "NoNewPrivileges",
            "CapabilityBoundingSet",
            "AmbientCapabilities",
            "ProtectSystem",
            "ProtectHome",
            "ProtectProc",
            "ProcSubset",
            "ProtectClock",
            "ProtectControlGroups",
            "ProtectHostname",
            "ProtectKernelLogs",
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "PrivateDevices",
            "PrivateTmp",
            "RestrictAddressFamilies",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "SystemCallArchitectures",
            "SystemCallFilter",
            "SystemCallErrorNumber",
        ],
    ),
    ("Install", &["WantedBy"]),
];

/// A directive and its value.
type Setting = (String, String);

/// # Errors
/// The first line that is no setting of its section.
fn parse(text: &str) -> Result<Vec<Setting>, String> {
    let mut known: &[&str] = &[];
    let mut settings = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(section) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let found = KNOWN.iter().find(|(name, _)| *name == section);
            known = found.ok_or_else(|| line.to_owned())?.1;
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| line.to_owned())?;
        if !known.contains(&key) {
            return Err(line.to_owned());
        }
        settings.push((key.to_owned(), value.to_owned()));
    }
    Ok(settings)
}

fn settings(name: &str) -> Vec<Setting> {
    parse(&files::text(name)).unwrap_or_else(|line| panic!("{name}: {line}"))
}

fn all(name: &str, key: &str) -> Vec<String> {
    let found = settings(name).into_iter().filter(|(it, _)| it == key);
    found.map(|(_, value)| value).collect()
}

/// `TimeoutStopSec`.
pub(super) fn seconds_to_stop(name: &str) -> Duration {
    let [value] = &all(name, "TimeoutStopSec")[..] else {
        panic!("{name}: TimeoutStopSec");
    };
    Duration::from_secs(value.strip_suffix('s').unwrap().parse().unwrap())
}

#[test]
fn a_misspelt_directive_is_found() {
    for name in [UNIT, DROP_IN] {
        let text = files::text(name);
        for (key, value) in settings(name) {
            let broken =
                text.replacen(&format!("\n{key}={value}"), &format!("\n{key}x={value}"), 1);
            assert_ne!(broken, text);
            assert!(parse(&broken).is_err(), "{key}");
        }
    }
}

#[test]
fn the_units_grace_is_longer_than_the_replicas() {
    let text = files::text("deploy/tailsieve.yaml");
    let config = files::server_file("deploy/tailsieve.yaml", &text, &[]);
    assert!(seconds_to_stop(UNIT) > config.shutdown_grace);
}

#[test]
fn units_run_commands_that_there_are() {
    let unit = all(UNIT, "ExecStart");
    let drop_in = all(DROP_IN, "ExecStart");
    assert_eq!(unit.len(), 1);
    // The first, empty one takes the unit's away.
    assert_eq!((drop_in.len(), drop_in[0].as_str()), (2, ""));
    for line in [&unit[0], &drop_in[1]] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(words[0], "/usr/local/bin/tailsieve");
        files::assert_command(&words[1..]);
    }
    assert!(drop_in[1].ends_with("/cluster.yaml"));
}

#[test]
fn the_drop_in_hands_the_secret_over_as_a_credential() {
    let credentials = all(DROP_IN, "LoadCredential");
    let (name, _) = credentials[0].split_once(':').unwrap();
    let environment = all(DROP_IN, "Environment");
    assert!(environment.contains(&format!("CLUSTER_SECRET_FILE=%d/{name}")));
    // It is not in a user's files, which the unit hides, but the service runs as nobody who could read it.
    assert_eq!(all(UNIT, "DynamicUser"), ["yes"]);
}

#[test]
fn a_cluster_needs_nothing_that_neither_unit_nor_environment_sets() {
    let set_by_hand = ["REPLICA_ADDRESS", "CLUSTER_SEED", "BACKEND_ENDPOINT"];
    let comments = files::text(DROP_IN);
    let set_here = all(DROP_IN, "Environment").join(" ");
    let text = files::text("deploy/cluster.yaml");
    for variable in text.split("${env:").skip(1) {
        let (variable, _) = variable.split_once('}').unwrap();
        // One with a default needs no value.
        if variable.contains(":-") {
            continue;
        }
        let by_hand =
            set_by_hand.contains(&variable) && comments.contains(&format!("echo {variable}="));
        assert!(
            by_hand || set_here.contains(&format!("{variable}=")),
            "{variable}"
        );
    }
}
