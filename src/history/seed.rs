//! The seed of a workflow's own random numbers, which the SDKs make of the id of its run.

/// Gives the seed that sdk-core gives to code of a run: SipHash 1-3 of its id, as Rust hashes text.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/workflow_machines.rs`, `str_to_randomness_seed`.
pub(super) fn random_seed(run_id: &str) -> u64 {
    let mut bytes = run_id.as_bytes().to_vec();
    // Text ends with this byte, so that two texts one behind the other are not one.
    bytes.push(0xff);
    let length = bytes.len() as u64;
    // The key is zero.
    let mut state = [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let mut words = bytes.chunks_exact(8);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    for bytes in &mut words {
        absorb(&mut state, word(bytes));
    }
    absorb(&mut state, length << 56 | word(words.remainder()));
    state[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut state);
    }
    state.iter().fold(0, |hash, part| hash ^ part)
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

fn round(state: &mut [u64; 4]) {
    let [a, b, c, d] = state;
    *a = a.wrapping_add(*b);
    *c = c.wrapping_add(*d);
    *b = b.rotate_left(13) ^ *a;
    *d = d.rotate_left(16) ^ *c;
    *a = a.rotate_left(32).wrapping_add(*d);
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *d = d.rotate_left(21) ^ *a;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hash, Hasher};

    /// The standard library's hasher is the same today; if it changes, this function stays.
    #[test]
    fn the_seed_of_a_run_is_that_of_sdk_core() {
        for run_id in ["", "a", "1234567", "12345678", "0b7a8df2-1111-4222-8333-0123456789ab"] {
            let mut hasher = DefaultHasher::new();
            run_id.hash(&mut hasher);
            assert_eq!(random_seed(run_id), hasher.finish(), "{run_id}");
        }
    }
}
