//! Indices: `["key"]` into maps, `[0]` into lists.

use super::error::Reason;
use super::value::Value;

/// The value of `key` in `container`; none if it is a map without that key.
///
/// # Errors
/// [`Reason`] where `container` is neither map nor list, `key` does not fit it, or is beyond the list's end.
pub(super) fn lookup<'e>(
    container: &Value<'e>,
    key: &Value<'_>,
) -> Result<Option<Value<'e>>, Reason> {
    match (container, key) {
        (Value::Map(map), Value::Text(key)) => Ok(map.get(key)),
        (Value::List(list), Value::Int(index)) => {
            let index = usize::try_from(*index).ok();
            let item = index.and_then(|index| list.iter().nth(index));
            item.map(Some).ok_or(Reason::IndexOutOfBounds)
        }
        _ => Err(Reason::NotIndexable {
            container: container.type_name(),
            key: key.type_name(),
        }),
    }
}
