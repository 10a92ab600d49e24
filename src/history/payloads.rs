//! Payloads: data in base64, with metadata that says how it is encoded.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::HistoryProblem;
use super::fields::Fields;
use crate::program::{Details, Payload};

/// The payload of no value.
const NULL: &[u8] = b"null";

/// The encodings whose data is the value as native code decodes it.
const PLAIN: [&str; 4] = ["", "json/plain", "json/protobuf", "binary/plain"];

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl Fields<'_> {
    /// The payload in a field that nothing decodes.
    pub(super) fn payload(self, name: &str) -> Result<Payload, HistoryProblem> {
        Ok(self.list(name)?.unwrap_or_default().into_iter().next().map_or(Payload::new(NULL), |one| one.payload))
    }

    /// The payload in a field that code decodes: one at most, and in an encoding that is the value itself.
    pub(super) fn value(self, name: &str) -> Result<Payload, HistoryProblem> {
        let list = self.list(name)?.unwrap_or_default();
        if let [_, _, ..] = &*list {
            let count = list.len();
            return Err(self.malformed(format!(
                "its `{name}` has {count} payloads, and native code takes one value: put the arguments into one struct"
            )));
        }
        let Some(one) = list.into_iter().next() else { return Ok(Payload::new(NULL)) };
        if one.is_plain {
            return Ok(one.payload);
        }
        Err(self.malformed(format!(
            "its `{name}` is encoded as `{}`, which native code does not decode: fetch the history with the `--codec-endpoint` \
             of your codec, or replay it with the SDK's code",
            one.encoding
        )))
    }

    /// The details in a field, which may be absent.
    pub(super) fn details(self, name: &str) -> Result<Details, HistoryProblem> {
        Ok(match self.list(name)? {
            None => Details::Absent,
            Some(list) => list.into_iter().next().map_or(Details::Empty, |one| Details::Payload(one.payload)),
        })
    }

    /// The payloads in a field: `{"payloads": [..]}`, or the list of their values as JSON that the command line writes for
    /// people. `None` if the field is absent.
    fn list(self, name: &str) -> Result<Option<Vec<One>>, HistoryProblem> {
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

    fn one(self, name: &str, value: &Value) -> Result<One, HistoryProblem> {
        let metadata = value.get("metadata").and_then(Value::as_object);
        let Some(metadata) = metadata else {
            if value.get("data").is_none_or(|data| !data.is_string()) {
                return Ok(One::plain(Payload::new(value.to_string())));
            }
            return Ok(One::plain(Payload::new(self.data(name, value)?)));
        };
        let encoding = match metadata.get("encoding").and_then(Value::as_str) {
            None => String::new(),
            Some(encoding) => {
                let bytes = decode(encoding).ok_or_else(|| self.wrong(name, "a payload with metadata in base64"))?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        if encoding == "binary/null" {
            return Ok(One::plain(Payload::new(NULL)));
        }
        let is_plain = PLAIN.contains(&&*encoding);
        Ok(One { payload: Payload::new(self.data(name, value)?), encoding, is_plain })
    }

    fn data(self, name: &str, payload: &Value) -> Result<Vec<u8>, HistoryProblem> {
        let data = match payload.get("data") {
            None | Some(Value::Null) => "",
            Some(data) => data.as_str().ok_or_else(|| self.wrong(name, "a payload with data in base64"))?,
        };
        decode(data).ok_or_else(|| self.wrong(name, "a payload with data in base64"))
    }
}

/// One payload.
struct One {
    payload: Payload,
    encoding: String,
    /// Says whether the data is the value.
    is_plain: bool,
}

impl One {
    fn plain(payload: Payload) -> One {
        One { payload, encoding: String::new(), is_plain: true }
    }
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
}
