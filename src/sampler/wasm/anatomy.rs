//! What a component, or a core module, says of itself: read from its sections, without compiling it. So it can be told of
//! those that are refused, too.

use std::collections::BTreeSet;

use wasmparser::{
    BinaryReaderError, ComponentExternalKind, CustomSectionReader, ExternalKind, KnownCustom,
    Parser, Payload, TypeRef,
};

use super::identity;

/// How every module and component begins.
const MAGIC: &[u8] = b"\0asm";

/// The outside of a component.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anatomy {
    /// Whether it is a component, not a core module.
    pub is_component: bool,
    /// What it wants: name and kind, in the order of its sections.
    pub imports: Vec<(String, &'static str)>,
    /// What it has, likewise.
    pub exports: Vec<(String, &'static str)>,
    /// Who made it, of all modules within it: `language`, `processed-by` or `sdk`, a name, a version.
    pub producers: BTreeSet<(String, String, String)>,
    /// Core modules within it.
    pub modules: usize,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Its custom section `version`, if any.
    pub version: Option<String>,
}

/// It is no WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no WebAssembly: {reason}")]
pub struct NotWasm {
    /// What is wrong, and at which byte.
    pub reason: String,
}

impl Anatomy {
    /// Reads a component or a core module.
    ///
    /// # Errors
    /// [`NotWasm`], with the offset.
    pub fn read(bytes: &[u8]) -> Result<Self, NotWasm> {
        let mut anatomy = Self {
            sha256: identity::sha256(bytes),
            version: identity::version(bytes),
            ..Self::default()
        };
        if !bytes.starts_with(MAGIC) {
            let reason = "it does not begin as WebAssembly does".to_owned();
            return Err(NotWasm { reason });
        }
        anatomy.read_sections(bytes).map_err(|error| NotWasm {
            reason: error.to_string(),
        })?;
        Ok(anatomy)
    }

    fn read_sections(&mut self, bytes: &[u8]) -> Result<(), BinaryReaderError> {
        // Modules and components within the one at hand.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ModuleSection { .. } => {
                    depth += 1;
                    self.modules += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) => self.read_producers(section),
                _ if depth == 0 => self.read_section(payload)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_section(&mut self, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.is_component = encoding == wasmparser::Encoding::Component;
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    let kind = component_kind(import.ty.kind());
                    self.imports.push((import.name.name.to_owned(), kind));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    let kind = component_kind(export.kind);
                    self.exports.push((export.name.name.to_owned(), kind));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let name = format!("{} {}", import.module, import.name);
                    self.imports.push((name, core_kind(import.ty)));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let is_function = export.kind == ExternalKind::Func;
                    let kind = if is_function { "function" } else { "other" };
                    self.exports.push((export.name.to_owned(), kind));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes who made it. Nothing depends on that, so what cannot be read is passed over.
    fn read_producers(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Producers(fields) = section.as_known() else {
            return;
        };
        for field in fields.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
                let producer = (plain(field.name), plain(value.name), plain(value.version));
                self.producers.insert(producer);
            }
        }
    }
}

fn component_kind(kind: ComponentExternalKind) -> &'static str {
    match kind {
        ComponentExternalKind::Func => "function",
        ComponentExternalKind::Instance => "interface",
        ComponentExternalKind::Type => "type",
        ComponentExternalKind::Component => "component",
        ComponentExternalKind::Module => "module",
        ComponentExternalKind::Value => "value",
    }
}

fn core_kind(ty: TypeRef) -> &'static str {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Anatomy {
        Anatomy::read(&wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn a_component_tells_what_it_wants_and_has_and_who_made_what_is_in_it() {
        let anatomy = read(
            r#"(component
                (import "wasi:cli/exit@0.2.0" (instance))
                (core module $m
                    (import "hidden" "f" (func))
                    (func (export "f"))
                    (@producers (language "Rust" "1.95") (processed-by "tool" "2")))
                (core module $n (func (export "f")))
                (core instance $i (instantiate $n))
                (func (export "evaluate") (canon lift (core func $i "f"))))"#,
        );
        assert!(anatomy.is_component);
        assert_eq!(
            anatomy.imports,
            [("wasi:cli/exit@0.2.0".to_owned(), "interface")]
        );
        assert_eq!(anatomy.exports, [("evaluate".to_owned(), "function")]);
        assert_eq!(anatomy.modules, 2);
        let producers: Vec<&str> = anatomy
            .producers
            .iter()
            .map(|(_, name, _)| &**name)
            .collect();
        assert_eq!(producers, ["Rust", "tool"]);
        assert_eq!(anatomy.sha256.len(), 64);
    }

    #[test]
    fn a_core_module_is_told_from_a_component() {
        let anatomy =
            read(r#"(module (import "wasi" "exit" (func)) (memory (export "memory") 1))"#);
        assert!(!anatomy.is_component);
        assert_eq!(anatomy.imports, [("wasi exit".to_owned(), "function")]);
        assert_eq!(anatomy.exports, [("memory".to_owned(), "other")]);
    }

    #[test]
    fn what_is_no_wasm_or_cut_short_is_refused_by_its_place() {
        for bytes in [&b"plain text"[..], b"", b"\0asm\x0d\0\x01\0\x07\xff\xff"] {
            assert!(Anatomy::read(bytes).is_err());
        }
    }
}
