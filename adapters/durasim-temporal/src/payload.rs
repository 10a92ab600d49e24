//! Payloads: bytes with metadata in the SDK, bytes alone in durasim.
//!
//! [`Encoded`] has the rules.

use std::collections::{BTreeMap, HashMap};

use durasim::program::{Details, Encoded, Payload};

use crate::sdk::{ProtoPayload, ProtoPayloads};

/// Makes a payload of the SDK's with this encoding.
pub(crate) fn with_encoding(encoding: &str, data: Vec<u8>) -> ProtoPayload {
    let metadata = HashMap::from([("encoding".to_owned(), encoding.as_bytes().to_vec())]);
    ProtoPayload { metadata, data, ..Default::default() }
}

/// Takes payloads of the SDK's.
pub(crate) fn into_core(payloads: &[ProtoPayload]) -> Payload {
    let encoded = payloads.iter().map(|payload| Encoded::with_metadata(payload.metadata.clone(), payload.data.clone()));
    Encoded::into_payload(&encoded.collect::<Vec<_>>())
}

/// Gives payloads to the SDK.
pub(crate) fn from_bytes(bytes: &[u8]) -> Vec<ProtoPayload> {
    let payloads = Encoded::from_bytes(bytes).into_iter().map(|payload| ProtoPayload {
        metadata: payload.metadata.into_iter().collect(),
        data: payload.data,
        ..Default::default()
    });
    payloads.collect()
}

/// Gives payloads to the SDK.
pub(crate) fn from_core(payload: &Payload) -> Vec<ProtoPayload> {
    from_bytes(payload.as_bytes())
}

/// Gives the one payload that a result or an answer has.
pub(crate) fn one_from_core(payload: &Payload) -> Option<ProtoPayload> {
    from_core(payload).pop()
}

/// Takes details of the SDK's.
pub(crate) fn details_into_core(details: Option<&ProtoPayloads>) -> Details {
    match details {
        None => Details::Absent,
        Some(details) if details.payloads.is_empty() => Details::Empty,
        Some(details) => Details::Payload(into_core(&details.payloads)),
    }
}

/// Gives details to the SDK.
pub(crate) fn details_from_core(details: &Details) -> Option<ProtoPayloads> {
    match details {
        Details::Absent => None,
        other => Some(ProtoPayloads { payloads: other.as_bytes().map(from_bytes).unwrap_or_default() }),
    }
}

/// Takes payloads with names, such as headers.
pub(crate) fn named_into_core<S: From<String> + Ord>(
    named: impl IntoIterator<Item = (String, ProtoPayload)>,
) -> BTreeMap<S, Payload> {
    named.into_iter().map(|(name, payload)| (name.into(), into_core(&[payload]))).collect()
}

/// Gives payloads with names.
pub(crate) fn named_from_core<N: ToString>(named: &BTreeMap<N, Payload>) -> HashMap<String, ProtoPayload> {
    named.iter().filter_map(|(name, value)| Some((name.to_string(), one_from_core(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> ProtoPayload {
        with_encoding("json/plain", text.as_bytes().to_vec())
    }

    #[test]
    fn json_stays_readable() {
        assert_eq!(into_core(&[json("{\"done\":3}")]).as_bytes(), b"{\"done\":3}");
        assert_eq!(into_core(&[with_encoding("binary/null", Vec::new())]).as_bytes(), b"null");
        assert_eq!(into_core(&[]).as_bytes(), b"null");
    }

    #[test]
    fn all_that_is_not_null_comes_back_as_it_was() {
        let mut with_more = json("1");
        with_more.metadata.insert("messageType".to_owned(), b"shop.Order".to_vec());
        with_more.metadata.insert("a".to_owned(), b"b".to_vec());
        for given in [
            vec![json("1")],
            vec![json("null")],
            vec![json("")],
            vec![json("\0")],
            vec![json("1"), json("2")],
            vec![with_encoding("binary/plain", vec![0, 1, 2])],
            vec![with_encoding("binary/null", Vec::new())],
            vec![with_encoding("binary/null", vec![1])],
            vec![with_more],
            vec![ProtoPayload::default()],
        ] {
            assert_eq!(from_core(&into_core(&given)), given);
        }
    }

    #[test]
    fn the_bytes_of_an_envelope_do_not_depend_on_the_order_of_a_hash_map() {
        let of = |keys: [&str; 4]| {
            let mut payload = json("1");
            keys.iter().for_each(|key| drop(payload.metadata.insert((*key).to_owned(), Vec::new())));
            into_core(&[payload])
        };
        for _ in 0..20 {
            assert_eq!(of(["a", "b", "c", "d"]), of(["d", "c", "b", "a"]));
        }
    }

    #[test]
    fn details_keep_the_difference_between_none_and_empty() {
        for details in [Details::Absent, Details::Empty, Details::Payload(Payload::new("7"))] {
            assert_eq!(details_into_core(details_from_core(&details).as_ref()), details);
        }
    }
}
