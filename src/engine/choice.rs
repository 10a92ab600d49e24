//! [`Draws`]: random numbers that follow from a run's seed, a stream for each use.

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
    /// Random bytes of the process, where they follow the run.
    Ambient = 3,
    /// The same for jobs on threads of a host.
    Jobs = 4,
}

/// The random numbers of one stream.
#[derive(Debug)]
pub(crate) struct Draws {
    seed: u64,
    stream: Stream,
    /// Made at the first draw: few runs draw from every stream.
    generator: Option<ChaCha8Rng>,
}

impl Draws {
    pub(crate) fn new(seed: u64, stream: Stream) -> Draws {
        Draws { seed, stream, generator: None }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// A number below `count`, which must not be zero.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        self.generator().random_range(0..count)
    }

    /// An index below `count`, which must not be zero.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        self.below(u32::try_from(count).expect("fewer than 2^32 things to choose from")) as usize
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.generator().next_u64()
    }

    fn generator(&mut self) -> &mut ChaCha8Rng {
        self.generator.get_or_insert_with(|| {
            let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
            generator.set_stream(self.stream as u64);
            generator
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Part of the meaning of a seed: changes only with a new trace version.
    #[test]
    fn the_streams_of_a_seed_never_change() {
        let first = [Stream::Schedule, Stream::Faults, Stream::User].map(|stream| Draws::new(42, stream).bits());
        assert_eq!(first, [12_578_764_544_318_200_737, 13_222_472_167_927_179_408, 3_387_013_202_841_124_863]);
    }

    #[test]
    fn a_seed_gives_the_same_numbers_again() {
        let draw = |draws: &mut Draws| (draws.below(5), draws.bits());
        let (mut once, mut again) = (Draws::new(7, Stream::Faults), Draws::new(7, Stream::Faults));
        assert!((0..20).all(|_| draw(&mut once) == draw(&mut again)));
    }
}
