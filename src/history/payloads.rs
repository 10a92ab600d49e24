//! Payloads: data in base64, with metadata that says how it is encoded.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::HistoryProblem;
use super::fields::Fields;
use crate::program::{Details, Encoded, Fields as Named, Payload};

/// The payload of no value.
const NULL: &[u8] = b"null";

/// The encodings whose data is the value as native code decodes it.
const PLAIN: [&str; 4] = ["", "json/plain", "json/protobuf", "binary/plain"];

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl Fields<'_> {
    /// The payload in a field that nothing decodes.
    pub(super) fn payload(self, name: &str) -> Result<Payload, HistoryProblem> {
        let list = self.list(name)?.unwrap_or_default();
        if self.has_envelopes {
            return Ok(Encoded::into_payload(&list));
        }
        Ok(list.first().map_or(Payload::new(NULL), bare))
    }

    /// The payload in a field that code decodes. Native code takes one at most, in an encoding that is the value itself.
    pub(super) fn value(self, name: &str) -> Result<Payload, HistoryProblem> {
        let list = self.list(name)?.unwrap_or_default();
        if self.has_envelopes {
            return Ok(Encoded::into_payload(&list));
        }
        let one = match &*list {
            [] => return Ok(Payload::new(NULL)),
            [one] => one,
            several => {
                let count = several.len();
                return Err(self.malformed(format!(
                    "its `{name}` has {count} payloads, and native code takes one value: put the arguments into one struct"
                )));
            }
        };
        let encoding = encoding(one);
        if encoding == "binary/null" || PLAIN.contains(&&*encoding) {
            return Ok(bare(one));
        }
        Err(self.malformed(format!(
            "its `{name}` is encoded as `{encoding}`, which native code does not decode: fetch the history with the \
             `--codec-endpoint` of your codec, or replay it with the SDK's code"
        )))
    }

    /// The JSON in a field, whoever has written it.
    pub(super) fn plain_value(self, name: &str) -> Result<Payload, HistoryProblem> {
        self.with_envelopes(false).value(name)
    }

    /// The payloads in a field by their names: `{"fields": {"key": {..}}}`, under the name that the messages of the field have.
    pub(super) fn named(self, name: &str, inner: &str) -> Result<Named, HistoryProblem> {
        let Some(Value::Object(values)) = self.message_or_empty(name)?.get(inner) else { return Ok(Named::new()) };
        let named = values.iter().map(|(key, value)| {
            let one = self.one(name, value)?;
            let payload = if self.has_envelopes { Encoded::into_payload(&[one]) } else { bare(&one) };
            Ok((key.as_str().into(), payload))
        });
        named.collect()
    }

    /// The details in a field, which may be absent.
    pub(super) fn details(self, name: &str) -> Result<Details, HistoryProblem> {
        Ok(match self.list(name)? {
            None => Details::Absent,
            Some(list) if list.is_empty() => Details::Empty,
            Some(_) => Details::Payload(self.payload(name)?),
        })
    }

    /// The payloads in a field: `{"payloads": [..]}`, or the list of their values as JSON that the command line writes for
    /// people. `None` if the field is absent.
    fn list(self, name: &str) -> Result<Option<Vec<Encoded>>, HistoryProblem> {
        let values = match self.get(name) {
            None => return Ok(None),
            Some(Value::Array(values)) => values,
            Some(Value::Object(message)) => match message.get("payloads") {
                None | Some(Value::Null) => return Ok(Some(Vec::new())),
                Some(Value::Array(payloads)) => payloads,
                Some(_) => return Err(self.wrong(name, "a list of payloads")),
            },
            Some(_) => return Err(self.wrong(name, "a list of payloads")),
        };
        values.iter().map(|value| self.one(name, value)).collect::<Result<_, _>>().map(Some)
    }

    fn one(self, name: &str, value: &Value) -> Result<Encoded, HistoryProblem> {
        let bytes = |value: &Value, part: &str| {
            let text = value.as_str().and_then(decode);
            text.ok_or_else(|| self.wrong(name, &format!("a payload with {part} in base64")))
        };
        let data = match value.get("data") {
            None | Some(Value::Null) => Vec::new(),
            Some(data) => bytes(data, "data")?,
        };
        match value.get("metadata").and_then(Value::as_object) {
            Some(metadata) => {
                let metadata = metadata.iter().map(|(key, value)| Ok((key.clone(), bytes(value, "metadata")?)));
                Ok(Encoded::with_metadata(metadata.collect::<Result<Vec<_>, HistoryProblem>>()?, data))
            }
            None if value.get("data").is_some_and(Value::is_string) => Ok(Encoded::with_metadata([], data)),
            None if value.is_null() => Ok(Encoded::new("binary/null", [])),
            None => Ok(Encoded::new("json/plain", value.to_string())),
        }
    }
}

/// The way in which a payload says to be encoded.
fn encoding(payload: &Encoded) -> String {
    payload.metadata.get("encoding").map(|encoding| String::from_utf8_lossy(encoding).into_owned()).unwrap_or_default()
}

/// The data of a payload, as native code decodes it.
fn bare(payload: &Encoded) -> Payload {
    if encoding(payload) == "binary/null" { Payload::new(NULL) } else { Payload::new(&payload.data) }
}

/// Decodes base64 in either alphabet, with padding or without.
fn decode(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    GeneralPurpose::new(&alphabet, LENIENT).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(field: &Value) -> Result<String, String> {
        let event = json!({ "input": field });
        let payload = Fields::new(1, "WORKFLOW_EXECUTION_STARTED", event.as_object()).value("input");
        payload.map(|payload| payload.to_string()).map_err(|why| why.to_string())
    }

    #[test]
    fn a_payload_is_its_data() {
        let payloads = |payload: Value| json!({ "payloads": [payload] });
        let json = json!({ "metadata": { "encoding": "anNvbi9wbGFpbg==" }, "data": "eyJhIjoxfQ==" });
        assert_eq!(value(&payloads(json.clone())).unwrap(), "{\"a\":1}");
        let null = json!({ "metadata": { "encoding": "YmluYXJ5L251bGw=" } });
        assert_eq!(value(&payloads(null)).unwrap(), "null");
        assert_eq!(value(&json!({})).unwrap(), "null");
        assert_eq!(value(&json!({ "payloads": [] })).unwrap(), "null");
        assert_eq!(value(&Value::Null).unwrap(), "null");
        // Without padding, in the other alphabet, and as the command line writes it for people.
        assert_eq!(value(&payloads(json!({ "metadata": {}, "data": "Pz8_" }))).unwrap(), "???");
        assert_eq!(value(&json!([{ "a": 1 }])).unwrap(), "{\"a\":1}");
        let encrypted = json!({ "metadata": { "encoding": "YmluYXJ5L2VuY3J5cHRlZA==" }, "data": "AA==" });
        assert!(value(&payloads(encrypted)).unwrap_err().contains("encoded as `binary/encrypted`"));
        assert!(value(&json!({ "payloads": [json, json] })).unwrap_err().contains("has 2 payloads"));
        assert!(value(&payloads(json!({ "metadata": {}, "data": "?" }))).unwrap_err().contains("in base64"));
        assert!(value(&json!(5)).unwrap_err().contains("a list of payloads"));
    }

    #[test]
    fn code_of_an_sdk_gets_the_metadata() {
        let encrypted =
            json!({ "metadata": { "encoding": "YmluYXJ5L2VuY3J5cHRlZA==", "key": "MQ==" }, "data": "AA==" });
        let event = json!({ "result": { "payloads": [encrypted, encrypted] }, "plain": [1], "none": [] });
        let fields = Fields::new(1, "ACTIVITY_TASK_COMPLETED", event.as_object()).with_envelopes(true);
        let found = Encoded::from_payload(&fields.value("result").unwrap());
        assert_eq!((found.len(), &found[0]), (2, &found[1]));
        assert_eq!((&found[0].metadata["key"][..], &found[0].data[..]), (&b"1"[..], &[0][..]));
        assert_eq!(fields.details("plain").unwrap(), Details::Payload(Payload::new("1")));
        assert_eq!(
            (fields.details("none").unwrap(), fields.details("absent").unwrap()),
            (Details::Empty, Details::Absent)
        );
    }
}
