//! [`Encoded`]: a payload of an SDK with its metadata, and several of them as the bytes of one [`Payload`].

use std::collections::BTreeMap;

use super::payload::Payload;

/// Stands before payloads that are not one of plain JSON. No JSON begins with it.
const MARK: u8 = 0;

/// The bytes of no value.
const NULL: &[u8] = b"null";

/// One payload of an SDK has data and says, in its metadata, how that is encoded.
///
/// The service and the history of a simulation know bytes alone. One payload of plain JSON travels as its bare text, so that inputs,
/// results and heartbeat details stay readable and are the same as those of native code. No payload at all, and the SDK's null,
/// travel as `null`. All else travels in an envelope, which keeps the metadata. Workflows whose payloads are such say so by
/// [`WorkflowProgram::has_envelopes`](super::WorkflowProgram::has_envelopes).
///
/// ```
/// use durasim::program::{Encoded, Payload};
///
/// let image = Encoded::new("binary/plain", [0xff, 0xd8]);
/// let payload = Encoded::into_payload(&[image.clone()]);
/// assert_eq!(Encoded::from_payload(&payload), [image]);
/// assert_eq!(Encoded::into_payload(&[Encoded::new("json/plain", *b"42")]), Payload::new(b"42"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Encoded {
    /// The metadata, by name: `encoding` at least, usually.
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// The data.
    pub data: Vec<u8>,
}

impl Encoded {
    /// Makes a payload of this encoding, without other metadata.
    pub fn new(encoding: &str, data: impl Into<Vec<u8>>) -> Encoded {
        let metadata = BTreeMap::from([("encoding".to_owned(), encoding.as_bytes().to_vec())]);
        Encoded { metadata, data: data.into() }
    }

    /// Makes a payload with this metadata.
    pub fn with_metadata(metadata: impl IntoIterator<Item = (String, Vec<u8>)>, data: impl Into<Vec<u8>>) -> Encoded {
        Encoded { metadata: metadata.into_iter().collect(), data: data.into() }
    }

    fn has_encoding(&self, encoding: &str) -> bool {
        self.metadata.len() == 1 && self.metadata.get("encoding").is_some_and(|known| known == encoding.as_bytes())
    }

    /// Puts payloads into one. At most one byte more is copied than the service [takes](super::PAYLOAD_LIMIT).
    pub fn into_payload(payloads: &[Encoded]) -> Payload {
        match payloads {
            [] => Payload::new(NULL),
            [null] if null.has_encoding("binary/null") && null.data.is_empty() => Payload::new(NULL),
            [json] if json.has_encoding("json/plain") && json.data.first().is_some_and(|first| *first != MARK) => {
                if json.data == NULL {
                    enveloped(payloads)
                } else {
                    Payload::limited(&json.data)
                }
            }
            _ => enveloped(payloads),
        }
    }

    /// Takes payloads out of one. An envelope that was cut, because it is too large for the service, has none.
    pub fn from_payload(payload: &Payload) -> Vec<Encoded> {
        Encoded::from_bytes(payload.as_bytes())
    }

    /// Takes payloads out of the bytes of one.
    pub fn from_bytes(bytes: &[u8]) -> Vec<Encoded> {
        match bytes {
            [MARK, envelope @ ..] => messages(envelope).unwrap_or_default(),
            NULL => vec![Encoded::new("binary/null", Vec::new())],
            json => vec![Encoded::new("json/plain", json)],
        }
    }
}

/// The envelope is a message of Protocol Buffers: a list of messages with a map (1) and bytes (2).
fn enveloped(payloads: &[Encoded]) -> Payload {
    let mut bytes = vec![MARK];
    for payload in payloads {
        let mut message = Vec::new();
        for (name, value) in &payload.metadata {
            let mut entry = Vec::new();
            field(&mut entry, 1, name.as_bytes());
            field(&mut entry, 2, value);
            message_field(&mut message, 1, &entry);
        }
        field(&mut message, 2, &payload.data);
        message_field(&mut bytes, 1, &message);
    }
    Payload::limited(bytes)
}

/// Writes bytes, which are left out if there are none.
fn field(to: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        message_field(to, number, bytes);
    }
}

fn message_field(to: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    const OF_KNOWN_LENGTH: u8 = 2;
    to.push(number << 3 | OF_KNOWN_LENGTH);
    let mut length = bytes.len();
    while length >= 0x80 {
        to.push(length as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
    to.extend_from_slice(bytes);
}

fn messages(mut envelope: &[u8]) -> Option<Vec<Encoded>> {
    let mut payloads = Vec::new();
    while !envelope.is_empty() {
        let (1, mut message) = read_field(&mut envelope)? else { return None };
        let mut payload = Encoded::default();
        while !message.is_empty() {
            match read_field(&mut message)? {
                (1, mut entry) => {
                    let (mut name, mut value) = (String::new(), Vec::new());
                    while !entry.is_empty() {
                        match read_field(&mut entry)? {
                            (1, bytes) => name = String::from_utf8(bytes.to_vec()).ok()?,
                            (2, bytes) => value = bytes.to_vec(),
                            _ => return None,
                        }
                    }
                    payload.metadata.insert(name, value);
                }
                (2, bytes) => payload.data = bytes.to_vec(),
                _ => return None,
            }
        }
        payloads.push(payload);
    }
    Some(payloads)
}

/// Reads a field that says its length, and its number.
fn read_field<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (key, mut rest) = bytes.split_first()?;
    let mut length = 0_usize;
    for shift in (0..28).step_by(7) {
        let (part, behind) = rest.split_first()?;
        rest = behind;
        length |= usize::from(part & 0x7f) << shift;
        if part & 0x80 == 0 {
            let (content, behind) = rest.split_at_checked(length)?;
            *bytes = behind;
            return (key & 0b111 == 2).then_some((key >> 3, content));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(payloads: &[Encoded]) -> Payload {
        let payload = Encoded::into_payload(payloads);
        assert_eq!(Encoded::from_payload(&payload), payloads, "{payload}");
        payload
    }

    #[test]
    fn payloads_are_taken_out_as_they_were_put_in() {
        assert_eq!(back(&[Encoded::new("json/plain", *b"{\"a\":1}")]), Payload::new("{\"a\":1}"));
        assert_eq!(back(&[Encoded::new("binary/null", [])]), Payload::new("null"));
        let mut with_more = Encoded::new("json/plain", *b"1");
        with_more.metadata.insert("messageType".to_owned(), b"shop.Order".to_vec());
        with_more.metadata.insert(String::new(), Vec::new());
        for payloads in [
            vec![Encoded::new("json/plain", *b"null")],
            vec![Encoded::new("json/plain", [])],
            vec![Encoded::new("json/plain", [0, 1])],
            vec![Encoded::new("binary/plain", vec![7; 300])],
            vec![Encoded::default()],
            vec![with_more.clone(), Encoded::new("json/plain", *b"2")],
            vec![with_more],
        ] {
            assert_eq!(back(&payloads).as_bytes()[0], MARK);
        }
        assert_eq!(Encoded::into_payload(&[]), Payload::new("null"));
    }

    /// The bytes are those of Protocol Buffers.
    #[test]
    fn an_envelope_is_a_message() {
        let payload = Encoded::into_payload(&[Encoded::new("x", [1, 2])]);
        let expected = [&[0, 10, 19, 10, 13, 10, 8][..], b"encoding", &[18, 1], b"x", &[18, 2, 1, 2]].concat();
        assert_eq!(payload.as_bytes(), expected);
    }

    #[test]
    fn what_was_cut_has_no_payloads() {
        let whole = enveloped(&[Encoded::new("binary/plain", vec![7; 300])]);
        for length in 2..whole.as_bytes().len() {
            assert_eq!(Encoded::from_bytes(&whole.as_bytes()[..length]), []);
        }
    }
}
