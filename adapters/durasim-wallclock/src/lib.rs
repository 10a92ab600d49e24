//! The clocks and the random bytes of the process follow a [durasim] run while code of the run runs: `std::time::Instant`,
//! `SystemTime`, `chrono::Utc::now`, `uuid`'s `new_v4`, `rand`. Code under test stays as it is.
//!
//! One line in the test file is all, on Linux:
//!
//! ```
//! durasim_wallclock::install!();
//! # fn main() {}
//! ```
//!
//! It adds a test that says whether the clocks can be replaced here. Elsewhere everything compiles and nothing changes,
//! which is said once on stderr; [`active`] tells.
//!
//! # What follows the run
//!
//! | code reads | inside a run |
//! | --- | --- |
//! | `SystemTime`, `Instant`, `chrono`, C's `clock_gettime`, `gettimeofday`, `time` | the run's time: 2020-01-01 at its start |
//! | `getrandom`, and so `uuid`, `rand`'s system generator, seeds of other generators | bytes that follow from the run's seed |
//! | the order of a std `HashMap`, `rand::rng()` | keys that follow from the run's seed, in explorations |
//!
//! Code of the run is code of activities, workflows, scripts, constructors of states, tasks that tokio runs for them, and
//! jobs of `spawn_blocking`. All other threads, and code outside runs, see the real clocks. A clock that code of a workflow
//! reads is no part of its history, so a replay sees another time: `replays` says so, as in production.
//!
//! # Maps
//!
//! std and rand draw the keys of a thread once, so that only the first run on a thread would have keys of its own. An
//! exploration makes the next run on a new thread where code has drawn: some 20 us for each run, and with tokio always,
//! since its runtime draws. `Simulation::run` and `drive` stay on the thread that calls them, which may have drawn before.
//!
//! # What does not work
//!
//! A wait of std that asks the clock until it has passed, such as `recv_timeout` or a spin loop, waits for ever on a clock
//! that stands still while code runs. After a million readings at one moment the process says so and aborts: it cannot
//! unwind out of the C function that was called. A crate that makes system calls of its own is not reached. The crate
//! cannot be in one program with madsim, which replaces the same functions.

/// Replaces the clocks and random bytes of the test binary, and adds a test which says whether that works here.
#[macro_export]
macro_rules! install {
    () => {
        #[test]
        fn durasim_wallclock_works() {
            assert!($crate::works(), "durasim-wallclock does not reach the clocks of this program");
        }
    };
}

#[cfg(target_os = "linux")]
mod symbols;

/// Says whether the clocks of this program follow runs: true on Linux.
pub fn active() -> bool {
    cfg!(target_os = "linux")
}

/// Tries the clocks out on a run of its own. True where they follow it, and where they cannot be replaced at all, which is
/// said once on stderr.
pub fn works() -> bool {
    if !active() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| eprintln!("durasim-wallclock: real clocks, since they can be replaced on Linux only"));
        return true;
    }
    trial::holds()
}

mod trial {
    use std::time::{Duration, Instant, SystemTime};

    use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, Time, WorkflowContext, WorkflowError};

    /// Says whether both clocks of std follow a run.
    pub(crate) fn holds() -> bool {
        let options = || ActivityOptions { start_to_close_timeout: Duration::from_secs(7_200), ..Default::default() };
        let simulation = Simulation::temporal()
            .activity("clocks", async |_: &ActivityContext, (): ()| -> Result<bool, ActivityError> {
                let steady = Instant::now();
                durasim::time::sleep(Duration::from_secs(3_600)).await;
                let wall = SystemTime::now();
                Ok(steady.elapsed() == Duration::from_secs(3_600) && wall == now())
            })
            .workflow("trial", async move |ctx: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
                ctx.execute_activity("clocks", &(), options()).await
            });
        simulation.run("trial", &()).ok().and_then(|run| run.result().ok()).unwrap_or(false)
    }

    fn now() -> SystemTime {
        Time::to_system_time(durasim::time::now())
    }
}
