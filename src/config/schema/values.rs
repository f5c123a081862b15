//! One kind of value each: what the methods of `decode` take.
//!
//! Every one may come from the environment: a text with `${` in it is taken for whatever is wanted.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Declares a kind of value: its name in the schema, and the schema.
macro_rules! value {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

value!(
    /// Whatever the environment says.
    Variable,
    {
        "description": "A value from the environment: ${env:NAME} or ${env:NAME:-default}",
        "type": "string",
        "pattern": "\\$\\{"
    }
);

value!(NonEmptyText, { "type": "string", "minLength": 1 });

value!(
    Boolean,
    { "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": "\\$\\{" }] }
);

value!(
    /// As the collector decodes a whole number: a fraction is cut off.
    Number,
    { "anyOf": [{ "type": "number" }, { "type": "string", "pattern": "\\$\\{" }] }
);

value!(
    UnsignedNumber,
    {
        "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": "\\$\\{" }
        ]
    }
);

value!(
    /// Of either sign; a bare number is in nanoseconds, as in the collector.
    Window,
    {
        "description": "A duration such as 30s, 1m30s, 500ms or 1d; a bare number is in nanoseconds",
        "anyOf": [
            { "type": "number" },
            {
                "type": "string",
                "pattern": "^[+-]?(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h|d))+)$|\\$\\{"
            }
        ]
    }
);

value!(
    Duration,
    {
        "description": "A duration such as 30s, 1m30s, 500ms or 1d, longer than 0",
        "type": "string",
        "pattern": "^\\+?(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h|d))+$|\\$\\{"
    }
);

value!(
    DurationOrZero,
    {
        "description": "A duration such as 30s, 1m30s, 500ms or 1d; 0 for none",
        "anyOf": [
            { "const": 0 },
            {
                "type": "string",
                "pattern": "^[+-]?(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h|d))+)$|\\$\\{"
            }
        ]
    }
);

value!(
    DurationOrSeconds,
    {
        "description": "A duration such as 30s, 1m30s, 500ms or 1d; a bare number is in seconds",
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            {
                "type": "string",
                "pattern": "^\\+?(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h|d))+$|\\$\\{"
            }
        ]
    }
);

value!(
    Size,
    {
        "description": "A size such as 512MiB, 1.5GiB, 64KB (1,000 bytes each) or 64KiB (1,024), or a number of bytes",
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            {
                "type": "string",
                "pattern": "^([0-9]+\\.?[0-9]*|\\.[0-9]+)\\s*([bB]|[kKmMgGtT][bB]|[kKmMgGtT][iI][bB]?)$|\\$\\{"
            }
        ]
    }
);

value!(
    Address,
    {
        "description": "An IP address or localhost, and a port: 127.0.0.1:4317, 0.0.0.0:4317, [::1]:4317",
        "type": "string",
        "pattern": "^(localhost|[0-9]+(\\.[0-9]+){3}|\\[[^\\]]+\\]):[0-9]{1,5}$|\\$\\{"
    }
);

value!(
    Url,
    {
        "description": "An http:// or https:// URL",
        "type": "string",
        "pattern": "^https?://|\\$\\{"
    }
);

value!(
    Timestamp,
    {
        "description": "A point in time as RFC 3339 writes it: 2026-08-01T12:00:00Z",
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$|\\$\\{"
    }
);

value!(
    Sha256,
    {
        "description": "64 hexadecimal digits, as sha256sum prints them",
        "anyOf": [
            { "type": "string", "pattern": "^[0-9a-fA-F]{64}$|\\$\\{" },
            { "type": "number" }
        ]
    }
);

value!(
    /// As the collector decodes a list of strings.
    Texts,
    {
        "description": "A list of strings, or one string that is split at its commas",
        "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } }
        ]
    }
);

/// A whole number of some range.
pub(super) struct Count<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> JsonSchema for Count<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Count{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": MIN, "maximum": MAX },
                { "type": "string", "pattern": "\\$\\{" },
            ]
        })
    }
}

/// One of some names.
pub(super) struct Choice<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Choice<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ChoiceOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names = generator.subschema_for::<T>();
        let variable = generator.subschema_for::<Variable>();
        json_schema!({ "anyOf": [names, variable] })
    }
}

/// A list, for which one item may stand.
pub(super) struct OneOrMany<T, const MAX: u64>(PhantomData<T>);

impl<T: JsonSchema, const MAX: u64> JsonSchema for OneOrMany<T, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [item, { "type": "array", "items": item, "maxItems": MAX }] })
    }
}
