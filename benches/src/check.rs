//! The check that both sides do the same work.

use crate::bare::Bare;
use crate::simulated::Simulated;
use crate::workload::{Done, Workload};

/// Checks that both sides give the result, at the virtual time, by which the workload is defined.
pub fn check(workload: &Workload, bare: &mut Bare, simulated: &Simulated) {
    let (result, ended) = bare.run(workload);
    let run = simulated.run();
    assert_eq!(ended, workload.ends, "{}: the bare loop ends at another time", workload.name);
    assert_eq!(run.virtual_time().since_epoch(), workload.ends, "{}: durasim ends at another time", workload.name);
    assert_eq!(run.not_fired().len(), 0, "{}: the crash did not strike", workload.name);
    if workload.json {
        assert_eq!(serde_json::from_slice::<Done>(&result).expect("decodes"), workload.result());
        assert_eq!(run.result::<Done>().expect("completed"), workload.result());
    } else {
        assert_eq!(result, workload.result().chunks.to_le_bytes());
    }
    let activities = run.activities();
    assert_eq!(activities.len(), workload.batch.activities as usize);
    let attempts = if workload.crash { 3 } else { 1 };
    assert!(activities.iter().all(|activity| activity.attempts.len() == attempts), "{}: attempts", workload.name);
}
