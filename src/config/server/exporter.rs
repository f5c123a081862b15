//! `exporters`: a mapping from `kind` or `kind/suffix` to settings. Without any, kept traces go to files.

use std::path::PathBuf;

use super::otlp;
use super::queue::queue;
use crate::config::decode::{Fields, Place, nearest};
use crate::exporter::config::{Destination, ExporterConfig, FileConfig, QueueConfig};

/// Most exporters: each has a queue, and every kept trace goes to all.
const EXPORTERS_MAX: usize = 16;
/// Longest name, which is the label of metrics.
const NAME_BYTES_MAX: usize = 100;
/// Least `rotation.max_size`: smaller files only cost directory entries.
const ROTATION_BYTES_MIN: u64 = 1_024;

/// The exporter of a file that names none.
pub(super) fn default_exporter() -> ExporterConfig {
    ExporterConfig {
        name: "file".to_owned(),
        destination: Destination::File(FileConfig::default()),
        queue: QueueConfig::default(),
    }
}

/// `exporters`, whose queues must take a request of `batch_bytes_max`.
pub(super) fn exporters(fields: &mut Fields<'_>, batch_bytes_max: usize) -> Vec<ExporterConfig> {
    let Some(place) = fields.take("exporters") else {
        return vec![default_exporter()];
    };
    let named = place.fields().all();
    if named.len() > EXPORTERS_MAX {
        place.error(
            format!("names {} exporters", named.len()),
            format!("at most {EXPORTERS_MAX}"),
        );
    }
    let mut exporters: Vec<ExporterConfig> = Vec::new();
    for (name, place) in named {
        let Some(exporter) = exporter(name, &place, batch_bytes_max) else {
            continue;
        };
        report_shared_folder(&place, &exporter, &exporters);
        exporters.push(exporter);
    }
    if exporters.is_empty() {
        return vec![default_exporter()];
    }
    exporters
}

fn exporter(name: &str, place: &Place<'_>, batch_bytes_max: usize) -> Option<ExporterConfig> {
    let (kind, suffix) = match name.split_once('/') {
        Some((kind, suffix)) => (kind, Some(suffix)),
        None => (name, None),
    };
    if suffix.is_some_and(str::is_empty) || name.len() > NAME_BYTES_MAX {
        let problem = "is not the name of an exporter";
        place.error(
            problem,
            "write it like otlp or otlp/second, 100 bytes at most",
        );
        return None;
    }
    let mut fields = place.fields();
    let destination = match kind {
        "otlp" => otlp::destination(&mut fields),
        "file" => Some(Destination::File(file(&mut fields))),
        _ => {
            report_kind(place, kind);
            return None;
        }
    };
    let queue = queue(&mut fields, batch_bytes_max);
    fields.finish();
    Some(ExporterConfig {
        name: name.to_owned(),
        destination: destination?,
        queue,
    })
}

fn report_kind(place: &Place<'_>, kind: &str) {
    let advice = match kind {
        "otlphttp" | "otlp_http" => "use otlp with protocol: http/protobuf".to_owned(),
        "otlp_grpc" => "use otlp".to_owned(),
        _ => match nearest(kind, &["otlp", "file"]) {
            Some(name) => format!("did you mean {name:?}?"),
            None => "one of: otlp, file".to_owned(),
        },
    };
    place.error(format!("unknown kind of exporter {kind:?}"), advice);
}

/// Two exporters that rotate files in one folder would delete each other's.
fn report_shared_folder(place: &Place<'_>, exporter: &ExporterConfig, others: &[ExporterConfig]) {
    let Destination::File(file) = &exporter.destination else {
        return;
    };
    for other in others {
        let Destination::File(theirs) = &other.destination else {
            continue;
        };
        if theirs.path == file.path {
            let problem = format!("writes to the same folder as {}", other.name);
            place.error(problem, "give each file exporter a path of its own");
        }
    }
}

fn file(fields: &mut Fields<'_>) -> FileConfig {
    let mut config = FileConfig::default();
    fields.set("path", &mut config.path, |path| {
        path.non_empty_text().map(PathBuf::from)
    });
    if let Some(mut rotation) = fields.section("rotation") {
        rotation.set("max_size", &mut config.rotation_bytes_max, |size| {
            size.size(ROTATION_BYTES_MIN..=u64::MAX)
        });
        rotation.set("max_files", &mut config.files_max, |files| {
            files.count(0..=1_000_000)
        });
        let advice = "use max_size, for example 100MiB";
        rotation.refuse("max_megabytes", "is a key of the collector", advice);
        rotation.refuse("max_backups", "is a key of the collector", "use max_files");
        rotation.finish();
    }
    config
}
