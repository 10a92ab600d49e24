//! Pause, unpause, reset.

use super::*;

/// `ops_pause_s2c`
#[test]
fn pausing_stops_the_clocks() {
    let mut bench = Bench::with(spec(1000, 0, 0));
    let key = bench.key(1);
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    bench.service.pause(key);
    bench.until(3000);
    assert!(bench.service.activity(key).is_open());
    bench.service.unpause(key, Unpause::default(), bench.now);
    bench.drain();
    bench.until(3000);
    let (timeout, state, failure) = timed_out(bench.outcome());
    assert_eq!((timeout, state, &failure.cause), (TimeoutType::ScheduleToClose, RetryState::Timeout, &None));
}

/// `ops_reset_running`, rule row `trace/44`
#[test]
fn a_reset_waits_for_the_running_attempt() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.beat(second, text("7")).unwrap();
    bench.service.reset(second.activity, Reset { reset_heartbeat: true, keep_paused: false }, bench.now);
    assert!(bench.beat(second, text("8")).unwrap().activity_reset);
    assert_eq!(*bench.service.activity(second.activity).details(), text("8"));
    bench.fail(second, boom()).unwrap();
    let activity = bench.service.activity(second.activity);
    assert_eq!((activity.attempt(), activity.details()), (2, &Details::Absent));
    assert_eq!(activity.current_retry_interval(), Some(Span::from_millis(200)));
}

impl Bench {
    fn unpause(&mut self, reset_attempts: bool, reset_heartbeat: bool) {
        let key = self.key(1);
        self.service.unpause(key, Unpause { reset_attempts, reset_heartbeat }, self.now);
        self.drain();
    }

    fn reset(&mut self, keep_paused: bool) {
        let key = self.key(1);
        self.service.reset(key, Reset { reset_heartbeat: false, keep_paused }, self.now);
        self.drain();
    }

    /// Attempt 1 has left details and failed: attempt 2 is in backoff until 200 ms.
    fn in_backoff() -> Bench {
        let mut bench = Bench::with(spec(0, 5000, 0));
        let (first, _) = bench.take(1);
        bench.beat(first, text("7")).unwrap();
        bench.fail(first, boom()).unwrap();
        bench
    }

    fn attempt_and_details(&self) -> (u32, &Details) {
        let activity = self.service.activity(self.key(1));
        (activity.attempt(), activity.details())
    }
}

/// `ops_unpause_reset_attempts`: attempts and details are reset each for itself.
#[test]
fn an_unpause_resets_what_it_is_asked_to() {
    for (reset_attempts, reset_heartbeat) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut bench = Bench::in_backoff();
        bench.service.pause(bench.key(1));
        bench.unpause(reset_attempts, reset_heartbeat);
        let attempt = if reset_attempts { 1 } else { 2 };
        let details = if reset_heartbeat { Details::Absent } else { text("7") };
        assert_eq!(bench.attempt_and_details(), (attempt, &details));
        // At once, whatever was left of the backoff.
        assert_eq!(bench.take(attempt).1.heartbeat_details, details);
    }
}

#[test]
fn an_unpause_leaves_alone_what_is_not_paused() {
    let mut bench = Bench::in_backoff();
    bench.unpause(true, true);
    let due = Some(Time::from_millis(200));
    assert_eq!(
        (bench.attempt_and_details(), bench.service.activity(bench.key(1)).next_attempt_at()),
        ((2, &text("7")), due)
    );
}

/// The running attempt keeps its number until it ends, with all that it is refused or granted by that number.
#[test]
fn an_unpause_that_resets_attempts_waits_for_the_running_one() {
    let mut bench = Bench::in_backoff();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.service.pause(second.activity);
    assert!(bench.beat(second, text("8")).unwrap().activity_paused);
    bench.unpause(true, false);
    let answer = bench.beat(second, text("9")).unwrap();
    assert_eq!((answer.activity_paused, answer.activity_reset), (false, true));
    bench.fail(second, boom()).unwrap();
    assert_eq!(bench.attempt_and_details(), (2, &text("9")));
}

#[test]
fn an_unpause_that_resets_details_does_not_reset_the_running_attempt() {
    let mut bench = Bench::in_backoff();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.service.pause(second.activity);
    bench.unpause(false, true);
    assert_eq!(bench.attempt_and_details(), (2, &Details::Absent));
    assert!(!bench.beat(second, text("8")).unwrap().activity_reset);
    bench.fail(second, boom()).unwrap();
    assert_eq!(bench.attempt_and_details(), (3, &text("8")));
}

/// `ops_reset_in_backoff`
#[test]
fn a_reset_lets_a_paused_activity_go_on_unless_it_is_to_stay() {
    let mut bench = Bench::in_backoff();
    bench.service.pause(bench.key(1));
    bench.reset(true);
    assert_eq!(bench.attempt_and_details(), (1, &text("7")));
    assert!(bench.service.take_activity_task(bench.key(1), 1, bench.now).is_none());
    bench.reset(false);
    bench.service.take_activity_task(bench.key(1), 1, bench.now).unwrap();
}

/// Deadlines that passed while it was paused pass when a reset lets it go on.
#[test]
fn a_reset_starts_the_clocks_of_a_running_attempt_that_was_paused() {
    let mut bench = Bench::with(spec(0, 1000, 0));
    let (first, _) = bench.take(1);
    bench.service.pause(first.activity);
    bench.until(3000);
    assert!(bench.service.activity(first.activity).started_at().is_some());
    bench.reset(false);
    bench.until(3000);
    let timeout = TimeoutType::StartToClose;
    assert!(bench.news.contains(&News::AttemptTimedOut { activity: first.activity, attempt: 1, timeout }));
    // A reset of an activity that is not paused leaves its timers as they are.
    bench.until(3200);
    bench.take(2);
    let timers = bench.timers.len();
    bench.reset(false);
    assert_eq!(bench.timers.len(), timers);
}

/// The clock of schedule-to-start begins anew; the timer of the old one must not ask for another.
#[test]
fn a_deadline_that_an_operator_moved_has_one_timer() {
    let mut activity = spec(0, 5000, 0);
    activity.timeouts.schedule_to_start = Span::from_secs(1);
    let mut bench = Bench::with(activity);
    bench.until(500);
    bench.service.pause(bench.key(1));
    bench.unpause(false, false);
    bench.until(1000);
    assert_eq!(
        bench.service.activity(bench.key(1)).deadline(TimeoutType::ScheduleToStart),
        Some(Time::from_millis(1500))
    );
    let waits =
        |timer: &ServiceTimer| matches!(timer, ServiceTimer::Timeout { timeout: TimeoutType::ScheduleToStart, .. });
    assert_eq!(bench.timers.iter().filter(|(_, _, timer)| waits(timer)).count(), 1);
    bench.until(1500);
    assert_eq!(timed_out(bench.outcome()).0, TimeoutType::ScheduleToStart);
}

/// Operators do nothing to a closed activity, nor to an activity of a closed workflow.
#[test]
fn operators_do_nothing_to_what_is_not_open() {
    let mut closed = Bench::with(spec(0, 5000, 0));
    let (first, _) = closed.take(1);
    closed.service.complete(first, Payload::new(b"ok"), closed.now).unwrap();
    let mut orphaned = Bench::in_backoff();
    orphaned.service.terminate(orphaned.workflow, "".into(), orphaned.now).unwrap();
    for mut bench in [closed, orphaned] {
        bench.drain();
        let key = bench.key(1);
        let state = bench.service.activity(key).state().clone();
        bench.service.pause(key);
        assert!(!bench.service.activity(key).is_paused());
        bench.unpause(true, true);
        bench.reset(false);
        assert_eq!(*bench.service.activity(key).state(), state);
    }
    let mut paused = Bench::in_backoff();
    paused.service.pause(paused.key(1));
    paused.service.terminate(paused.workflow, "".into(), paused.now).unwrap();
    paused.unpause(true, true);
    assert_eq!(paused.attempt_and_details(), (2, &text("7")));
}
