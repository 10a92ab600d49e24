//! [`Row`]: one decision of the file, and how an answer is compared with it.

use durasim::Span;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::vocabulary::to_ms;

/// The crate's answer, by the names of the file.
pub type Found = Map<String, Value>;

#[derive(Deserialize)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub profile: String,
    pub input: Value,
    expected: Map<String, Value>,
}

#[derive(Deserialize)]
struct File {
    rows: Vec<Row>,
}

pub fn load(json: &str) -> Vec<Row> {
    serde_json::from_str::<File>(json).expect("rules.json has rows").rows
}

impl Row {
    /// A field that the answer does not have.
    pub fn unanswered(&self, found: &Found) -> Option<&str> {
        self.expected.keys().find(|field| !found.contains_key(*field)).map(String::as_str)
    }

    /// `id: field: expected .. found ..` for each expected field that the answer has not, or has otherwise.
    pub fn disagreements(&self, found: &Found) -> Vec<String> {
        self.expected
            .iter()
            .filter_map(|(field, expected)| match found.get(field) {
                Some(found) if agree(field, expected, found) => None,
                Some(found) => Some(format!("{}: {field}: expected {expected} found {found}", self.id)),
                None => Some(format!("{}: {field}: expected {expected} found no answer", self.id)),
            })
            .collect()
    }
}

/// Says whether two values are equal as JSON. But `2` is `2.0`, of an object only the expected fields are looked at,
/// and a time longer than a [`Span`] can hold is the longest one.
fn agree(field: &str, expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(expected), Value::Number(found)) => {
            let expected = match expected.as_i64() {
                Some(millis) if field.ends_with("_ms") => to_ms(Span::from_millis(millis)),
                _ => Value::Number(expected.clone()),
            };
            match (expected.as_i64(), found.as_i64()) {
                (Some(expected), Some(found)) => expected == found,
                _ => expected.as_f64() == found.as_f64(),
            }
        }
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(field, expected)| found.get(field).is_some_and(|found| agree(field, expected, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| agree(field, a, b))
        }
        _ => expected == found,
    }
}

#[test]
fn a_wrong_answer_is_a_line() {
    let row = Row {
        id: "kind/01".to_owned(),
        kind: "kind".to_owned(),
        profile: String::new(),
        input: Value::Null,
        expected: serde_json::from_str(r#"{"a": 2, "b_ms": 31536000000000, "c": {"d": [1]}, "e": null}"#).unwrap(),
    };
    let found = |json: &str| row.disagreements(&serde_json::from_str(json).unwrap());
    let right = format!(r#"{{"a": 2.0, "b_ms": {}, "c": {{"d": [1], "x": 0}}, "e": null}}"#, to_ms(Span::MAX));
    assert!(found(&right).is_empty(), "{:?}", found(&right));
    assert_eq!(
        found(r#"{"a": 3, "b_ms": 5, "c": {"d": [1, 2]}}"#),
        [
            "kind/01: a: expected 2 found 3",
            "kind/01: b_ms: expected 31536000000000 found 5",
            r#"kind/01: c: expected {"d":[1]} found {"d":[1,2]}"#,
            "kind/01: e: expected null found no answer",
        ]
    );
}
