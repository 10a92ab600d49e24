//! [`Payload`] and [`Details`]: bytes on the way between user code and the service.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{self, DeserializeOwned};

/// The encoded bytes of an input, a result, or heartbeat details. Cloning shares or copies a few bytes, and is cheap.
///
/// The engine never looks inside. Typed surfaces encode with `serde_json`, as the Cadence and Temporal clients' default
/// data converters do.
#[derive(Clone)]
pub struct Payload(Stored);

/// The place of the bytes. Most payloads are a few bytes of JSON, which need no memory of their own.
#[derive(Clone)]
enum Stored {
    Short { len: u8, bytes: [u8; SHORT] },
    Shared(Arc<[u8]>),
}

/// The largest result and heartbeat that the service takes, in bytes: 2 MB (recorded scenarios `limit_result_1_5m`,
/// `limit_result_2_5m`).
pub const PAYLOAD_LIMIT: usize = 2 * 1024 * 1024;

/// The number of bytes that fit beside the length without making a payload larger than three words.
const SHORT: usize = 22;

impl Payload {
    /// Takes bytes as they are.
    ///
    /// ```
    /// use durasim::program::Payload;
    /// assert_eq!(Payload::new(*b"42").to_json::<u32>().unwrap(), 42);
    /// ```
    pub fn new(bytes: impl AsRef<[u8]>) -> Payload {
        let given = bytes.as_ref();
        let mut bytes = [0; SHORT];
        Payload(match bytes.get_mut(..given.len()) {
            Some(start) => {
                start.copy_from_slice(given);
                Stored::Short { len: given.len() as u8, bytes }
            }
            None => Stored::Shared(Arc::from(given)),
        })
    }

    /// Encodes a value as JSON.
    ///
    /// # Errors
    /// The error is that of `serde_json` for a value that JSON cannot hold, such as a map with keys that are not
    /// strings.
    pub fn from_json<T: Serialize + ?Sized>(value: &T) -> Result<Payload, serde_json::Error> {
        Ok(Payload::new(serde_json::to_vec(value)?))
    }

    /// Takes bytes that the service will not take if there are more than [`PAYLOAD_LIMIT`]. At most one byte more than
    /// the limit is copied, which shows that there are too many.
    pub fn limited(bytes: impl AsRef<[u8]>) -> Payload {
        let bytes = bytes.as_ref();
        Payload::new(&bytes[..bytes.len().min(PAYLOAD_LIMIT + 1)])
    }

    /// Encodes a value as JSON that the service will not take if it is longer than [`PAYLOAD_LIMIT`]. At most one byte
    /// more than the limit is encoded, which shows that it is too long.
    ///
    /// # Errors
    /// The error is that of `serde_json` for a value that JSON cannot hold.
    pub fn from_json_limited<T: Serialize + ?Sized>(value: &T) -> Result<Payload, serde_json::Error> {
        let mut text = Limited(Vec::with_capacity(128));
        match serde_json::to_writer(&mut text, value) {
            Err(why) if !why.is_io() => Err(why),
            // Writing fails in one way only: there are enough bytes.
            _ => Ok(Payload::new(text.0)),
        }
    }

    /// Decodes JSON.
    ///
    /// # Errors
    /// The error is that of `serde_json` for bytes that are not JSON of this type.
    pub fn to_json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        decode_json(self.as_bytes())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Stored::Short { len, bytes } => &bytes[..usize::from(*len)],
            Stored::Shared(bytes) => bytes,
        }
    }
}

/// Takes one byte more than [`PAYLOAD_LIMIT`], and then fails.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PAYLOAD_LIMIT + 1 - self.0.len();
        if room == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.write(bytes)? {
            taken if taken == bytes.len() => Ok(()),
            _ => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decodes JSON. It checks once that all of it is text, whereas `serde_json::from_slice` checks each string by itself.
pub(crate) fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(why) => Err(de::Error::custom(format_args!("not JSON, which is UTF-8: {why}"))),
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload {}

impl PartialOrd for Payload {
    fn partial_cmp(&self, other: &Payload) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Payload {
    fn cmp(&self, other: &Payload) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Payload {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// Writes the bytes as text, without quotes; bytes that are not UTF-8 are escaped.
impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(self.as_bytes()) {
            Ok(text) => f.write_str(text),
            Err(_) => write!(f, "{}", self.as_bytes().escape_ascii()),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({self})")
    }
}

/// Heartbeat or cancellation details as the service stores them.
///
/// The service keeps a request's details exactly as they came: a heartbeat without any *erases* the earlier ones
/// (recorded scenarios `hb_details_absent_clears`, `hb_details_empty_list`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Details {
    /// The field was not there.
    #[default]
    Absent,
    /// The field was a list of no payloads.
    Empty,
    /// The field was one payload, the only number of them that Rust clients send.
    Payload(Payload),
}

impl Details {
    /// The bytes that an attempt sees, if there are any.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Details::Payload(payload) => Some(payload.as_bytes()),
            Details::Absent | Details::Empty => None,
        }
    }

    /// Says whether there is a payload.
    pub fn is_some(&self) -> bool {
        matches!(self, Details::Payload(_))
    }
}

impl From<Option<&[u8]>> for Details {
    fn from(bytes: Option<&[u8]>) -> Details {
        bytes.map_or(Details::Absent, |bytes| Details::Payload(Payload::new(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_no_json() {
        let why = decode_json::<String>(b"\"\xff\"").unwrap_err();
        assert_eq!(why.to_string(), "not JSON, which is UTF-8: invalid utf-8 sequence of 1 bytes from index 1");
    }

    #[test]
    fn what_is_too_large_is_encoded_as_far_as_that_shows() {
        let long = "a".repeat(PAYLOAD_LIMIT - 2);
        assert_eq!(Payload::from_json_limited(&long).unwrap(), Payload::from_json(&long).unwrap());
        assert_eq!(Payload::from_json_limited(&long).unwrap().as_bytes().len(), PAYLOAD_LIMIT);
        let longer = "a".repeat(3 * PAYLOAD_LIMIT);
        for payload in [Payload::from_json_limited(&longer).unwrap(), Payload::limited(&longer)] {
            assert_eq!(payload.as_bytes().len(), PAYLOAD_LIMIT + 1);
        }
        assert!(Payload::from_json_limited(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
    }

    #[test]
    fn short_and_shared_bytes_are_told_apart_by_nothing_but_their_size() {
        let text = *b"abcdefghijklmnopqrstuvwxyz";
        for len in 0..=text.len() {
            let payload = Payload::new(&text[..len]);
            assert_eq!(payload.as_bytes(), &text[..len]);
            assert_eq!(matches!(payload.0, Stored::Short { .. }), len <= SHORT);
            assert_eq!(payload, payload.clone());
        }
        assert!(Payload::new(&text[..SHORT]) < Payload::new(&text[..SHORT + 1]));
        assert!(Payload::new(b"b") > Payload::new(text));
        assert_eq!(size_of::<Payload>(), 3 * size_of::<usize>());
    }
}
