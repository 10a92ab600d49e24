//! Shows the cost of one more among many. `cargo bench --bench growth [name ..]`
//!
//! Each line does something 16,000 times in one run, and 1,000 times in each of sixteen runs, in turn, by CPU time. It
//! shows how much more one costs among 16,000. Where that is over 1.5, the bench fails.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use durasim::{ActivityContext, ActivityOptions, Run, Simulation, WorkflowContext, WorkflowError};
use durasim_benches::cpu_time::{self, median, words};
use durasim_benches::plans;
use futures::future::join_all;

/// The number that counts as few.
const FEW: u32 = 1_000;
/// The number that counts as many.
const MANY: u32 = 16_000;
/// Pairs of measurements, of which the median counts.
const PAIRS: usize = 5;
/// The factor by which one may cost more among many.
const MOST: f64 = 1.5;

/// A thing that is done so many times in one run.
type Line = (&'static str, fn(u32));

const LINES: [Line; 15] = [
    ("activities", activities),
    ("activity ids", activity_ids),
    ("heartbeats of an attempt", heartbeats),
    ("timers of a workflow", timers),
    ("dropped timers", dropped_timers),
    ("cancelled scopes", scopes),
    ("versions of a workflow", versions),
    ("signals of a workflow", signals),
    ("queries of a workflow", queries),
    ("events of a history, out", histories_out),
    ("events of a history, in", histories_in),
    ("workflows of a script", workflows),
    ("points of an exploration", plans::points),
    ("plan entries", plans::read_and_print),
    ("faults of a plan", plans::strike),
];

fn main() -> ExitCode {
    // Options are cargo's.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut holds = true;
    for (name, run) in LINES {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        run(FEW);
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            few.push(cpu_time::of((MANY / FEW).into(), || run(FEW)).as_secs_f64() / f64::from(MANY));
            many.push(cpu_time::of(1, || run(MANY)).as_secs_f64() / f64::from(MANY));
        }
        let ratio = median(few.iter().zip(&many).map(|(few, many)| many / few).collect());
        let verdict = if ratio > MOST { "too much" } else { "ok" };
        let (few, many) = (words(median(few)), words(median(many)));
        println!("growth {name:<24} {few:>8} each among {FEW}, {many:>8} among {MANY}, ratio {ratio:.2} {verdict}");
        holds &= ratio <= MOST;
    }
    // A run is dropped while its thread lives.
    RECORDED.with_borrow_mut(BTreeMap::clear);
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(1_000_000), ..Default::default() }
}

fn run(simulation: Simulation, count: u32) {
    black_box(simulation.run("main", &count).expect("a run without faults"));
}

/// A workflow that starts so many activities at once.
fn starts(count: u32, options: fn(u32) -> ActivityOptions) {
    let main = async move |ctx: &WorkflowContext, count: u32| -> Result<(), WorkflowError> {
        let started = (0..count).map(|index| ctx.execute_activity::<u32>("same", &index, options(index)));
        for result in started.collect::<Vec<_>>() {
            result.await?;
        }
        Ok(())
    };
    let same = async |_: &ActivityContext, index: u32| Ok(index);
    run(Simulation::temporal().activity("same", same).workflow("main", main), count);
}

fn activities(count: u32) {
    starts(count, |_| options());
}

fn activity_ids(count: u32) {
    starts(count, |index| ActivityOptions { activity_id: Some(format!("id-{index}")), ..options() });
}

fn heartbeats(count: u32) {
    let main = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity(
            "beats",
            &count,
            ActivityOptions { heartbeat_timeout: Duration::from_secs(2), ..options() },
        )
        .await
    };
    let beats = async |ctx: &ActivityContext, count: u32| {
        for beat in 0..count {
            durasim::time::sleep(Duration::from_secs(1)).await;
            ctx.heartbeat(&beat)?;
        }
        Ok(count)
    };
    run(Simulation::temporal().horizon(Duration::MAX).activity("beats", beats).workflow("main", main), count);
}

async fn one_timer_after_the_other(ctx: &WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    for _ in 0..count {
        ctx.sleep(Duration::from_secs(1)).await?;
    }
    Ok(count)
}

fn timers(count: u32) {
    run(Simulation::temporal().workflow("main", one_timer_after_the_other), count);
}

thread_local! {
    /// The runs whose histories are written and read, by the number of their timers, with those histories.
    static RECORDED: RefCell<BTreeMap<u32, Rc<(Run, String)>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A run whose history has 50,000 events where there are many. Each timer brings five.
fn recorded(count: u32) -> Rc<(Run, String)> {
    let timers = count * 5 / 8;
    let make = || {
        let run = Simulation::temporal().workflow("main", one_timer_after_the_other).run("main", &timers);
        let run = run.expect("a run without faults");
        let json = run.history_json("main").expect("a history");
        Rc::new((run, json))
    };
    RECORDED.with_borrow_mut(|recorded| recorded.entry(timers).or_insert_with(make).clone())
}

fn histories_out(count: u32) {
    let recorded = recorded(count);
    black_box(recorded.0.history_json("main").expect("a history"));
}

fn histories_in(count: u32) {
    let recorded = recorded(count);
    let replayed = Simulation::temporal().workflow("main", one_timer_after_the_other).replay_history(&recorded.1);
    assert!(replayed.expect("the same code").events as u32 > count * 5 / 8 * 5);
}

fn dropped_timers(count: u32) {
    let main = async |ctx: &WorkflowContext, count: u32| -> Result<(), WorkflowError> {
        let sent: Vec<_> = (0..count).map(|_| ctx.sleep(Duration::from_secs(1_000))).collect();
        ctx.sleep(Duration::from_secs(1)).await?;
        drop(sent);
        drop((0..count).map(|_| ctx.sleep(Duration::from_secs(1_000))).collect::<Vec<_>>());
        ctx.sleep(Duration::from_secs(1)).await
    };
    run(Simulation::temporal().workflow("main", main), count);
}

fn scopes(count: u32) {
    let main = async |ctx: &WorkflowContext, count: u32| -> Result<(), WorkflowError> {
        let scopes: Vec<_> = (0..count).map(|_| ctx.child_scope()).collect();
        let timers: Vec<_> = scopes.iter().map(|scope| scope.sleep(Duration::from_secs(1_000))).collect();
        ctx.sleep(Duration::from_secs(1)).await?;
        scopes.iter().for_each(WorkflowContext::cancel);
        assert!(join_all(timers).await.iter().all(Result::is_err));
        Ok(())
    };
    run(Simulation::temporal().workflow("main", main), count);
}

fn versions(count: u32) {
    let main = async |ctx: &WorkflowContext, count: u32| -> Result<(), WorkflowError> {
        for change in 0..count {
            ctx.version(&format!("change-{change}"), WorkflowContext::DEFAULT_VERSION, 1);
        }
        Ok(())
    };
    run(Simulation::temporal().workflow("main", main), count);
}

/// A simulation whose script may be woken by very many things of one moment.
fn many_at_once() -> Simulation {
    Simulation::temporal().poll_budget(1_000_000)
}

/// A workflow that takes so many signals and says how many it has taken.
fn counter() -> Simulation {
    many_at_once().workflow("main", async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        let taken = Rc::new(Cell::new(0));
        let shown = taken.clone();
        ctx.on_query("taken", move |()| Ok(shown.get()));
        let signals = ctx.signals::<u32>("one more");
        while taken.get() < count {
            taken.set(taken.get() + signals.recv().await?);
        }
        Ok(count)
    })
}

fn signals(count: u32) {
    let done = counter().drive(|client| async move {
        let workflow = client.start::<u32>("main", "main", &count).await.expect("a new id");
        for _ in 0..count {
            workflow.signal("one more", &1).await.expect("it is open");
        }
        workflow.result().await.expect("it has taken all")
    });
    assert_eq!(black_box(done.expect("a run without faults")).0, count);
}

fn queries(count: u32) {
    let done = counter().drive(|client| async move {
        let workflow = client.start::<u32>("main", "main", &1).await.expect("a new id");
        let answers = join_all((0..count).map(|_| workflow.query::<u32>("taken", &())));
        let answered = answers.await.into_iter().filter(|answer| *answer == Ok(0)).count();
        workflow.signal("one more", &1).await.expect("it is open");
        answered
    });
    assert_eq!(black_box(done.expect("a run without faults")).0, count as usize);
}

fn workflows(count: u32) {
    let simulation = many_at_once()
        .activity("same", async |_: &ActivityContext, index: u32| Ok(index))
        .workflow("main", async |ctx: &WorkflowContext, index: u32| {
            ctx.execute_activity::<u32>("same", &index, options()).await
        });
    let done = simulation.drive(|client| async move {
        let mut started = Vec::new();
        for index in 0..count {
            started.push(client.start::<u32>("main", format!("main-{index}"), &index).await.expect("a new id"));
        }
        join_all(started.iter().map(|workflow| workflow.result())).await.len()
    });
    let (results, _) = black_box(done.expect("a run without faults"));
    assert_eq!(results, count as usize);
}
