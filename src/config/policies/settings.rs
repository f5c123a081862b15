//! The settings of one policy: under the name of its type, as the collector wants them, or beside `type` (inline).

use super::warn_of_skipped;
use crate::config::decode::{Fields, Place};

/// Both places where settings may stand.
pub(super) struct Settings<'a> {
    /// The policy itself.
    policy: Fields<'a>,
    /// What stands under the type's name, when that is a mapping.
    own: Option<Fields<'a>>,
    /// What stands under the type's name, when it is a list or a scalar: the short form of some types.
    short_form: Option<Place<'a>>,
    type_name: &'static str,
    /// Policies around this one.
    depth: usize,
}

impl<'a> Settings<'a> {
    pub(super) fn new(mut policy: Fields<'a>, type_name: &'static str, depth: usize) -> Self {
        let own = policy.take(type_name);
        let (own, short_form) = match own {
            Some(place) if place.is_mapping() => (Some(place.fields()), None),
            other => (None, other),
        };
        Self {
            policy,
            own,
            short_form,
            type_name,
            depth,
        }
    }

    /// How many policies are around this one.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The policy, for findings about several of its settings together.
    pub(super) fn place(&self) -> &Place<'a> {
        match &self.own {
            Some(own) => own.place(),
            None => self.policy.place(),
        }
    }

    /// The value of `key` from either place; `None` when it is absent or null.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Place<'a>> {
        let own = self.own.as_mut().and_then(|own| own.take(key));
        let inline = self.policy.take(key);
        if let (Some(_), Some(inline)) = (&own, &inline) {
            let problem = format!("stands under {} as well", self.type_name);
            inline.error(problem, "keep one of them");
        }
        own.or(inline)
    }

    /// Reads the value of `key` into `target`; leaves it when the key is absent, null or wrong (which is reported).
    pub(super) fn set<T>(
        &mut self,
        key: &'static str,
        target: &mut T,
        read: impl FnOnce(&Place<'a>) -> Option<T>,
    ) {
        if let Some(value) = self.take(key).and_then(|place| read(&place)) {
            *target = value;
        }
    }

    /// The short form, for types that have one; others report it in [`Settings::finish`].
    pub(super) fn take_short_form(&mut self) -> Option<Place<'a>> {
        self.short_form.take()
    }

    /// Reports what nobody asked for.
    pub(super) fn finish(mut self) {
        if let Some(short_form) = self.short_form {
            short_form.fields().finish();
        }
        if let Some(own) = self.own {
            own.finish();
        }
        warn_of_skipped(&mut self.policy, self.type_name);
        self.policy.finish();
    }
}
