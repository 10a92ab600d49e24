//! Only commands of a workflow task that make sense are taken: numbers and ids, timers, cancels of activities that have
//! just ended.

use super::*;

fn start(seq: Seq) -> Command {
    Command::StartTimer { seq, duration: Span::from_millis(100) }
}

fn cancel(seq: Seq) -> Command {
    Command::CancelTimer { seq }
}

fn named(seq: Seq, id: &str) -> Command {
    schedule(seq, spec(0, 5000, 0).activity_id(id))
}

impl Bench {
    /// Takes another workflow task; the answer to it leaves the workflow open.
    fn next_task(&mut self) -> WorkflowTask {
        self.service.signal(self.workflow, "go on".into(), Payload::new(b"1"), self.now).unwrap();
        self.drain();
        self.take_task()
    }

    fn says(&mut self, commands: &[Command]) -> String {
        let task = self.next_task();
        match self.complete_task(task, commands) {
            Ok(()) => "ok".into(),
            Err(refused) => refused.message.split(':').next().unwrap_or_default().to_string(),
        }
    }
}

#[test]
fn a_timer_that_runs_is_not_started_again() {
    let duplicate = "StartTimerDuplicateId";
    let mut bench = Bench::new(0, 0);
    bench.answer(&[start(1), start(2)]).unwrap();
    assert_eq!(bench.says(&[start(2)]), duplicate);
    assert_eq!(bench.says(&[start(1)]), duplicate);
    assert_eq!(bench.says(&[start(3), start(3)]), duplicate);
    // One that has ended may be, also behind higher numbers.
    bench.until(100);
    assert_eq!(bench.says(&[start(1)]), "ok");
}

/// Commands count from the first to the last of a task.
#[test]
fn a_timer_is_cancelled_only_while_it_runs() {
    let bad = "BadCancelTimerAttributes";
    let mut bench = Bench::new(0, 0);
    bench.answer(&[start(1), start(2)]).unwrap();
    assert_eq!(bench.says(&[cancel(9)]), bad);
    assert_eq!(bench.says(&[start(3), cancel(9)]), bad);
    assert_eq!(bench.says(&[start(3), cancel(3), cancel(3)]), bad);
    assert_eq!(bench.says(&[start(3), cancel(3), start(3)]), "ok");
    assert_eq!(bench.says(&[cancel(2), cancel(1)]), "ok");
    assert_eq!(bench.says(&[cancel(1)]), bad);
}

/// A timer that was cancelled does not fire, nor does any timer of a closed workflow: the clock is not moved for it.
#[test]
fn timers_that_will_not_fire_are_stale() {
    let mut bench = Bench::new(0, 0);
    bench.answer(&[start(1), start(2)]).unwrap();
    let live = |bench: &Bench| {
        [1, 2].map(|timer| bench.service.is_live(ServiceTimer::Workflow { workflow: bench.workflow, timer }))
    };
    assert_eq!((live(&bench), bench.service.workflow(bench.workflow).has_timer()), ([true, true], true));
    assert_eq!(bench.says(&[cancel(1)]), "ok");
    assert_eq!(live(&bench), [false, true]);
    assert_eq!(bench.says(&[cancel(2), start(3)]), "ok");
    bench.until(100);
    assert_eq!(bench.events().iter().filter(|event| *event == "TimerFired").count(), 1);
    assert!(!bench.service.workflow(bench.workflow).has_timer());
    assert_eq!(bench.says(&[start(4)]), "ok");
    bench.service.terminate(bench.workflow, "".into(), bench.now).unwrap();
    assert!(!bench.service.is_live(ServiceTimer::Workflow { workflow: bench.workflow, timer: 4 }));
}

/// `wf_duplicate_activity_id`. An id is free again once its activity has closed; a number never names two that are open.
#[test]
fn open_activities_have_ids_and_numbers_of_their_own() {
    let duplicate = "ScheduleActivityDuplicateId";
    let mut bench = Bench::new(0, 0);
    let plain = |seq| schedule(seq, spec(0, 5000, 0));
    bench.answer(&[plain(1), named(2, "a")]).unwrap();
    assert_eq!(bench.says(&[plain(1)]), duplicate);
    assert_eq!(bench.says(&[plain(2)]), duplicate);
    assert_eq!(bench.says(&[plain(3), plain(3)]), duplicate);
    assert_eq!(bench.says(&[named(3, "a")]), duplicate);
    assert_eq!(bench.says(&[named(1, "b")]), duplicate);
    // Calls find an activity by the id that it has and by no other.
    let unknown = bench.service.complete_by_id(bench.workflow, &ActivityId::Seq(2), Payload::new(b"ok"), bench.now);
    let words = unknown.unwrap_err().to_string();
    assert!(words.starts_with("NOT_FOUND: cannot find pending activity with ActivityID 2, check"), "{words}");
    let (first, _) = bench.take(1);
    bench.service.complete(first, Payload::new(b"ok"), bench.now).unwrap();
    bench.drain();
    assert_eq!(bench.says(&[plain(1), named(3, "b")]), "ok");
    let a = bench.service.workflow(bench.workflow).activity(2).unwrap();
    let (a, _) = bench.service.take_activity_task(a, 1, bench.now).unwrap();
    bench.service.complete(a, Payload::new(b"ok"), bench.now).unwrap();
    assert_eq!(bench.says(&[named(4, "a")]), "ok");
}

/// The workflow cannot know that an activity ended while its task was open
/// (temporal `service/history/workflow/mutable_state_impl.go`, `AddActivityTaskCancelRequestedEvent`).
#[test]
fn an_activity_can_be_cancelled_until_its_workflow_knows_that_it_ended() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    let task = bench.next_task();
    bench.service.complete(first, Payload::new(b"ok"), bench.now).unwrap();
    bench.drain();
    bench.complete_task(task, &[Command::CancelActivity { seq: 1 }]).unwrap();
    assert_eq!(
        bench.events_from(9),
        "WorkflowTaskCompleted ActivityTaskCancelRequested ActivityTaskStarted ActivityTaskCompleted \
         WorkflowTaskScheduled"
    );
    // Now it does, and other news does not change that.
    let task = bench.next_task();
    bench.service.signal(bench.workflow, "more".into(), Payload::new(b"1"), bench.now).unwrap();
    let refused = bench.complete_task(task, &[Command::CancelActivity { seq: 1 }]).unwrap_err();
    assert!(refused.message.starts_with("BadRequestCancelActivityAttributes"), "{refused}");
}

/// `raw_empty_activity_id`
#[test]
fn an_activity_has_an_id_and_a_type() {
    let refused = |spec: ActivitySpec| Bench::new(0, 0).answer(&[schedule(1, spec)]).unwrap_err();
    let words = |refused: Refused| (refused.code, refused.message.into_owned());
    let bad = |words: &str| (Code::InvalidArgument, format!("BadScheduleActivityAttributes: {words}"));
    assert_eq!(words(refused(spec(0, 5000, 0).activity_id(""))), bad("activityId is not set"));
    let untyped = ActivitySpec::new("", Payload::new(b"1")).timeouts(spec(0, 5000, 0).timeouts);
    assert_eq!(words(refused(untyped)), bad("activityType is not set"));
}

/// `rt_157`: a timer that fires while the task is open which cancels it is no news.
#[test]
fn a_task_that_cancels_a_timer_which_has_just_fired_may_close_the_workflow() {
    let close = || Command::Cancelled(Details::Absent);
    let with_open_task = || {
        let mut bench = Bench::new(0, 0);
        bench.answer(&[start(1), start(2)]).unwrap();
        bench.until(50);
        let task = bench.next_task();
        bench.until(100);
        (bench, task)
    };
    let (mut bench, task) = with_open_task();
    bench.complete_task(task, &[cancel(1), cancel(2), close()]).unwrap();
    let events = bench.events();
    assert_eq!(events[events.len() - 3..], ["TimerCanceled", "TimerCanceled", "WorkflowExecutionCanceled"]);
    let (mut bench, task) = with_open_task();
    assert_eq!(bench.complete_task(task, &[cancel(1), close()]).unwrap_err().message, "UnhandledCommand");
}
