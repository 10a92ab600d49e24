//! State of a worker dies with its process: each process of each worker has its own, and a crash runs no destructors.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use durasim::task::spawn;
use durasim::time::sleep;
use durasim::{
    ActivityContext, ActivityFn, ActivityOptions, Handle, RetryPolicy, Run, RunError, Simulation, WorkerHandle,
    WorkflowContext, WorkflowError, worker_state,
};

/// The memory of a process: a number that its code has counted up to.
#[derive(Default)]
struct Memory {
    count: Cell<u32>,
    world: Handle<World>,
}

/// The world outside: it sees what processes do, and which of their values are dropped.
#[derive(Default)]
struct World {
    made: Cell<u32>,
    lines: RefCell<Vec<String>>,
}

impl Memory {
    fn new() -> Memory {
        let world = Handle::<World>::default();
        world.with(|world| world.made.set(world.made.get() + 1));
        Memory { count: Cell::new(0), world }
    }

    fn count(&self) -> u32 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let count = self.count.get();
        self.world.with(|world| world.lines.borrow_mut().push(format!("memory with {count} dropped")));
    }
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn log(line: impl Into<String>) {
    durasim::state::<World>().lines.borrow_mut().push(line.into());
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: second() * 60,
        heartbeat_timeout: second() * 5,
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    }
}

fn simulation(work: impl ActivityFn<(), u32>) -> Simulation {
    Simulation::temporal()
        .activity("work", work)
        .workflow("twice", async |ctx: &WorkflowContext, (): ()| -> Result<(u32, u32), WorkflowError> {
            let one = ctx.execute_activity("work", &(), options()).await?;
            Ok((one, ctx.execute_activity("work", &(), options()).await?))
        })
        .workflow("both", async |ctx: &WorkflowContext, (): ()| -> Result<(u32, u32), WorkflowError> {
            let one = ctx.execute_activity("work", &(), options());
            let other = ctx.execute_activity("work", &(), options());
            Ok((one.await?, other.await?))
        })
        .state(World::default)
        .worker_state(Memory::new)
}

async fn counts(_ctx: &ActivityContext, (): ()) -> Result<u32, durasim::ActivityError> {
    let count = worker_state::<Memory>().count();
    sleep(second()).await;
    Ok(count)
}

#[track_caller]
fn run(simulation: Simulation, workflow: &str, plan: &str) -> Run {
    let run = simulation.plan(plan.parse().unwrap()).run(workflow, &()).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

#[track_caller]
fn counted(run: &Run) -> (u32, u32) {
    run.result().unwrap()
}

fn lines(run: &Run) -> Vec<String> {
    run.state::<World>().lines.borrow().clone()
}

#[test]
fn each_process_has_its_own() {
    assert_eq!(counted(&run(simulation(counts), "twice", "v1")), (1, 2), "one process");
    let crashed = run(simulation(counts), "twice", "work#2@1:await1=crash");
    assert_eq!((counted(&crashed), crashed.state::<World>().made.get()), ((1, 1), 2), "another one after a crash");
    let stopped = run(simulation(counts), "twice", "work#1@1:await1=stop");
    assert_eq!((counted(&stopped), stopped.state::<World>().made.get()), ((1, 1), 2), "another one after a stop");
    let again = simulation(counts);
    assert_eq!([0; 2].map(|_| counted(&run(again.clone(), "twice", "v1"))), [(1, 2); 2], "nothing is left of a run");
}

#[test]
fn each_worker_has_its_own() {
    let run = |workers| run(simulation(counts).workers(workers), "both", "v1");
    assert_eq!(counted(&run(1)), (1, 2));
    assert_eq!(counted(&run(2)), (1, 1));
}

#[test]
fn it_is_made_for_who_asks_first() {
    let quiet = async |_ctx: &ActivityContext, (): ()| Ok(7);
    assert_eq!(run(simulation(quiet), "twice", "v1").state::<World>().made.get(), 0);
}

/// A task that outlives its attempt goes on in the same process.
#[test]
fn tasks_reach_it_as_long_as_their_process_lives() {
    let work = async |_ctx: &ActivityContext, (): ()| {
        let joined = spawn(async { worker_state::<Memory>().count() }).await;
        spawn(async {
            loop {
                sleep(Duration::from_millis(400)).await;
                log(format!("task sees {}", worker_state::<Memory>().count.get()));
            }
        });
        sleep(second()).await;
        Ok(joined)
    };
    let whole = run(simulation(work), "twice", "v1");
    assert_eq!(counted(&whole), (1, 2));
    assert!(lines(&whole).contains(&"task sees 2".to_owned()), "{:?}", lines(&whole));
    let crashed = run(simulation(work), "twice", "work#2@1:await1=crash");
    assert_eq!(counted(&crashed), (1, 1));
    assert!(!lines(&crashed).contains(&"task sees 2".to_owned()), "{:?}", lines(&crashed));
}

/// The destructors of what runs in a process come before those of its memory, and find that.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        log(format!("task dropped, sees {}", worker_state::<Memory>().count()));
    }
}

#[test]
fn a_stop_runs_its_destructors_and_a_crash_does_not() {
    let work = async |_ctx: &ActivityContext, (): ()| {
        let count = worker_state::<Memory>().count();
        let guard = Guard;
        spawn(async move {
            let _guard = guard;
            sleep(second() * 1_000).await;
        });
        Ok(count)
    };
    let after = |plan: &str, stops: bool| {
        let driven = simulation(work).plan(plan.parse().unwrap()).drive(async |client| {
            client.start::<(u32, u32)>("twice", "t", &()).await.unwrap().result().await.unwrap();
            if stops {
                client.stop_worker(1);
            }
            client.sleep(second() * 60).await;
            let seen = durasim::state::<World>().lines.borrow().clone();
            client.start::<(u32, u32)>("twice", "u", &()).await.unwrap().result().await.map(|result| (result, seen))
        });
        driven.unwrap().0.unwrap()
    };
    let dropped = ["task dropped, sees 3", "task dropped, sees 4", "memory with 4 dropped"].map(str::to_owned);
    assert_eq!(after("v1", true), ((1, 2), dropped.to_vec()));
    assert_eq!(
        after("work#2@1:completion=crash", false),
        ((2, 3), Vec::new()),
        "attempt 2 was the first of its process"
    );
}

/// Code that a crash unwinds belongs to the process that has crashed.
#[test]
fn the_next_process_sees_nothing_of_what_a_crash_unwinds() {
    let work = async |_ctx: &ActivityContext, (): ()| {
        let count = worker_state::<Memory>().count();
        let _guard = Guard;
        sleep(second()).await;
        durasim::effect("write", || ()).map_err(durasim::ActivityError::from)?;
        Ok(count)
    };
    let crashed = run(simulation(work), "twice", "work#1@1:effect1=crash_after");
    assert_eq!(counted(&crashed), (1, 3), "the guard of the second process has counted once");
}

#[test]
fn its_destructor_may_end_a_run_where_its_process_stops() {
    struct Verifies;
    impl Drop for Verifies {
        fn drop(&mut self) {
            panic!("a call is missing");
        }
    }
    let work = async |_ctx: &ActivityContext, (): ()| {
        let _ = worker_state::<Verifies>();
        sleep(second()).await;
        Ok(1)
    };
    let run = |plan: &str| simulation(work).worker_state(|| Verifies).plan(plan.parse().unwrap()).run("twice", &());
    let error = run("work#1@1:await1=stop").unwrap_err();
    assert!(matches!(&error, RunError::Misuse(why) if why.contains("a call is missing")), "{error}");
    let left = std::panic::catch_unwind(|| drop(run("v1"))).unwrap_err();
    let left = left.downcast::<String>().unwrap();
    assert!(left.contains("panicked when it was dropped") && left.contains("a call is missing"), "{left}");
}

/// A value whose destructor looks at another one of its process.
struct Looks<T: 'static>(std::marker::PhantomData<T>);

impl<T: 'static> Drop for Looks<T> {
    fn drop(&mut self) {
        let _ = worker_state::<T>();
        log("looked");
    }
}

fn looks<T: 'static>() -> Looks<T> {
    Looks(std::marker::PhantomData)
}

/// A value that is dropped later is still there, and one that is dropped already does not come anew.
#[test]
fn its_destructor_finds_what_is_left_of_its_process() {
    let work = async |_ctx: &ActivityContext, (): ()| {
        let _ = worker_state::<Looks<Memory>>();
        let count = worker_state::<Memory>().count();
        let _ = worker_state::<Looks<Looks<Memory>>>();
        sleep(second()).await;
        Ok(count)
    };
    let early = simulation(work).worker_state(looks::<Memory>);
    let stopped = |simulation: Simulation| simulation.plan("work#1@1:await1=stop".parse().unwrap()).run("twice", &());
    let run = stopped(early.clone().worker_state(|| Looks::<Looks<Memory>>(std::marker::PhantomData)));
    let error = run.unwrap_err().to_string();
    assert!(error.contains("was dropped already: the worker's process has stopped"), "{error}");
    let work = async |_ctx: &ActivityContext, (): ()| {
        let _ = worker_state::<Looks<Memory>>();
        let count = worker_state::<Memory>().count();
        sleep(second()).await;
        Ok(count)
    };
    let run = stopped(simulation(work).worker_state(looks::<Memory>)).unwrap();
    assert_eq!((counted(&run), run.state::<World>().made.get()), ((1, 1), 2), "no value came anew");
    assert_eq!(lines(&run)[..2], ["looked", "memory with 1 dropped"]);
}

/// A guard of a crashed process that is dropped behind the run does not count in the process that lives.
#[test]
fn what_has_crashed_is_dropped_beside_its_own_values() {
    struct Verifies(Cell<u32>);
    impl Drop for Verifies {
        fn drop(&mut self) {
            assert!(self.0.get() < 2, "used twice");
        }
    }
    struct Uses;
    impl Drop for Uses {
        fn drop(&mut self) {
            let used = worker_state::<Verifies>();
            used.0.set(used.0.get() + 1);
        }
    }
    let work = async |_ctx: &ActivityContext, (): ()| {
        let _guard = Uses;
        sleep(second()).await;
        Ok(1)
    };
    // The second attempt, and the second activity, use the value of the second process.
    let simulation = simulation(work).worker_state(|| Verifies(Cell::new(0)));
    let single = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.execute_activity("work", &(), options()).await
    };
    let run = run(simulation.workflow("single", single), "single", "work#1@1:await1=crash");
    let left = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(run)));
    assert!(left.is_ok(), "{:?}", left.unwrap_err().downcast_ref::<String>());
}

#[test]
fn a_handle_is_for_fakes_whose_futures_are_sent() {
    fn is_sent<T: Send + Sync + Copy>(_: T) {}
    let memory: WorkerHandle<Memory> = durasim::worker_handle();
    is_sent(memory);
    assert_eq!(format!("{memory:?}"), "WorkerHandle<promises::worker_state::Memory>");
    let work = async move |_ctx: &ActivityContext, (): ()| Ok(memory.with(Memory::count) + memory.get().count());
    assert_eq!(counted(&run(simulation(work), "twice", "v1")), (3, 7));
}

#[track_caller]
fn is_refused(result: Result<Run, RunError>, says: &[&str]) {
    let error = result.unwrap_err().to_string();
    assert!(says.iter().all(|words| error.contains(words)), "{error}");
}

#[test]
fn a_type_that_is_not_registered_is_told_with_those_that_are() {
    let asks = async |_ctx: &ActivityContext, (): ()| Ok(*worker_state::<u32>());
    is_refused(
        simulation(asks).run("twice", &()),
        &["no worker state of type `u32` is registered", "worker_state::Memory`", "tests/promises/worker_state.rs:"],
    );
    let asks = async |_ctx: &ActivityContext, (): ()| Ok(worker_state::<World>().made.get());
    is_refused(simulation(asks).run("twice", &()), &["a `.state(..)` of this type is there"]);
    let twice = simulation(counts).worker_state(Memory::new);
    is_refused(twice.run("twice", &()), &["a worker state of type", "is registered twice"]);
}

#[test]
fn a_constructor_that_panics_or_asks_for_itself_ends_the_run() {
    let asks = async |_ctx: &ActivityContext, (): ()| Ok(*worker_state::<u32>());
    let panics = simulation(asks).worker_state(|| -> u32 { panic!("no disk") });
    is_refused(panics.run("twice", &()), &["making the worker state `u32` panicked: no disk"]);
    let circle = simulation(asks).worker_state(|| *worker_state::<u32>() + 1);
    is_refused(circle.run("twice", &()), &["the worker state `u32` asks for itself while it is being made"]);
}

#[test]
fn workflows_and_scripts_and_the_test_itself_have_none() {
    let workflow = async |_ctx: &WorkflowContext, (): ()| Ok(worker_state::<Memory>().count());
    is_refused(
        simulation(counts).workflow("asks", workflow).run("asks", &()),
        &["workflow code asked for the worker state", "use an activity"],
    );
    let script = simulation(counts).drive(async |_client| worker_state::<Memory>().count());
    is_refused(script.map(|(_, run)| run), &["the script asked for the worker state", "keep what others look at in a"]);
    let gone = simulation(counts).on_worker_gone(|_| _ = worker_state::<Memory>());
    is_refused(
        gone.plan("work#1@1:await1=crash".parse().unwrap()).run("twice", &()),
        &["code outside of a worker's process asked for the worker state"],
    );
    let outside = std::panic::catch_unwind(|| worker_state::<Memory>().count()).unwrap_err();
    let outside = outside.downcast::<String>().unwrap();
    assert!(outside.contains("worker_state::<") && outside.contains("outside a simulation"), "{outside}");
}
