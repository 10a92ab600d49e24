//! `durasim::time::try_now` answers anybody at any time: it never panics and never ends a run.

use std::cell::RefCell;
use std::panic;
use std::rc::Rc;
use std::sync::Once;
use std::time::Duration;

use durasim::time::try_now;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Simulation, Time, WorkflowContext, WorkflowError, check,
};

/// The answers, with the code that has asked.
#[derive(Default)]
struct Answers(RefCell<Vec<(&'static str, Option<Time>)>>);

impl Answers {
    fn ask(&self, whose: &'static str) {
        self.0.borrow_mut().push((whose, try_now()));
    }
}

thread_local! {
    /// The answers outside of a run's state: in workflows, destructors and the panic hook.
    static ELSEWHERE: Rc<Answers> = Rc::default();
}

fn ask(whose: &'static str) {
    ELSEWHERE.with(|answers| answers.ask(whose));
}

struct Asks(&'static str);

impl Drop for Asks {
    fn drop(&mut self) {
        ask(self.0);
    }
}

/// Installs a hook in this process that asks when code of this file panics, and calls the hook before it.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.to_string().contains("for try_now") {
                ask("panic hook");
            }
            before(info);
        }));
    });
}

async fn copy(_ctx: &ActivityContext, _: ()) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(5)).await;
    ask("activity");
    durasim::effect("put", || ask("effect"))?;
    let _asks = Asks("unwound");
    panic!("for try_now");
}

async fn backup(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    let _asks = Asks("workflow's destructor");
    ask("workflow");
    ctx.side_effect(|| ask("side effect"));
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(9),
        retry_policy: Some(durasim::RetryPolicy { maximum_attempts: 1, ..Default::default() }),
        ..Default::default()
    };
    let _: Result<(), _> = ctx.execute_activity("copy", &(), options).await;
    Ok(())
}

#[test]
fn everybody_is_answered_in_a_run_and_nobody_outside() {
    let simulation = Simulation::temporal().activity("copy", copy).workflow("backup", backup).state(|| {
        ask("state");
        Asks("state's destructor")
    });
    assert_eq!(try_now(), None);
    let run = simulation.run("backup", &()).unwrap();
    install_hook();
    drop(run);
    ELSEWHERE.with(|answers| answers.0.take());
    let run = simulation.run("backup", &()).unwrap();
    assert_eq!(try_now(), None);
    drop(run);
    let at = |millis: u64| Some(Time::from_millis(millis));
    let expected = [
        ("state", at(0)),
        ("workflow", at(1)),
        ("side effect", at(1)),
        ("activity", at(5_002)),
        ("effect", at(5_002)),
        ("panic hook", at(5_002)),
        ("unwound", at(5_002)),
        ("workflow's destructor", at(5_003)),
        ("state's destructor", at(5_003)),
    ];
    assert_eq!(ELSEWHERE.with(|answers| answers.0.take()), expected);
}

#[test]
fn checks_and_other_threads_have_no_time() {
    let naps = async |ctx: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
        ctx.sleep(Duration::from_secs(1)).await?;
        Ok(std::thread::spawn(|| try_now().is_none()).join().unwrap())
    };
    let exploration = Simulation::temporal().workflow("naps", naps).explore("naps", &()).every_fault();
    let checked = check::named("no time", |run| match (try_now(), run.result::<bool>()) {
        (None, Ok(true)) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    exploration.check(checked).assert();
}

/// A loop of it is none of the calls that are counted.
#[test]
fn it_is_asked_as_often_as_one_likes() {
    let asks = async |_: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
        Ok((0..2_000_000).all(|_| try_now() == Some(Time::from_millis(1))))
    };
    let simulation = Simulation::temporal().workflow("asks", asks).event_budget(1_000);
    assert_eq!(simulation.run("asks", &()).unwrap().result(), Ok(true));
}
