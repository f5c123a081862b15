//! Who a component is: its hash, and the version that its maker wrote into it.

use ring::digest;

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The text of the custom section `version`, which registries and toolchains write; of a component's own sections, not
/// of those of modules within it.
pub(super) fn version(component: &[u8]) -> Option<String> {
    const HEADER_BYTES: usize = 8;
    const CUSTOM: u8 = 0;
    const VERSION_BYTES_MAX: usize = 64;
    let mut rest = component.get(HEADER_BYTES..)?;
    while let Some((id, after)) = rest.split_first() {
        let (size, after) = leb128(after)?;
        let (section, next) = after.split_at_checked(size)?;
        rest = next;
        if *id != CUSTOM {
            continue;
        }
        let (name_bytes, content) = leb128(section)?;
        let (name, content) = content.split_at_checked(name_bytes)?;
        if name == b"version" {
            let text = str::from_utf8(content).ok()?;
            let is_plain = text.chars().all(|c| c.is_ascii_graphic());
            return (is_plain && text.len() <= VERSION_BYTES_MAX).then(|| text.to_owned());
        }
    }
    None
}

/// An unsigned number of at most 32 bits, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value: u64 = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_component_and_not_of_a_module_within_it() {
        let with = |sections: &str| {
            let text = format!("(component (core module (@custom \"version\" \"9\")) {sections})");
            version(&wat::parse_str(text).unwrap())
        };
        assert_eq!(
            with("(@custom \"version\" \"1.2.3\")"),
            Some("1.2.3".to_owned())
        );
        assert_eq!(with(""), None);
        assert_eq!(with("(@custom \"version\" \"1\\n2\")"), None);
        assert_eq!(version(b"\0asm"), None);
        assert_eq!(
            version(b"\0asm\x0d\0\x01\0\0\xff\xff\xff\xff\xff\x01"),
            None
        );
    }
}
