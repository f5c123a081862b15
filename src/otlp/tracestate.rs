//! W3C tracestate, `key=value` members divided by commas, as the collector reads it.
//!
//! A bad or repeated member, or more than 32 of them, voids the whole header; empty members are skipped. Blanks are
//! trimmed left of a key and right of a value. Source: W3C Trace Context, section 3.3, and Go's `trace.ParseTraceState`.

/// Most members of a tracestate.
const MEMBERS_MAX: usize = 32;
const KEY_CHARACTERS_MAX: usize = 256;
const TENANT_CHARACTERS_MAX: usize = 241;
const SYSTEM_CHARACTERS_MAX: usize = 14;
const VALUE_CHARACTERS_MAX: usize = 256;

/// The value under `key`; `None` where there is none or the header is void.
#[must_use]
pub fn value_of<'a>(header: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let mut found = None;
    let mut keys = [[].as_slice(); MEMBERS_MAX];
    let mut count = 0;
    for member in header.split(|byte| *byte == b',') {
        if member.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            continue;
        }
        let (name, value) = parse_member(member)?;
        let (before, rest) = keys.split_at_mut_checked(count)?;
        if before.contains(&name) {
            return None;
        }
        *rest.first_mut()? = name;
        count += 1;
        if name == key.as_bytes() {
            found = Some(value);
        }
    }
    found
}

fn parse_member(member: &[u8]) -> Option<(&[u8], &[u8])> {
    let middle = member.iter().position(|byte| *byte == b'=')?;
    let (key, value) = member.split_at_checked(middle)?;
    let key = trim_start(key);
    let value = trim_end(value.get(1..)?);
    (is_key(key) && is_value(value)).then_some((key, value))
}

fn is_key(key: &[u8]) -> bool {
    let is_rest = |part: &[u8]| part.iter().all(|byte| is_key_character(*byte));
    let begins_with = |part: &[u8], is_begin: fn(&u8) -> bool| part.first().is_some_and(is_begin);
    let mut parts = key.splitn(2, |byte| *byte == b'@');
    match (parts.next(), parts.next()) {
        (Some(tenant), Some(system)) => {
            tenant.len() <= TENANT_CHARACTERS_MAX
                && system.len() <= SYSTEM_CHARACTERS_MAX
                && begins_with(tenant, |byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit()
                })
                && begins_with(system, u8::is_ascii_lowercase)
                && is_rest(tenant)
                && is_rest(system)
        }
        _ => {
            key.len() <= KEY_CHARACTERS_MAX
                && begins_with(key, u8::is_ascii_lowercase)
                && is_rest(key)
        }
    }
}

fn is_key_character(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/')
}

fn is_value(value: &[u8]) -> bool {
    let is_fine = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b',' | b'=');
    !value.is_empty()
        && value.len() <= VALUE_CHARACTERS_MAX
        && value.last() != Some(&b' ')
        && value.iter().all(is_fine)
}

fn trim_start(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    text.get(begin.unwrap_or(text.len())..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
    text.get(..end.map_or(0, |last| last + 1))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(header: &str) -> Option<String> {
        let value = value_of(header.as_bytes(), "vendor")?;
        Some(String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn a_value_is_found_under_its_key() {
        assert_eq!(vendor("vendor=a"), Some("a".to_owned()));
        assert_eq!(vendor("x=1, vendor=a b ,,y=2"), Some("a b".to_owned()));
        assert_eq!(vendor("x=1"), None);
        assert_eq!(vendor(""), None);
    }

    #[test]
    fn a_bad_or_repeated_member_voids_the_header() {
        assert_eq!(vendor("vendor=a,X=1"), None);
        assert_eq!(vendor("vendor=a,nothing"), None);
        assert_eq!(vendor("vendor=a,vendor=b"), None);
        assert_eq!(vendor("vendor=a,x=\u{e9}"), None);
        assert_eq!(vendor("vendor =a"), None);
    }

    #[test]
    fn at_most_32_members_count() {
        let members = |count: usize| {
            let others = (1..count).map(|index| format!("k{index}=1"));
            let all: Vec<String> = others.chain(["vendor=a".to_owned()]).collect();
            all.join(",")
        };
        assert_eq!(vendor(&members(32)), Some("a".to_owned()));
        assert_eq!(vendor(&members(33)), None);
    }

    #[test]
    fn a_tenant_may_begin_with_a_digit_and_a_system_may_not() {
        assert!(is_key(b"1t@vendor") && !is_key(b"1t") && !is_key(b"t@1v") && !is_key(b"t@"));
    }
}
