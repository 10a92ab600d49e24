//! [`Ending`]: how long a run goes on after its workflows have closed, for attempts that nobody waits for.

use std::time::Duration;

use crate::program::Time;

/// Attempts that were given up may take this long in any case: their code may stop for reasons of its own.
const LEAST: Duration = Duration::from_secs(3600);

/// So often the clock may move after that. An attempt that only sleeps for long ends with few moves; one that goes on and on
/// would cost a run its whole horizon.
const MOVES: u32 = 1_000;

/// The time after the last close. It begins anew when an attempt that a fault has held goes on.
#[derive(Debug, Default)]
pub(super) struct Ending {
    since: Time,
    /// Once it was asked for.
    patience: Option<Duration>,
    /// How often the clock has moved since the patience was over.
    moves: u32,
}

impl Ending {
    /// A workflow has closed, the script has ended, or an attempt goes on that was held.
    pub(super) fn renew(&mut self, now: Time) {
        *self = Ending { since: self.since.max(now), ..Ending::default() };
    }

    /// The clock is about to move. Says whether the code that still runs has had as long as the longest timeout of the run,
    /// and an hour, and goes on and on.
    pub(super) fn is_over(&mut self, at: Time, longest_timeout: impl FnOnce() -> Duration) -> bool {
        if at <= self.since + LEAST {
            return false;
        }
        let patience = *self.patience.get_or_insert_with(|| longest_timeout().max(LEAST));
        self.moves += u32::from(at > self.since + patience);
        self.moves > MOVES
    }

    /// How long that is ago by then.
    pub(super) fn waited(&self, at: Time) -> Duration {
        at - self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_behind_the_longest_timeout_and_begins_anew() {
        let at = |seconds: u64| Time::from_millis(seconds * 1000);
        let over = |ending: &mut Ending, seconds, longest| {
            (0..=MOVES).any(|_| ending.is_over(at(seconds), || Duration::from_secs(longest)))
        };
        let mut ending = Ending::default();
        ending.renew(at(100));
        assert!(!over(&mut ending, 3_700, 0), "an hour in any case");
        assert!(!ending.is_over(at(3_701), || Duration::ZERO), "it may only sleep");
        assert!(over(&mut ending, 3_701, 0));
        ending.renew(at(200));
        assert!(!over(&mut ending, 86_600, 86_400));
        assert!(over(&mut ending, 86_601, 86_400));
        assert_eq!(ending.waited(at(86_601)), Duration::from_secs(86_401));
    }
}
