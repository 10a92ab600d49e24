//! [`Choice`]: the one source of everything that user code does not fix.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Separate streams of one seed: a draw from one never shifts another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stream {
    /// Which of several ready tasks runs first.
    Schedule = 0,
    /// Which faults strike.
    Faults = 1,
    /// Random numbers of user code.
    User = 2,
}

const STREAMS: usize = 3;

/// Random streams, made when first drawn from.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    seed: u64,
    streams: [Option<ChaCha8Rng>; STREAMS],
}

impl Choice {
    /// Begins anew, from this seed.
    pub(crate) fn restart(&mut self, seed: u64) {
        self.seed = seed;
        // One by one: a whole list of them would be written byte for byte.
        for stream in &mut self.streams {
            *stream = None;
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// A number below `count`, which must not be zero.
    pub(crate) fn below(&mut self, stream: Stream, count: u32) -> u32 {
        self.stream(stream).random_range(0..count)
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self, stream: Stream) -> u64 {
        self.stream(stream).next_u64()
    }

    fn stream(&mut self, stream: Stream) -> &mut ChaCha8Rng {
        self.streams[stream as usize].get_or_insert_with(|| {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(stream as u64);
            rng
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(seed: u64) -> Choice {
        let mut choice = Choice::default();
        choice.restart(seed);
        choice
    }

    #[test]
    fn a_draw_from_one_stream_does_not_shift_another() {
        let mut alone = started(7);
        let mut mixed = started(7);
        let faults: Vec<u64> = (0..20).map(|_| alone.bits(Stream::Faults)).collect();
        let same: Vec<u64> = (0..20)
            .map(|draw| {
                for _ in 0..draw {
                    mixed.below(Stream::Schedule, 5);
                }
                mixed.bits(Stream::User);
                mixed.bits(Stream::Faults)
            })
            .collect();
        assert_eq!(faults, same);
    }

    /// Part of the meaning of a seed: changes only with a new trace version.
    #[test]
    fn the_streams_of_a_seed_never_change() {
        let mut choice = started(42);
        let drawn = [Stream::Schedule, Stream::Faults, Stream::User].map(|stream| choice.bits(stream));
        assert_eq!(drawn, [12_578_764_544_318_200_737, 13_222_472_167_927_179_408, 3_387_013_202_841_124_863]);
    }
}
