//! A workflow observes things in another order where a plan says so, and never in one that no server could give.

use std::cell::Cell;
use std::time::Duration;

use durasim::trace::{Event, What};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Run, RunError, Simulation, WorkerOptions, WorkflowContext,
    WorkflowError,
};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn options(start_to_close: u64) -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: secs(start_to_close), ..Default::default() }
}

async fn work(_: &ActivityContext, seconds: u64) -> Result<(), ActivityError> {
    durasim::time::sleep(secs(seconds)).await;
    Ok(())
}

/// Waits for the signal `go`, for 5 seconds of work, and for 10 seconds.
async fn all(ctx: &WorkflowContext, start_to_close: u64) -> Result<(), WorkflowError> {
    let go = ctx.signals::<()>("go");
    let working = ctx.execute_activity::<()>("work", &5u64, options(start_to_close));
    let (worked, slept, gone) = futures::join!(working, ctx.sleep(secs(10)), go.recv());
    worked.and(slept).and(gone)
}

/// Ends with the first of the signal `go` and 10 seconds, whatever else goes on.
async fn first(ctx: &WorkflowContext, start_to_close: u64) -> Result<(), WorkflowError> {
    let go = ctx.signals::<()>("go");
    let _working = ctx.execute_activity::<()>("work", &5u64, options(start_to_close));
    futures::select_biased! {
        gone = go.recv() => gone,
        slept = ctx.sleep(secs(10)) => slept,
    }
}

/// Works for 5 seconds while a timer fires each second.
async fn ticks(ctx: &WorkflowContext, start_to_close: u64) -> Result<(), WorkflowError> {
    let working = ctx.execute_activity::<()>("work", &5u64, options(start_to_close));
    for _ in 0..100 {
        ctx.sleep(secs(1)).await?;
    }
    working.await
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().activity("work", work);
    simulation.workflow("all", all).workflow("first", first).workflow("ticks", ticks)
}

/// The words of the client when it sends its signal 2 seconds after the start, and the run.
fn signalled(simulation: &Simulation, workflow: &str, start_to_close: u64, plan: &str) -> (String, Run) {
    let workflow = workflow.to_owned();
    let simulation = simulation.clone().plan(plan.parse().expect("a plan"));
    let driven = simulation.drive(|client| async move {
        let main = client.start::<()>(&workflow, "main", &start_to_close).await.expect("starts");
        client.sleep(secs(2)).await;
        let sent = main.signal("go", &()).await.map_err(|refused| refused.to_string());
        let said = format!("{sent:?} at {}", client.now());
        let _ = main.result().await;
        said
    });
    driven.expect("runs")
}

fn run(workflow: &str, plan: &str) -> Run {
    signalled(&simulation(), workflow, 600, plan).1
}

/// The things that the workflow observes, between the brackets of its tasks.
fn story(run: &Run) -> String {
    let word = |event: &Event| match event.what {
        What::TaskStarted { .. } => Some("[".to_owned()),
        What::TaskCompleted(_) => Some("]".to_owned()),
        What::TimerFired(timer) => Some(format!("timer{timer}")),
        What::TimerCanceled(timer) => Some(format!("-timer{timer}")),
        What::SignalReceived(_) => Some("go".to_owned()),
        What::ActivityCompleted(_) => Some("work".to_owned()),
        What::CancelRequested => Some("cancel".to_owned()),
        what if what.closes_workflow() => Some("end".to_owned()),
        _ => None,
    };
    run.trace().events().iter().filter_map(word).collect::<Vec<_>>().join(" ")
}

/// The story of a plan whose faults strike, whatever the latency of a dispatch, and which replays.
#[track_caller]
fn goes(workflow: &str, plan: &str, expected: &str) {
    for latency in [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(20)] {
        let (_, run) = signalled(&simulation().dispatch_latency(latency), workflow, 600, plan);
        assert_eq!(story(&run), expected, "{plan}, {latency:?}\n{}", run.timeline());
        assert!(run.not_fired().is_empty(), "{plan}, {latency:?}\n{}", run.timeline());
    }
}

/// The error of a plan whose order is impossible. The run goes on as without it.
#[track_caller]
fn is_impossible(workflow: &str, plan: &str, why: &str) {
    let (usual, run) = (run(workflow, "v1"), run(workflow, plan));
    assert_eq!(run.not_fired().len(), 1, "{}", run.timeline());
    assert_eq!(story(&run), story(&usual), "{}", run.timeline());
    is_refused(run, plan, why);
}

#[track_caller]
fn is_refused(run: Run, plan: &str, why: &str) {
    let text = run.timeline().to_string();
    let Err(RunError::PlanNotFired(error)) = run.strict() else { panic!("`{plan}` strikes\n{text}") };
    assert_eq!(error, format!("the order of the plan is impossible: `{plan}` is in vain, since {why}"), "\n{text}");
}

#[test]
fn what_is_held_comes_behind_another_thing_in_its_task_or_in_the_next() {
    goes("all", "v1", "[ ] go [ ] work [ ] timer1 [ ] end");
    goes("all", "work#1@1:completion=behind(timer1)", "[ ] go [ ] timer1 work [ ] end");
    goes("all", "work#1@1:completion=next_task(timer1)", "[ ] go [ ] timer1 [ ] work [ ] end");
    goes("all", "all#1:signal1=behind(activity1)", "[ ] work go [ ] timer1 [ ] end");
    goes("all", "all#1:signal1=next_task(activity1)", "[ ] work [ ] go [ ] timer1 [ ] end");
    goes("all", "all#1:task1=behind(signal1)", "go [ ] work [ ] timer1 [ ] end");
    goes("all", "all#1:task2=behind(activity1)", "[ ] go work [ ] timer1 [ ] end");
}

#[test]
fn several_are_held_one_behind_the_other() {
    let plan = "all#1:signal1=next_task(activity1); work#1@1:completion=behind(timer1)";
    goes("all", plan, "[ ] timer1 work [ ] go [ ] end");
}

#[test]
fn what_comes_while_a_task_is_open_is_seen_by_the_next() {
    // The work ends while the worker has the task of the fourth timer.
    let run = run("ticks", "ticks#1:task5=late(1500ms); ticks#1:signal1=next_task(activity1)");
    let story = story(&run);
    let begin = "[ ] timer1 [ ] timer2 [ ] timer3 [ ] timer4 [ work ] [ ] go [ ] timer5 [ ]";
    assert!(story.starts_with(begin), "{story}");
}

#[test]
fn the_sender_of_a_held_signal_waits_until_it_has_arrived() {
    let (sent, run) = signalled(&simulation(), "all", 600, "all#1:signal1=next_task(activity1)");
    assert_eq!(sent, "Ok(()) at 5.003s", "{}", run.timeline());
    // It is refused where the task closes the workflow: then no server could give that order.
    let plan = "first#1:signal1=next_task(timer1)";
    let (sent, run) = signalled(&simulation(), "first", 600, plan);
    let refused = "NOT_FOUND: workflow execution already completed";
    assert_eq!(sent, format!("Err(\"{refused}\") at 10.002s"));
    let why = "the workflow task that takes in timer1 closes first#1, which refuses the signal";
    is_refused(run, plan, why);
}

#[test]
fn a_report_that_comes_too_late_was_not_needed() {
    let simulation = simulation().plan("work#1@1:completion=next_task(timer1)".parse().unwrap());
    let run = simulation.run("first", &600u64).unwrap();
    assert_eq!(story(&run), "[ ] timer1 [ ] end");
    assert!(run.strict().is_ok());
}

#[test]
fn a_signal_comes_behind_a_cancel() {
    let simulation = simulation().plan("all#1:signal1=behind(cancel)".parse().unwrap());
    let driven = simulation.drive(|client| async move {
        let main = client.start::<()>("all", "main", &600u64).await.expect("starts");
        let cancels = async {
            client.sleep(secs(3)).await;
            main.cancel().await
        };
        let (sent, cancelled) = futures::join!(main.signal("go", &()), cancels);
        (sent.is_ok(), cancelled.is_ok())
    });
    let (answers, run) = driven.unwrap();
    assert_eq!(answers, (true, true));
    assert!(story(&run).starts_with("[ ] cancel go ["), "{}", run.timeline());
}

/// A report can be held only as long as its timeouts; a task can wait for a worker.
#[test]
fn a_task_waits_for_a_worker_where_a_report_would_time_out() {
    let plan = "work#1@1:completion=behind(timer1)";
    let (_, run) = signalled(&simulation(), "all", 7, plan);
    assert_eq!(story(&run), "[ ] go [ ] work [ ] timer1 [ ] end", "{}", run.timeline());
    let why = "timer1 does not come while it is held: start-to-close of work#1 would pass first";
    is_refused(run, plan, why);
    let (_, run) = signalled(&simulation(), "all", 7, "work#1@1:dispatch=behind(timer1)");
    assert_eq!(story(&run), "[ ] go [ ] timer1 [ ] work [ ] end", "{}", run.timeline());
    assert!(run.strict().is_ok());
}

#[test]
fn a_task_that_is_held_takes_no_slot() {
    async fn two(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        let work = || ctx.execute_activity::<()>("work", &5u64, options(60));
        let (one, other) = futures::join!(work(), work());
        one.and(other)
    }
    let worker = WorkerOptions { max_concurrent_activities: 1, ..Default::default() };
    let simulation = Simulation::temporal().activity("work", work).workflow("two", two).worker(worker);
    let run = simulation.plan("work#1@1:dispatch=behind(activity2)".parse().unwrap()).run("two", &()).unwrap();
    let started: Vec<&str> = run
        .trace()
        .attempts()
        .values()
        .map(|attempt| if run.trace().activities()[attempt.activity].execution == 1 { "first" } else { "second" })
        .collect();
    assert_eq!(started, ["second", "first"]);
    assert!(run.strict().is_ok());
}

#[test]
fn no_timer_fires_behind_a_later_one() {
    async fn timers(ctx: &WorkflowContext, _: u64) -> Result<(), WorkflowError> {
        let working = ctx.execute_activity::<()>("work", &12u64, options(600));
        let (one, two) = futures::join!(ctx.sleep(secs(5)), ctx.sleep(secs(10)));
        one.and(two).and(working.await)
    }
    let simulation = simulation().workflow("timers", timers);
    for behind in ["timer2", "activity1"] {
        let plan = format!("timers#1:timer1=behind({behind})");
        let run = simulation.clone().plan(plan.parse().unwrap()).run("timers", &0u64).unwrap();
        let why =
            "does not come while it is held: timer 2 of timers#1 would fire first, and timers fire in their order";
        is_refused(run, &plan, &format!("{behind} {why}"));
    }
    assert!(simulation.explore("timers", &0u64).every_order().report().holds());
}

#[test]
fn an_order_that_no_server_could_give_is_in_vain() {
    let nothing = "activity1 does not come while it is held: nothing else would happen";
    is_impossible("all", "all#1:timer1=behind(activity1)", nothing);
    is_impossible("all", "work#1@1:completion=behind(activity1)", "activity1 is what is held");
    let plan = "first#1:signal1=behind(timer2)";
    is_refused(run("first", plan), plan, "timer2 does not come while it is held: first#1 closes first");
    let plan = "work#1@1:completion=behind(signal2)";
    let passed = "signal2 does not come while it is held: 64 other things come to the workflow first";
    is_refused(run("ticks", plan), plan, passed);
}

/// An activity that waits, through the outside world, for what is held: correct code, whatever is held behind it.
#[test]
fn no_activity_times_out_because_of_what_is_held() {
    async fn poll(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        while !durasim::state::<Cell<bool>>().get() {
            durasim::time::sleep(secs(60)).await;
        }
        Ok(())
    }
    async fn open(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        durasim::state::<Cell<bool>>().set(true);
        Ok(())
    }
    async fn main(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        let waits = ctx.execute_activity::<()>("poll", &(), options(1800));
        let opens = async {
            ctx.sleep(secs(10)).await?;
            ctx.execute_activity::<()>("open", &(), options(60)).await
        };
        let (waited, opened) = futures::join!(waits, opens);
        waited.and(opened)
    }
    let simulation = Simulation::temporal().activity("poll", poll).activity("open", open).workflow("main", main);
    let plan = "main#1:timer1=behind(activity1)";
    let run = simulation.state(|| Cell::new(false)).plan(plan.parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.result::<()>(), Ok(()), "{}", run.timeline());
    is_refused(run, plan, "activity1 does not come while it is held: start-to-close of poll#1 would pass first");
}

/// The word of a timeline for each thing that goes on, and the name of the activity that it waited for.
#[test]
fn a_timeline_says_when_a_hold_ends() {
    let lines = |workflow: &str, plan: &str| {
        let text = run(workflow, plan).timeline().to_string();
        let told = |line: &&str| line.contains("fault:") || line.contains("goes on");
        let lines: Vec<String> = text.lines().filter(told).map(|line| line.trim().to_owned()).collect();
        lines.join("\n")
    };
    assert_eq!(
        lines("all", "work#1@1:completion=next_task(timer1)"),
        ">>>  5.002s  fault: the report of attempt 1 of work arrives when the workflow has dealt with timer 1\n\
         10.002s  work#1@1  the report goes on: the workflow has dealt with timer 1"
    );
    assert_eq!(
        lines("all", "all#1:signal1=behind(activity1)"),
        ">>>  2.000s  fault: the 1st signal to all arrives right behind the end of work#1\n\
         5.002s  all#1     signal 1 goes on: the end of work#1 has come"
    );
    assert_eq!(
        lines("all", "all#1:timer1=behind(activity1)"),
        ">>> 10.001s  fault: timer 1 of all fires right behind the end of work#1\n\
         10.001s  all#1     timer 1 goes on, in vain held for the end of work#1"
    );
    assert_eq!(
        lines("all", "all#1:task1=behind(signal1)"),
        ">>>  0.000s  fault: workflow task 1 of all is handed to a worker right behind signal 1\n\
         2.000s  all#1     workflow task 1 goes on: signal 1 has come"
    );
}

/// Works for 5 seconds, and for 20 beside that, and waits for 100.
async fn beside(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let short = ctx.execute_activity::<()>("work", &5u64, options(600));
    let long = ctx.execute_activity::<()>("work", &20u64, options(30));
    let (one, other, slept) = futures::join!(short, long, ctx.sleep(secs(100)));
    one.and(other).and(slept)
}

/// An attempt that has crashed waits for nothing: it times out whatever is held.
#[test]
fn an_order_lasts_beside_attempts_that_crash_or_are_lost() {
    let simulation = simulation().workflow("beside", beside);
    let others = ["await1=crash_attempt", "completion=request_lost", "completion=crash"];
    for other in others {
        let plan = format!("work#1@1:completion=next_task(timer1); work#2@1:{other}");
        let run = simulation.clone().plan(plan.parse().unwrap()).run("beside", &()).unwrap();
        assert_eq!(story(&run), "[ ] work [ ] timer1 [ ] work [ ] end", "{plan}\n{}", run.timeline());
        assert!(run.strict().is_ok(), "{plan}");
    }
}

/// Waits for 5 seconds, and for 10 more for each signal that has come by then.
async fn looks(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let go = ctx.signals::<()>("go");
    let _working = ctx.execute_activity::<()>("work", &4u64, options(600));
    ctx.sleep(secs(5)).await?;
    while let Some(()) = go.try_recv()? {
        ctx.sleep(secs(10)).await?;
    }
    Ok(())
}

/// The task is given out again with the signal that came while it was open, and its answer is the one to wait for.
#[test]
fn a_task_whose_answer_is_refused_or_lost_takes_in_what_came_meanwhile() {
    for fault in ["late(1500ms)", "completion_lost"] {
        let plan = format!("looks#1:task2={fault}; work#1@1:completion=next_task(signal1)");
        let simulation = simulation().workflow("looks", looks).plan(plan.parse().unwrap());
        let driven = simulation.drive(async |client| {
            let main = client.start::<()>("looks", "main", &()).await.expect("starts");
            client.sleep(Duration::from_millis(5_500)).await;
            main.signal("go", &()).await.expect("arrives");
            main.result().await.expect("ends");
        });
        let (_, run) = driven.unwrap();
        let expected = "[ ] timer1 [ ] go [ ] work [ ] timer2 [ ] end";
        let story = story(&run).replace("[ go ]", "[ ] go").replace("[ go [", "[ ] go [");
        assert_eq!(story, expected, "{plan}\n{}", run.timeline());
        assert!(run.strict().is_ok(), "{plan}");
    }
}

/// A server keeps one entry for the timers of a workflow, and fires those that are due with it in their order.
#[test]
fn a_late_timer_is_not_overtaken_by_a_later_one() {
    async fn timers(ctx: &WorkflowContext, takes_back: bool) -> Result<(), WorkflowError> {
        let go = ctx.signals::<()>("go");
        let (one, two) = (ctx.sleep(secs(5)), ctx.sleep(secs(5)));
        let three = ctx.sleep(Duration::from_millis(5_500));
        if takes_back {
            go.recv().await?;
            drop(one);
        } else {
            one.await?;
        }
        let (two, three) = futures::join!(two, three);
        two.and(three)
    }
    let simulation = simulation().workflow("timers", timers).plan("timers#1:timer1=delayed(1s)".parse().unwrap());
    let run = simulation.clone().run("timers", &false).unwrap();
    assert_eq!(story(&run), "[ ] timer1 timer2 timer3 [ ] end", "{}", run.timeline());
    // It is taken back while it is late: the others go on.
    let driven = simulation.drive(async |client| {
        let main = client.start::<()>("timers", "main", &true).await.expect("starts");
        client.sleep(Duration::from_millis(5_200)).await;
        main.signal("go", &()).await.expect("arrives");
        main.result().await.expect("ends");
    });
    let (_, run) = driven.unwrap();
    assert_eq!(story(&run), "[ ] go [ ] -timer1 timer2 [ ] timer3 [ ] end", "{}", run.timeline());
}

/// Two activities at once, of which the first is to end first, and then a third.
async fn in_order(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let mut first = ctx.execute_activity::<()>("work", &5u64, options(600));
    let mut second = ctx.execute_activity::<()>("work", &10u64, options(600));
    futures::select_biased! {
        one = first => one?,
        two = second => {
            two?;
            return Err(WorkflowError::application("the second came first"));
        }
    }
    second.await?;
    ctx.execute_activity("work", &1u64, options(600)).await
}

/// Code that fails where two things come the other way round has not taken another branch.
#[test]
fn a_workflow_that_fails_in_another_order_is_told() {
    let report = simulation().workflow("in_order", in_order).explore("in_order", &()).every_order().report();
    assert!(!report.holds(), "{report}");
    let failed = &report.failures()[0];
    let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    assert_eq!((&*failed.check, &*entries.join("; ")), ("same_result", "work#1@1:completion=next_task(activity2)"));
    assert!(failed.text.contains("`.check(check::same_result().outcomes(..))`"), "{}", failed.text);
    let declared = durasim::check::same_result().outcomes(|run: &Run| run.result::<()>().is_err());
    let simulation = simulation().workflow("in_order", in_order);
    assert!(simulation.explore("in_order", &()).every_order().check(declared).report().holds());
}

/// A reminder goes off in any case, and an answer is waited for, no longer than 20 seconds.
async fn patient(ctx: &WorkflowContext, (): ()) -> Result<bool, WorkflowError> {
    let reminder = ctx.sleep(secs(60));
    let is_answered = {
        let mut answer = ctx.execute_activity::<()>("work", &5u64, options(600));
        futures::select_biased! {
            answered = answer => answered.map(|()| true)?,
            slept = ctx.sleep(secs(20)) => slept.map(|()| false)?,
        }
    };
    reminder.await?;
    Ok(is_answered)
}

/// Looks for a minute whether the door is open, which is opened after 10 seconds; other work takes 90.
async fn impatient(ctx: &WorkflowContext, (): ()) -> Result<bool, WorkflowError> {
    let looks = ctx.execute_activity::<bool>("looks", &(), options(600));
    let opens = async {
        ctx.sleep(secs(10)).await?;
        ctx.execute_activity::<()>("opens", &(), options(60)).await
    };
    let beside = ctx.execute_activity::<()>("work", &90u64, options(600));
    let (looked, opened, worked) = futures::join!(looks, opens, beside);
    opened.and(worked).and(looked)
}

/// The code gives up what is held. It is right, and its result another.
#[test]
fn a_hold_that_outlasts_the_patience_of_code_makes_a_lost_race() {
    async fn looks(_: &ActivityContext, (): ()) -> Result<bool, ActivityError> {
        for _ in 0..12 {
            if durasim::state::<Cell<bool>>().get() {
                return Ok(true);
            }
            durasim::time::sleep(secs(5)).await;
        }
        Ok(false)
    }
    async fn opens(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        durasim::state::<Cell<bool>>().set(true);
        Ok(())
    }
    let simulation = simulation().activity("looks", looks).activity("opens", opens).state(|| Cell::new(false));
    let simulation = simulation.workflow("patient", patient).workflow("impatient", impatient);
    for (workflow, plan) in
        [("patient", "work#1@1:completion=behind(timer1)"), ("impatient", "impatient#1:timer1=behind(activity2)")]
    {
        let run = simulation.clone().plan(plan.parse().unwrap()).run(workflow, &()).unwrap();
        assert_eq!(run.result::<bool>(), Ok(false), "{plan}\n{}", run.timeline());
        assert!(run.strict().is_ok(), "{plan}");
        let report = simulation.explore(workflow, &()).every_order().report();
        let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
        assert!(report.holds() && report.error().is_none(), "{}\n{report}", texts.join("\n"));
    }
}
