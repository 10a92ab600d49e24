//! [`Ending`]: how long a run goes on after its workflows have closed, for attempts that nobody waits for.

use std::time::Duration;

use crate::program::Time;

/// Attempts that were given up may take this long in any case: their code may stop for reasons of its own.
const LEAST: Duration = Duration::from_secs(3600);

/// The time after the last close. It begins anew when an attempt that a fault has held goes on.
#[derive(Debug, Default)]
pub(super) struct Ending {
    since: Time,
    /// Once it was asked for.
    patience: Option<Duration>,
}

impl Ending {
    /// A workflow has closed, the script has ended, or an attempt goes on that was held.
    pub(super) fn renew(&mut self, now: Time) {
        *self = Ending { since: self.since.max(now), patience: None };
    }

    /// Whether what still runs at this time has had as long as the longest timeout of the run, and an hour.
    pub(super) fn is_over(&mut self, at: Time, longest_timeout: impl FnOnce() -> Duration) -> bool {
        at > self.since + LEAST && at > self.since + *self.patience.get_or_insert_with(|| longest_timeout().max(LEAST))
    }

    /// How long it has waited, at the least.
    pub(super) fn patience(&self) -> Duration {
        self.patience.unwrap_or(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_behind_the_longest_timeout_and_begins_anew() {
        let at = |seconds: u64| Time::from_millis(seconds * 1000);
        let day = || Duration::from_secs(86_400);
        let mut ending = Ending::default();
        ending.renew(at(100));
        assert!(!ending.is_over(at(3_700), || Duration::ZERO), "an hour in any case");
        assert!(ending.is_over(at(3_701), || Duration::ZERO));
        ending.renew(at(200));
        assert!(!ending.is_over(at(86_600), day));
        assert!(ending.is_over(at(86_601), day));
        assert_eq!(ending.patience(), day());
    }
}
