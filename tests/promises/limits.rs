//! A value larger than the service takes is not encoded, kept or printed whole.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityOptions, Run, Simulation, WorkflowContext, WorkflowError};
use serde::{Serialize, Serializer};

/// A list of this many numbers, which counts those that are encoded.
struct Numbers(u32, &'static AtomicU32);

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0).inspect(|_| {
            self.1.fetch_add(1, Ordering::Relaxed);
        }))
    }
}

/// A count of numbers that is more than twelve times what the service takes.
const TOO_MANY: u32 = 4_000_000;
/// Each number takes two bytes or more.
const MOST_ENCODED: u32 = 1024 * 1024;

fn run<O: Serialize + 'static>(activity: impl durasim::ActivityFn<(), O>) -> Run {
    let main = async |ctx: &WorkflowContext, _: ()| -> Result<(), WorkflowError> {
        let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        ctx.execute_activity("large", &(), options).await
    };
    Simulation::temporal().activity("large", activity).workflow("main", main).run("main", &()).unwrap()
}

#[test]
fn a_result() {
    static ENCODED: AtomicU32 = AtomicU32::new(0);
    let run = run(async |_: &ActivityContext, _: ()| Ok(Numbers(TOO_MANY, &ENCODED)));
    let failure = run.result::<()>().unwrap_err().to_string();
    assert!(failure.contains("Complete result exceeds size limit."), "{failure}");
    assert!(ENCODED.load(Ordering::Relaxed) <= MOST_ENCODED);
    assert!(run.timeline().to_string().len() < 10_000);
}

#[test]
fn a_heartbeat() {
    static ENCODED: AtomicU32 = AtomicU32::new(0);
    let run = run(async |ctx: &ActivityContext, _: ()| -> Result<(), ActivityError> {
        ctx.heartbeat(&Numbers(TOO_MANY, &ENCODED))?;
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    });
    let failure = run.result::<()>().unwrap_err().to_string();
    assert!(failure.contains("Heartbeat details exceed size limit."), "{failure}");
    assert!(ENCODED.load(Ordering::Relaxed) <= MOST_ENCODED);
}
