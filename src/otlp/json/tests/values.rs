//! Attribute values.

use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::{attribute, value, value_error};

#[test]
fn each_member_of_a_value_is_read() {
    assert_eq!(
        value(r#"{"stringValue":"a\u00e9\n"}"#),
        Some(Value::StringValue("aé\n".to_owned()))
    );
    assert_eq!(value(r#"{"boolValue":true}"#), Some(Value::BoolValue(true)));
    assert_eq!(value(r#"{"intValue":"-3"}"#), Some(Value::IntValue(-3)));
    assert_eq!(
        value(r#"{"doubleValue":0.1}"#),
        Some(Value::DoubleValue(0.1))
    );
    assert_eq!(
        value(r#"{"bytesValue":"AQI="}"#),
        Some(Value::BytesValue(vec![1, 2]))
    );
    assert_eq!(
        value(r#"{"stringValueStrindex":5}"#),
        Some(Value::StringValueStrindex(5))
    );
    assert_eq!(attribute(r#"{"keyStrindex":-6}"#).key_strindex, -6);
}

#[test]
fn zeros_and_empty_values_are_values() {
    assert_eq!(
        value(r#"{"stringValue":""}"#),
        Some(Value::StringValue(String::new()))
    );
    assert_eq!(
        value(r#"{"boolValue":false}"#),
        Some(Value::BoolValue(false))
    );
    assert_eq!(value(r#"{"intValue":0}"#), Some(Value::IntValue(0)));
    assert_eq!(value(r#"{"doubleValue":0}"#), Some(Value::DoubleValue(0.0)));
    assert_eq!(
        value(r#"{"bytesValue":""}"#),
        Some(Value::BytesValue(Vec::new()))
    );
    assert!(matches!(
        value(r#"{"arrayValue":{}}"#),
        Some(Value::ArrayValue(_))
    ));
    assert!(matches!(
        value(r#"{"kvlistValue":{}}"#),
        Some(Value::KvlistValue(_))
    ));
}

#[test]
fn an_empty_value_stays_an_attribute_without_a_value() {
    assert_eq!(value("{}"), None);
    assert_eq!(value(r#"{"stringValue":null}"#), None);
    assert_eq!(value(r#"{"futureValue":{"deep":[1]}}"#), None);
}

#[test]
fn integers_are_numbers_or_strings_and_must_be_integral() {
    for (json, expected) in [
        ("9223372036854775807", i64::MAX),
        ("\"-9223372036854775808\"", i64::MIN),
        ("1e3", 1000),
        ("\"1e3\"", 1000),
        ("1.0", 1),
        ("-2.50e1", -25),
        ("-0", 0),
    ] {
        assert_eq!(
            value(&format!(r#"{{"intValue":{json}}}"#)),
            Some(Value::IntValue(expected)),
            "{json}"
        );
    }
    for json in [
        "9223372036854775808",
        "0.5",
        "1e19",
        "\"1e300\"",
        "\"one\"",
        "\"\\\"1\\\"\"",
        "false",
    ] {
        value_error(&format!(r#"{{"intValue":{json}}}"#), "intValue");
    }
}

#[test]
fn doubles_are_numbers_or_strings_exact_to_the_last_bit() {
    for (json, expected) in [
        ("1", 1.0),
        ("-7", -7.0),
        ("\"2.5\"", 2.5),
        ("18446744073709551615", 18_446_744_073_709_551_615.0),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", f64::MAX),
        ("0.1e1", 1.0),
        ("-0.0", -0.0),
        ("\"Infinity\"", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
        ("\"NaN\"", f64::NAN),
    ] {
        let Some(Value::DoubleValue(double)) = value(&format!(r#"{{"doubleValue":{json}}}"#))
        else {
            panic!("{json} is no double");
        };
        assert_eq!(double.to_bits(), f64::to_bits(expected), "{json}");
    }
    for json in [
        "\"nan\"",
        "\"inf\"",
        "\"\"",
        "\" 1\"",
        "1e999",
        "\"1e999\"",
        "true",
    ] {
        value_error(&format!(r#"{{"doubleValue":{json}}}"#), "doubleValue");
    }
}

#[test]
fn bytes_are_base64_of_either_alphabet_with_or_without_padding() {
    for json in ["-_8=", "+/8=", "-_8", "+/8"] {
        let bytes = value(&format!(r#"{{"bytesValue":"{json}"}}"#));
        assert_eq!(bytes, Some(Value::BytesValue(vec![0xfb, 0xff])), "{json}");
    }
    for json in ["+_8=", "A", "AQ=I", "A Q=", "é"] {
        let reason = value_error(&format!(r#"{{"bytesValue":"{json}"}}"#), "bytesValue");
        assert_eq!(
            reason,
            format!("invalid value: string \"{json}\", expected base64")
        );
    }
}

#[test]
fn arrays_and_lists_of_pairs_nest() {
    let json = r#"{"arrayValue":{"values":[
        {"stringValue":"a"}, {},
        {"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}]}}
    ]}}"#;
    let Some(Value::ArrayValue(array)) = value(json) else {
        panic!("no array");
    };
    assert_eq!(array.values.len(), 3);
    assert_eq!(array.values[1].value, None);
    let Some(Value::KvlistValue(pairs)) = &array.values[2].value else {
        panic!("no list of pairs");
    };
    assert_eq!(pairs.values[0].key, "k");
}

#[test]
fn two_members_of_one_value_are_an_error_and_null_is_none() {
    let reason = value_error(r#"{"stringValue":"a","intValue":1}"#, "intValue");
    assert_eq!(reason, "the field is set already");
    value_error(r#"{"intValue":1,"int_value":1}"#, "int_value");
    assert_eq!(
        value(r#"{"stringValue":null,"intValue":1}"#),
        Some(Value::IntValue(1))
    );
    assert_eq!(
        value(r#"{"intValue":1,"stringValue":null}"#),
        Some(Value::IntValue(1))
    );
}

#[test]
fn values_of_another_type_are_errors() {
    assert_eq!(
        value_error(r#"{"stringValue":5}"#, "stringValue"),
        "invalid type: integer `5`, expected a string"
    );
    value_error(r#"{"boolValue":"true"}"#, "boolValue");
    value_error(r#"{"boolValue":1}"#, "boolValue");
    value_error(r#"{"arrayValue":[]}"#, "arrayValue");
    value_error(r#"{"kvlistValue":{"values":{}}}"#, "kvlistValue.values");
}
