//! The calls that put a simulation together mean the same in every order, or say that they do not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use durasim::fault::{Order, Plan};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Dialect, HeartbeatThrottle, RetryPolicy, RunError, Settings,
    Simulation, WorkerOptions,
};

use super::{answers, asking};

fn simulation() -> Simulation {
    asking(answers)
}

fn plan() -> Plan {
    "v1 seed=3 order=random; ask#1@1:await1=crash".parse().unwrap()
}

fn struck(simulation: Simulation) -> Plan {
    simulation.run("twice", &1u32).unwrap().plan()
}

#[test]
fn a_seed_and_an_order_count_before_and_after_the_plan() {
    assert_eq!(struck(simulation().plan(plan())), plan());
    let expected = plan().with_seed(7);
    assert_eq!(struck(simulation().plan(plan()).seed(7)), expected);
    assert_eq!(struck(simulation().seed(7).plan(plan())), expected);
    let expected = plan().with_order(Order::Fifo);
    assert_eq!(struck(simulation().plan(plan()).order(Order::Fifo)), expected);
    assert_eq!(struck(simulation().order(Order::Fifo).plan(plan())), expected);
}

#[track_caller]
fn is_refused(simulation: &Simulation, words: &str) {
    let errors = [
        simulation.run("twice", &1u32).unwrap_err(),
        simulation.drive(async |client| client.sleep(Duration::from_secs(1)).await).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, RunError::Setup(text) if text.contains(words)), "{error}");
    }
}

#[test]
fn faults_come_from_one_source() {
    let words = "`.random_faults(..)` and `.plan(..)`";
    is_refused(&simulation().plan(plan()).random_faults(3), words);
    is_refused(&simulation().random_faults(3).plan(plan()), words);
    let words = "`.random_faults(..)` and `.seed(..)`";
    is_refused(&simulation().seed(7).random_faults(3), words);
    is_refused(&simulation().random_faults(3).seed(7), words);
    let random = |simulation: Simulation| simulation.run("twice", &1u32).unwrap();
    let first = random(simulation().order(Order::Random).random_faults(3));
    let second = random(simulation().random_faults(3).order(Order::Random));
    assert_eq!((first.seed(), first.plan()), (3, second.plan()));
}

#[test]
fn settings_do_not_undo_a_number_that_was_set_before() {
    let settings = || Settings { restart_delay: Duration::from_secs(20), ..Default::default() };
    let words = "`.settings(..)` would undo a number that was set before";
    is_refused(&simulation().no_heartbeat_throttle().settings(settings()), words);
    is_refused(&simulation().settings(settings()).settings(Settings::default()), words);
    let crashed = |simulation: Simulation| simulation.plan(plan()).run("twice", &1u32).unwrap().virtual_time();
    let usual = crashed(simulation());
    assert_eq!(
        crashed(simulation().settings(settings())),
        crashed(simulation().restart_delay(Duration::from_secs(20)))
    );
    assert_ne!(crashed(simulation().settings(settings())), usual);
    assert_eq!(crashed(simulation().settings(settings()).restart_delay(Duration::from_secs(1))), usual);
}

#[test]
fn a_limit_of_zero_is_a_mistake_wherever_it_is_given() {
    let zero = |set: fn(&mut Settings)| {
        let mut settings = Settings::default();
        set(&mut settings);
        simulation().settings(settings)
    };
    is_refused(&zero(|settings| settings.horizon = Duration::ZERO), "the horizon is zero");
    is_refused(&zero(|settings| settings.poll_budget = 0), "the poll budget is zero");
    is_refused(&zero(|settings| settings.event_budget = 0), "the event budget is zero");
    is_refused(&simulation().horizon(Duration::ZERO), "the horizon is zero");
    // The last one counts.
    assert!(simulation().horizon(Duration::ZERO).horizon(Duration::from_secs(60)).run("twice", &1u32).is_ok());
}

#[test]
fn what_users_write_takes_its_other_fields_from_the_default() {
    let settings = Settings { heartbeat_throttle: HeartbeatThrottle::Off, ..Default::default() };
    let retry_policy = Some(RetryPolicy { maximum_attempts: 3, ..Default::default() });
    let options = ActivityOptions { retry_policy, ..Default::default() };
    let worker = WorkerOptions { max_concurrent_activities: 1, ..Default::default() };
    assert!(options.heartbeat_timeout.is_zero() && options.task_queue.is_none(), "a zero and a `None` are not set");
    let two_at_once = async |_: &ActivityContext, number: u32| -> Result<u32, ActivityError> { Ok(number) };
    for dialect in [Dialect::Temporal, Dialect::Cadence] {
        assert_eq!(Simulation::of(dialect).dialect(), dialect);
    }
    let simulation = asking(two_at_once).settings(settings).worker(worker).worker(WorkerOptions::default());
    assert_eq!(simulation.run("twice", &1u32).unwrap().result(), Ok(2));
}

#[test]
fn workers_are_counted_from_1() {
    let simulation = simulation().workers(2);
    let stopped = simulation.drive(async |client| {
        client.stop_worker(1);
        client.stop_worker(2);
        client.start_worker(2);
        client.start::<u32>("twice", "w", &1u32).await?.result().await
    });
    let (result, run) = stopped.unwrap();
    assert_eq!(result, Ok(2));
    assert_eq!(run.activities()[0].attempts[0].worker.number(), 2);
    for number in [0, 3] {
        let missing =
            catch_unwind(AssertUnwindSafe(|| simulation.drive(async |client| client.stop_worker(number)))).unwrap_err();
        let text = missing.downcast_ref::<String>().unwrap();
        assert_eq!(*text, format!("there is no worker {number}: the simulation has 2, which are counted from 1"));
    }
}
