//! [`Generator`]: where a workflow's own random numbers come from.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Not the stream of any choice that the run itself draws from the same seed.
const STREAM: u64 = 1 << 32;

/// Made when first drawn from: few workflows want any.
#[derive(Debug, Default)]
pub(super) struct Generator(Option<Box<ChaCha8Rng>>);

impl Generator {
    pub fn source(&mut self, seed: u64) -> &mut ChaCha8Rng {
        self.0.get_or_insert_with(|| {
            let mut source = ChaCha8Rng::seed_from_u64(seed);
            source.set_stream(STREAM);
            Box::new(source)
        })
    }
}
