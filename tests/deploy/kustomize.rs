//! What `kubectl apply -k` makes of a folder, as far as ours go: resources, generators, and patches in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{files, strict};

pub(crate) const BASE: &str = "deploy/kubernetes/base";
pub(crate) const EXAMPLE: &str = "deploy/kubernetes/overlays/example";

/// `kustomization.yaml`: the keys that ours use.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) resources: Vec<String>,
    #[serde(default)]
    pub(crate) labels: Vec<Labels>,
    pub(crate) images: Vec<Image>,
    pub(crate) config_map_generator: Vec<Generator>,
    #[serde(default)]
    pub(crate) secret_generator: Vec<Generator>,
    #[serde(default)]
    pub(crate) patches: Vec<Patch>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Labels {
    pub(crate) pairs: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: Option<String>,
    pub(crate) new_tag: String,
}

/// Makes a ConfigMap or Secret, whose name ends in a hash of its content unless that is switched off.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generator {
    pub(crate) name: String,
    pub(crate) behavior: Option<String>,
    /// `FILE`, or `KEY=FILE`.
    #[serde(default)]
    pub(crate) files: Vec<String>,
    #[serde(default)]
    pub(crate) literals: Vec<String>,
    pub(crate) options: Option<Options>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Options {
    pub(crate) disable_name_suffix_hash: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    pub(crate) target: Target,
    /// A list of [`Operation`], as YAML.
    pub(crate) patch: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// RFC 6902, as far as ours use it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    path: String,
    value: Value,
}

impl Kustomization {
    pub(crate) fn of(folder: &str) -> Self {
        let name = format!("{folder}/kustomization.yaml");
        strict::read(&files::yaml(&name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The resources with their names, those of other folders included, patched.
    pub(crate) fn documents(&self, folder: &str) -> Vec<(String, Value)> {
        let mut documents = Vec::new();
        for resource in &self.resources {
            let name = format!("{folder}/{resource}");
            if resource.ends_with(".yaml") {
                documents.push((name.clone(), files::yaml(&name)));
            } else {
                documents.extend(Self::of(&name).documents(&name));
            }
        }
        for patch in &self.patches {
            let mut targets = documents.iter_mut().filter(|(_, document)| {
                document["kind"] == *patch.target.kind
                    && document["metadata"]["name"] == *patch.target.name
            });
            let (_, target) = targets.next().expect("a target of the patch");
            patch.apply(target);
        }
        documents
    }
}

impl Generator {
    pub(crate) fn is_hashed(&self) -> bool {
        let options = self.options.as_ref();
        !options.is_some_and(|options| options.disable_name_suffix_hash)
    }

    /// Keys and the files that they come from.
    pub(crate) fn keys_and_files(&self) -> impl Iterator<Item = (&str, &str)> {
        let split = |file| str::split_once(file, '=').unwrap_or((file, file));
        self.files.iter().map(String::as_str).map(split)
    }
}

impl Patch {
    fn apply(&self, document: &mut Value) {
        let operations = files::yaml_text("a patch", &self.patch);
        let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
        for Operation { op, path, value } in operations {
            let place = document.pointer_mut(&path);
            let place = place.unwrap_or_else(|| panic!("{path} is not there"));
            match op.as_str() {
                "replace" => {
                    assert_ne!(*place, value, "{path} is that already");
                    *place = value;
                }
                "test" => assert_eq!(*place, value, "{path}"),
                other => panic!("{other}: not among those that ours use"),
            }
        }
    }
}

#[test]
fn every_manifest_is_part_of_what_its_folder_makes() {
    for folder in [BASE, EXAMPLE] {
        let kustomization = Kustomization::of(folder);
        assert_eq!(kustomization.api_version, "kustomize.config.k8s.io/v1beta1");
        assert_eq!(kustomization.kind, "Kustomization");
        let generators = kustomization.config_map_generator.iter();
        let files = generators.flat_map(Generator::keys_and_files);
        let mut named: Vec<String> = files.map(|(_, file)| file.to_owned()).collect();
        named.extend(kustomization.resources.iter().cloned());
        named.push("kustomization.yaml".to_owned());
        for entry in std::fs::read_dir(files::path(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_manifest = name.ends_with(".yaml");
            assert!(!is_manifest || named.contains(&name), "{folder}/{name}");
        }
        for name in named {
            assert!(files::path(folder).join(&name).exists(), "{folder}/{name}");
        }
    }
}

#[test]
fn a_misspelt_key_of_a_kustomization_is_found() {
    for folder in [BASE, EXAMPLE] {
        let document = files::yaml(&format!("{folder}/kustomization.yaml"));
        let copies = strict::misspelt(&document, &|place| place.ends_with("/pairs"));
        assert!(copies.len() > 10);
        for (place, copy) in copies {
            assert!(strict::read::<Kustomization>(&copy).is_err(), "{place}");
        }
    }
}

#[test]
fn the_secret_of_the_example_stays_out_of_the_repository() {
    let kustomization = Kustomization::of(EXAMPLE);
    let files: Vec<_> = kustomization.secret_generator[0].keys_and_files().collect();
    assert_eq!(files, [("secret", "cluster.secret")]);
    let ignored = files::text(".gitignore");
    assert!(ignored.lines().any(|line| line == "cluster.secret"));
}
