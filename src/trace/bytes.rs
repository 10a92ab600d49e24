//! [`Bytes`]: a place in the store of a trace, where inputs, details, results and texts stand one after the other.

use std::ops::Range;

/// A place of bytes in the trace's store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Bytes {
    start: u32,
    len: u32,
}

impl Bytes {
    fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }

    /// Says whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// All bytes of a trace.
#[derive(Clone, PartialEq, Hash, Default, Debug)]
pub(super) struct Store(Vec<u8>);

impl Store {
    /// Keeps the bytes that `write` writes behind those that are there.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
        let start = self.0.len() as u32;
        write(&mut self.0);
        Bytes { start, len: self.0.len() as u32 - start }
    }

    pub(super) fn get(&self, bytes: Bytes) -> &[u8] {
        &self.0[bytes.range()]
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
