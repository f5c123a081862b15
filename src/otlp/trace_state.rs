//! The W3C `tracestate` header: its members, read in place.
//!
//! One malformed or repeated member, or more than [`MEMBERS_MAX`], voids the whole header; empty members are passed
//! over; blanks are trimmed left of a key and right of a value. Source: W3C Trace Context, as the collector's library
//! reads it.

/// Most members of a header.
pub(crate) const MEMBERS_MAX: usize = 32;

/// The members of a valid header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members<'a> {
    /// Key and value, in order; the first `count` of them.
    members: [(&'a [u8], &'a [u8]); MEMBERS_MAX],
    count: usize,
}

/// A header that is to be read as if it were not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid;

impl<'a> Members<'a> {
    /// Reads `header`.
    ///
    /// # Errors
    /// [`Invalid`] where any of it is.
    pub(crate) fn parse(header: &'a [u8]) -> Result<Self, Invalid> {
        let mut members = Self {
            members: [(&[], &[]); MEMBERS_MAX],
            count: 0,
        };
        for member in header.split(|byte| *byte == b',') {
            if member.is_empty() {
                continue;
            }
            let equals = member
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or(Invalid)?;
            let (key, value) = member.split_at(equals);
            let (key, value) = (
                trimmed_left(key),
                trimmed_right(value.get(1..).unwrap_or(&[])),
            );
            if !is_key(key) || !is_value(value) || members.get(key).is_some() {
                return Err(Invalid);
            }
            *members.members.get_mut(members.count).ok_or(Invalid)? = (key, value);
            members.count += 1;
        }
        Ok(members)
    }

    /// Key and value of each member, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.members.iter().take(self.count).copied()
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.iter()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trimmed_left(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| !is_blank(*byte))
        .unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

fn trimmed_right(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| !is_blank(*byte))
        .map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// `vendor`, or `tenant@system`.
fn is_key(key: &[u8]) -> bool {
    let starts_lowercase = |part: &[u8]| part.first().is_some_and(u8::is_ascii_lowercase);
    match key.iter().position(|byte| *byte == b'@') {
        None => starts_lowercase(key) && is_key_part(key, 256),
        Some(at) => {
            let (tenant, system) = key.split_at(at);
            let system = system.get(1..).unwrap_or_default();
            let tenant_starts = tenant
                .first()
                .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
            tenant_starts
                && is_key_part(tenant, 241)
                && starts_lowercase(system)
                && is_key_part(system, 14)
        }
    }
}

fn is_key_part(part: &[u8], length_max: usize) -> bool {
    part.len() <= length_max
        && part.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(byte)
        })
}

/// Printable ASCII without comma and equals sign.
fn is_value(value: &[u8]) -> bool {
    let is_printable = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b',' && *byte != b'=';
    (1..=256).contains(&value.len()) && value.iter().all(is_printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<Vec<(String, String)>> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let members = Members::parse(header.as_bytes()).ok()?;
        Some(
            members
                .iter()
                .map(|(key, value)| (text(key), text(value)))
                .collect(),
        )
    }

    #[test]
    fn members_are_read_in_order_and_without_the_blanks_around_them() {
        let expected = [("a", " 1"), ("t@b-c", "x y"), ("z/*_9", "3")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(
            read(" a= 1 ,,t@b-c=x y,\tz/*_9=3\t"),
            Some(expected.to_vec())
        );
        assert_eq!(read(""), Some(Vec::new()));
    }

    #[test]
    fn one_bad_member_voids_the_whole_header() {
        for bad in [
            "b", "b=", "B=1", "1=2", "b==", "b=1=2", "b =1", "a=2", "@b=1", "t@=1", "t@1=1", "é=1",
            "b=é", " ",
        ] {
            assert_eq!(read(&format!("a=1,{bad}")), None, "{bad}");
        }
        let long_key = "k".repeat(257);
        assert_eq!(read(&format!("{long_key}=1")), None);
        assert!(read(&format!("{}=1", &long_key[1..])).is_some());
        assert_eq!(read(&format!("k={}", "v".repeat(257))), None);
    }

    #[test]
    fn more_than_32_members_void_the_header() {
        let members: Vec<String> = (0..33).map(|index| format!("k{index}=1")).collect();
        assert_eq!(
            read(&members[..32].join(",")).map(|members| members.len()),
            Some(32)
        );
        assert_eq!(read(&members.join(",")), None);
    }
}
