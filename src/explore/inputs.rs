//! [`Inputs`]: the further inputs of an exploration.

use std::sync::Arc;

use serde::Serialize;

use crate::program::Payload;

/// The inputs beside the first, encoded, and the names of the explorations of all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs {
    pub(super) further: Vec<Result<Payload, String>>,
    /// The names of all of them, in the exploration of one.
    pub(super) names: Vec<Arc<str>>,
}

impl Inputs {
    pub(super) fn add<I: Serialize>(&mut self, inputs: impl IntoIterator<Item = I>) {
        let encoded = inputs.into_iter().map(|input| Payload::from_json(&input).map_err(|why| why.to_string()));
        self.further.extend(encoded);
    }

    /// Says whether this is the name of an exploration of another input.
    pub(super) fn are_called(&self, name: &str) -> bool {
        self.names.iter().any(|other| **other == *name)
    }
}
