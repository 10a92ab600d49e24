//! [`Share`]: some of the seeds.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A share of all seeds, from 0.0 to 1.0. Which ones are in it follows from each seed alone, so that a larger share has
/// those of a smaller one, and a seed that is not in it means what it always does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Share(pub(super) f64);

impl Share {
    pub(super) fn is_valid(self) -> bool {
        (0.0..=1.0).contains(&self.0)
    }

    pub(super) fn has(self, seed: u64) -> bool {
        ChaCha8Rng::seed_from_u64(seed).random::<f64>() < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_as_many_seeds_as_it_says_and_those_of_each_smaller_one() {
        let seeds = |share: f64| -> Vec<u64> { (0..10_000).filter(|seed| Share(share).has(*seed)).collect() };
        assert_eq!((seeds(0.0).len(), seeds(1.0).len()), (0, 10_000));
        let (tenth, half) = (seeds(0.1), seeds(0.5));
        assert!((900..1_100).contains(&tenth.len()) && (4_800..5_200).contains(&half.len()));
        assert!(tenth.iter().all(|seed| half.contains(seed)));
    }

    #[test]
    fn a_share_is_from_none_to_all() {
        let valid = [0.0, 0.5, 1.0].map(Share).into_iter().all(Share::is_valid);
        assert!(valid && ![-0.1, 1.1, f64::NAN, f64::INFINITY].map(Share).into_iter().any(Share::is_valid));
    }

    /// Part of the meaning of a seed.
    #[test]
    fn the_seeds_of_a_share_never_change() {
        let first: Vec<u64> = (0..).filter(|seed| Share(0.1).has(*seed)).take(5).collect();
        assert_eq!(first, [8, 12, 36, 43, 73]);
    }
}
