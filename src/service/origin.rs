//! The origin of a run, which a history of a simulation has where a server would have the identity of a client: the id of the run, a
//! UUID elsewhere in the history, and the seed of its code's random numbers, which an SDK makes of that id.

use std::sync::Arc;

use crate::program::RunInfo;

/// The words before the seed.
const SEED: &str = " random_seed=";

/// The words before the id, which is last because any text may be in it.
const RUN: &str = " run_id=";

/// Writes the identity of the client that has started a run.
pub(crate) fn origin(client: &str, info: &RunInfo) -> String {
    format!("{client}{SEED}{}{RUN}{}", info.random_seed, info.run_id)
}

/// Reads the id and the seed of a run from the identity of a client, if it says them.
pub(crate) fn of_identity(identity: &str) -> Option<(Arc<str>, u64)> {
    let (_, said) = identity.split_once(SEED)?;
    let (seed, run_id) = said.split_once(RUN)?;
    Some((run_id.into(), seed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let info = RunInfo::new("order-1", "order-1 run_id=2", "order", "default").random_seed(u64::MAX);
        assert_eq!(of_identity(&origin("durasim", &info)), Some((info.run_id, u64::MAX)));
        for other in ["durasim", "4711@host", "durasim random_seed=x run_id=y", "durasim random_seed=1"] {
            assert_eq!(of_identity(other), None, "{other}");
        }
    }
}
