//! Documents against types: a key that the type does not know is an error, wherever it stands.
//!
//! Types that skip unknown keys, as those of the Kubernetes API do, are read and written back: a key that does not
//! survive was not one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads `document` as a `T`, of which every key and value has to come back.
///
/// # Errors
/// What is wrong, or where keys or values were lost.
pub(crate) fn read<T: DeserializeOwned + Serialize>(document: &Value) -> Result<T, String> {
    let typed: T = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let back = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    let mut lost = Vec::new();
    find_lost("", document, Some(&back), &mut lost);
    if lost.is_empty() {
        Ok(typed)
    } else {
        Err(format!("unknown: {}", lost.join(", ")))
    }
}

fn find_lost(place: &str, written: &Value, back: Option<&Value>, lost: &mut Vec<String>) {
    match (written, back) {
        (Value::Object(written), Some(Value::Object(back))) => {
            for (key, value) in written {
                find_lost(&format!("{place}/{key}"), value, back.get(key), lost);
            }
        }
        (Value::Array(written), Some(Value::Array(back))) if written.len() == back.len() => {
            for (index, (value, back)) in written.iter().zip(back).enumerate() {
                find_lost(&format!("{place}/{index}"), value, Some(back), lost);
            }
        }
        (written, Some(back)) if written == back => {}
        (written, back) => lost.push(format!("{place} {written} (read as {back:?})")),
    }
}

/// Copies of `document`, each with one key misspelt, and where. Keys directly within what `is_free` says yes to, by its
/// place, are names of one's own choice.
pub(crate) fn misspelt(document: &Value, is_free: &dyn Fn(&str) -> bool) -> Vec<(String, Value)> {
    let mut keys = Vec::new();
    find_keys("", document, is_free, &mut keys);
    let copies = keys.into_iter().map(|(place, key)| {
        let mut copy = document.clone();
        let mapping = copy.pointer_mut(&place).and_then(Value::as_object_mut);
        let mapping = mapping.unwrap();
        let value = mapping.remove(&key).unwrap();
        mapping.insert(format!("{key}x"), value);
        (format!("{place}/{key}"), copy)
    });
    copies.collect()
}

fn find_keys(
    place: &str,
    value: &Value,
    is_free: &dyn Fn(&str) -> bool,
    keys: &mut Vec<(String, String)>,
) {
    match value {
        Value::Object(mapping) => {
            for (key, value) in mapping {
                if !is_free(place) {
                    keys.push((place.to_owned(), key.clone()));
                }
                // As JSON pointers want it.
                let step = key.replace('~', "~0").replace('/', "~1");
                find_keys(&format!("{place}/{step}"), value, is_free, keys);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_keys(&format!("{place}/{index}"), item, is_free, keys);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_a_document_is_misspelt_once_but_free_ones() {
    let document = serde_json::json!({"a": [{"b": 1}], "free": {"mine": {"c": 2}}});
    let copies = misspelt(&document, &|place| place == "/free");
    let places: Vec<&str> = copies.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["/a", "/a/0/b", "/free", "/free/mine/c"]);
    assert_eq!(
        copies[1].1,
        serde_json::json!({"a": [{"bx": 1}], "free": {"mine": {"c": 2}}})
    );
}
