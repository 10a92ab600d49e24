//! [`Shard`]: one of several machines' share of an exploration.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The share of one machine: the runs whose number leaves this remainder. Shards need not know of each other; together they
/// make every run once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shard {
    /// From 1.
    index: u64,
    of: u64,
}

impl Shard {
    /// Everything.
    pub(super) const WHOLE: Shard = Shard { index: 1, of: 1 };

    /// Says whether the run of this number (in its part of the exploration, from 0) is made here.
    pub(super) fn has(self, run: u64) -> bool {
        run % self.of == self.index - 1
    }

    pub(super) fn is_whole(self) -> bool {
        self.of == 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// Why a text is not a shard.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("DURASIM_SHARD is `{text}`, {why}: write for example DURASIM_SHARD=1/4 for the first of four shards")]
pub(super) struct NotAShard {
    text: String,
    why: &'static str,
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Shard, NotAShard> {
        let error = |why| NotAShard { text: text.to_owned(), why };
        let (index, of) = text.trim().split_once('/').ok_or_else(|| error("which is not two numbers"))?;
        let number = |digits: &str| digits.trim().parse::<u64>().map_err(|_| error("which is not two whole numbers"));
        let (index, of) = (number(index)?, number(of)?);
        match () {
            () if of == 0 => Err(error("but there are no zero shards")),
            () if index == 0 => Err(error("but shards count from 1")),
            () if index > of => Err(error("but there are fewer shards than that")),
            () => Ok(Shard { index, of }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shards_are_disjoint_and_together_complete(of in 1u64..40, run in any::<u64>()) {
            let shards = (1..=of).map(|index| format!("{index}/{of}").parse::<Shard>().unwrap());
            prop_assert_eq!(shards.filter(|shard| shard.has(run)).count(), 1);
        }

        #[test]
        fn no_shard_of_a_sweep_has_much_more_than_another(of in 1u64..40, runs in 0u64..2_000) {
            let sizes: Vec<usize> = (1..=of)
                .map(|index| Shard { index, of })
                .map(|shard| (0..runs).filter(|run| shard.has(*run)).count())
                .collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }

    #[test]
    fn what_is_not_a_shard_is_told_with_the_right_form() {
        for (text, why) in [
            ("5/3", "but there are fewer shards than that"),
            ("0/3", "but shards count from 1"),
            ("1/0", "but there are no zero shards"),
            ("1", "which is not two numbers"),
            ("one/two", "which is not two whole numbers"),
            ("1/-2", "which is not two whole numbers"),
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "DURASIM_SHARD is `{text}`, {why}: write for example DURASIM_SHARD=1/4 for the first of four shards"
                )
            );
        }
        assert_eq!(" 2 / 3 ".parse(), Ok(Shard { index: 2, of: 3 }));
        assert!(Shard::WHOLE.has(0) && Shard::WHOLE.has(7));
    }
}
