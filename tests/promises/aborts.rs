//! No abort without a word: destructors that misuse the interface or panic end a run with an error, and where Rust
//! itself aborts, all that was kept from the terminal is printed first.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Ledger, RetryPolicy, RunError, Simulation,
    WorkerOptions, WorkflowContext, WorkflowError, check,
};

use crate::child::child;

fn simulation(activity: impl ActivityFn<u32, u32>) -> Simulation {
    let options = || ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    Simulation::temporal().activity("a", activity).workflow("w", async move |ctx: &WorkflowContext, input: u32| {
        ctx.execute_activity::<u32>("a", &input, options()).await
    })
}

/// Uses the interface in a destructor.
struct Uses(fn());

impl Drop for Uses {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[derive(Default)]
struct Store {
    files: Ledger<u32>,
}

#[test]
fn a_destructor_that_uses_the_interface_while_a_misuse_unwinds_ends_the_run_with_the_misuse() {
    let uses: [fn(); 4] = [
        || _ = durasim::time::now(),
        || _ = durasim::random(),
        || drop(durasim::effect("close", || 1)),
        || drop(durasim::task::spawn(async {})),
    ];
    for uses in uses {
        let activity = async move |_: &ActivityContext, input: u32| -> Result<u32, ActivityError> {
            let _guard = Uses(uses);
            // `.state(Store::default)` was forgotten.
            durasim::state::<Store>().files.record(input);
            Ok(input)
        };
        let error = simulation(activity).run("w", &1u32).unwrap_err();
        assert!(matches!(error, RunError::UnknownState { .. }), "{error}");
    }
}

#[test]
fn a_workflow_whose_destructor_misuses_the_interface_again_ends_the_run_with_the_misuse() {
    let workflow = async |_: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let _guard = Uses(|| _ = durasim::time::now());
        let _ = durasim::time::now();
        Ok(())
    };
    let error = Simulation::temporal().workflow("w", workflow).run("w", &()).unwrap_err();
    assert!(matches!(error, RunError::Misuse(_)), "{error}");
    assert!(error.to_string().contains("time::now"), "{error}");
}

#[test]
fn a_destructor_that_misuses_the_interface_while_a_panic_unwinds_ends_the_run() {
    let activity = async |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> {
        let _guard = Uses(|| _ = durasim::time::now());
        panic!("the code's own")
    };
    let run = simulation(activity).run("w", &1u32).unwrap();
    assert!(run.timeline().to_string().contains("the code's own"), "{}", run.timeline());
}

/// A destructor of a payload panics: nobody is to be unwound with that panic.
#[test]
fn a_payload_whose_destructor_panics_is_a_panic_like_any_other() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("the payload's own");
        }
    }
    let activity = async |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> { std::panic::panic_any(Payload) };
    let run = catch_unwind(|| simulation(activity).run("w", &1u32)).expect("nothing escapes").expect("it ends");
    assert_eq!(run.activities()[0].attempts.len(), 3, "{}", run.timeline());
    let report =
        simulation(activity).explore("w", &1u32).reference_may_fail().every_fault().check(check::same_result());
    assert!(catch_unwind(AssertUnwindSafe(|| report.report())).is_ok());
}

/// A mock that verifies its calls when it is dropped.
struct Mock {
    calls: Cell<u32>,
    expected: u32,
}

impl Drop for Mock {
    fn drop(&mut self) {
        assert_eq!(self.calls.get(), self.expected, "the mock expected {} calls", self.expected);
    }
}

fn mocked(expected: u32) -> Simulation {
    let activity = async |_: &ActivityContext, input: u32| -> Result<u32, ActivityError> {
        let mock = durasim::state::<Mock>();
        mock.calls.set(mock.calls.get() + 1);
        Ok(input)
    };
    simulation(activity).state(move || Mock { calls: Cell::new(0), expected })
}

#[test]
fn a_mock_that_verifies_when_it_is_dropped_fails_the_run() {
    drop(mocked(1).run("w", &1u32).expect("it ends"));
    let panic = catch_unwind(|| drop(mocked(2).run("w", &1u32))).unwrap_err();
    let message = panic.downcast_ref::<String>().expect("a text");
    assert!(message.contains("when it was dropped") && message.contains("the mock expected 2 calls"), "{message}");

    let report = mocked(2).explore("w", &1u32).every_fault().check(check::same_result()).report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!((failed.check.as_str(), failed.plan.is_empty()), ("state", true), "{}", failed.text);
    assert!(failed.violation.message.contains("the mock expected 2 calls"), "{}", failed.text);
    // A crash after the call repeats it, which this mock does not allow.
    let report = mocked(1).explore("w", &1u32).every_fault().check(check::same_result()).report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!((failed.check.as_str(), failed.plan.entries.len()), ("state", 1), "{}", failed.text);
}

/// The process of [`an_abort_is_told`] runs this.
#[test]
#[ignore = "aborts its process"]
fn aborts() {
    struct Second;
    impl Drop for Second {
        fn drop(&mut self) {
            panic!("the second panic");
        }
    }
    let activity = async |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        let _second = Second;
        panic!("the first panic")
    };
    let plan = "a#1@1:dispatch=delayed(1s)".parse().expect("a plan");
    let _ = simulation(activity).plan(plan).run("w", &1u32);
}

#[test]
fn an_abort_is_told() {
    let output = child("aborts::aborts").arg("--test-threads=1").output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    let this_file = "aborts.rs:";
    for expected in ["the first panic", "the second panic", this_file, "in test aborts::aborts, activity a#1@1"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(told.contains("plan `v1 seed=0 order=fifo; a#1@1:dispatch=delayed(1s)`"), "{told}");
}

/// The task that ends the run is taken by another worker than before, whose instance is to be forgotten.
#[test]
fn a_cached_workflow_is_dropped_with_nothing_borrowed_where_its_task_ends_the_run() {
    thread_local! {
        static ANSWERED: Cell<bool> = const { Cell::new(false) };
    }
    let options = || ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
    let simulation = Simulation::temporal()
        .dispatch_latency(Duration::ZERO)
        .poll_budget(2)
        .worker(WorkerOptions::default())
        .worker(WorkerOptions { max_concurrent_activities: 1, ..Default::default() })
        .activity("slow", async |_: &ActivityContext, (): ()| {
            durasim::time::sleep(Duration::from_secs(10)).await;
            Ok(())
        })
        .activity("step", async |_: &ActivityContext, (): ()| {
            tokio::task::yield_now().await;
            Ok(())
        })
        .workflow("w", async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let _guard = Uses(|| ANSWERED.set(catch_unwind(durasim::time::now).is_ok()));
            // They fill the second worker and keep the first one from exiting.
            let _slow = [0, 1, 2].map(|_| ctx.execute_activity::<()>("slow", &(), options()));
            ctx.execute_activity::<()>("step", &(), options()).await?;
            ctx.execute_activity::<()>("step", &(), options()).await
        })
        .plan("step#2@1:await1=stop".parse().unwrap());
    let error = simulation.run("w", &()).unwrap_err();
    assert!(matches!(error, RunError::Busy { .. }), "{error}");
    assert!(ANSWERED.get(), "the destructor's call panicked");
}
