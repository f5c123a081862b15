//! `marks`: what kept spans carry beside what they came with.

use crate::buffer::config::{MarkPlace, PolicyMark};
use crate::config::decode::{Fields, Place};

/// Longest name of an attribute, in bytes: it stands on every span.
const ATTRIBUTE_BYTES_MAX: usize = 255;

const PLACES: [(&str, MarkPlace); 3] = [
    ("span", MarkPlace::Span),
    ("scope", MarkPlace::Scope),
    ("resource", MarkPlace::Resource),
];

/// The mark of the policy; none unless its place is set.
pub(super) fn policy_mark(fields: &mut Fields<'_>) -> Option<PolicyMark> {
    let mut marks = fields.section("marks")?;
    let policy = marks.section("policy");
    marks.finish();
    let mut policy = policy?;
    let mut place = None;
    policy.set("place", &mut place, |place| place.choice(&PLACES).map(Some));
    let has_place = policy.peek("place").is_some_and(|place| !place.is_null());
    let mut name = PolicyMark::ATTRIBUTE_DEFAULT.to_owned();
    let attribute = policy.take("attribute");
    if let Some(attribute) = &attribute {
        name = attribute_name(attribute).unwrap_or(name);
    }
    if let Some(attribute) = attribute.filter(|_| !has_place) {
        let advice = "set place as well: span, scope or resource";
        attribute.warning("has no effect without place", advice);
    }
    policy.finish();
    Some(PolicyMark {
        attribute: name,
        place: place?,
    })
}

fn attribute_name(place: &Place<'_>) -> Option<String> {
    let name = place.non_empty_text()?;
    if name.len() > ATTRIBUTE_BYTES_MAX {
        let problem = format!("is longer than {ATTRIBUTE_BYTES_MAX} bytes");
        place.error(problem, "shorten it");
        return None;
    }
    Some(name.to_owned())
}
