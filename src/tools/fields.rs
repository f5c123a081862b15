//! The fields of a protobuf message one by one, with the offset of each value, for counting and for patching in place.
//!
//! Reads field numbers up to 2^29 - 1 and the wire types that OTLP uses; groups, which it does not, are malformed here.

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field's number.
    pub number: u64,
    /// Its value.
    pub value: Value<'a>,
    /// Offset of the value's first byte, counted from the start of the outermost message.
    pub at: usize,
}

/// A field's value by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: bytes, text, or a message.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// The bytes are no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf at byte {at}")]
pub struct Malformed {
    /// Where reading stopped, from the start of the outermost message.
    pub at: usize,
}

/// Iterates over the fields of one message; ends after the first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of an outermost message.
    #[must_use]
    pub fn of(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            at: 0,
        }
    }

    /// Calls `visit` with each field of number `number` that holds bytes, skipping all others.
    ///
    /// # Errors
    /// [`Malformed`], or the first error of `visit`.
    pub fn each(
        self,
        number: u64,
        mut visit: impl FnMut(Fields<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        for field in self {
            let field = field?;
            if let Some(inner) = field.message().filter(|_| field.number == number) {
                visit(inner)?;
            }
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        self.at += N;
        Some(*head)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn field(&mut self) -> Option<Field<'a>> {
        let tag = self.varint()?;
        let number = tag >> 3;
        let mut at = self.at;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.take()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                at = self.at;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                self.at += length;
                Value::Bytes(bytes)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.take()?)),
            _ => return None,
        };
        (number != 0).then_some(Field { number, value, at })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Malformed { at: self.at });
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// The value as a message, if it holds bytes.
    #[must_use]
    pub fn message(&self) -> Option<Fields<'a>> {
        match self.value {
            Value::Bytes(rest) => Some(Fields { rest, at: self.at }),
            _ => None,
        }
    }
}

/// Counts the spans of an `ExportTraceServiceRequest` without looking into them.
///
/// # Errors
/// [`Malformed`] when the request's outer three levels can't be read.
pub fn count_spans(request: &[u8]) -> Result<u64, Malformed> {
    let mut spans = 0;
    each_span(request, |_| {
        spans += 1;
        Ok(())
    })?;
    Ok(spans)
}

/// Visits every span of an `ExportTraceServiceRequest` in order.
///
/// # Errors
/// [`Malformed`], or the first error of `visit`.
pub fn each_span<'a>(
    request: &'a [u8],
    mut visit: impl FnMut(Fields<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    Fields::of(request).each(1, |resource_spans| {
        resource_spans.each(2, |scope_spans| scope_spans.each(2, &mut visit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message;

    #[test]
    fn spans_are_counted_over_all_resources_and_scopes() {
        let scope = |spans| ScopeSpans {
            spans: vec![Span::default(); spans],
            schema_url: "x".into(),
            ..ScopeSpans::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![
                ResourceSpans {
                    scope_spans: vec![scope(2), scope(0), scope(3)],
                    ..ResourceSpans::default()
                },
                ResourceSpans {
                    scope_spans: vec![scope(1)],
                    schema_url: "y".into(),
                    ..ResourceSpans::default()
                },
            ],
        };
        assert_eq!(count_spans(&request.encode_to_vec()), Ok(6));
        assert_eq!(count_spans(&[]), Ok(0));
    }

    #[test]
    fn a_cut_message_is_malformed_and_says_where() {
        assert_eq!(count_spans(&[0x0a, 5, 1]), Err(Malformed { at: 2 }));
        assert_eq!(count_spans(&[0x0b]), Err(Malformed { at: 1 }));
        assert_eq!(count_spans(&[0x08, 0xff]), Err(Malformed { at: 2 }));
    }

    #[test]
    fn offsets_count_from_the_outermost_message() {
        let bytes = [0x0a, 4, 0x12, 2, 7, 8];
        let outer = Fields::of(&bytes).next().unwrap().unwrap();
        let inner = outer.message().unwrap().next().unwrap().unwrap();
        assert_eq!((inner.number, inner.at), (2, 4));
        assert_eq!(inner.value, Value::Bytes(&[7, 8]));
    }
}
