//! Pause, unpause, reset.

use super::*;

/// `ops_pause_s2c`
#[test]
fn pausing_stops_the_clocks() {
    let mut bench = Bench::with(spec(1000, 0, 0));
    let key = bench.key(1);
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    bench.service.pause(key).unwrap();
    bench.until(3000);
    assert!(bench.service.activity(key).is_open());
    bench.service.unpause(key, Unpause::default(), bench.now).unwrap();
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
    bench.beat(first, text("7")).unwrap();
    bench
        .service
        .reset(first.activity, Reset { reset_heartbeat: true, keep_paused: false, ..Default::default() }, bench.now)
        .unwrap();
    assert!(bench.beat(first, text("8")).unwrap().activity_reset);
    assert_eq!(*bench.service.activity(first.activity).details(), text("8"));
    bench.fail(first, boom()).unwrap();
    let activity = bench.service.activity(first.activity);
    assert_eq!((activity.attempt(), activity.details()), (2, &Details::Absent));
    assert_eq!(activity.current_retry_interval(bench.now), Some(Span::from_millis(200)));
    // By the clock it is over, whether the timer has fired or not.
    assert_eq!(activity.current_retry_interval(bench.now.plus(Span::from_millis(200))), None);
    bench.until(200);
    let (second, _) = bench.take(2);
    assert!(!bench.beat(second, text("9")).unwrap().activity_reset);
}

impl Bench {
    pub fn unpause(&mut self, reset_attempts: bool, reset_heartbeat: bool) {
        let key = self.key(1);
        self.service.unpause(key, Unpause { reset_attempts, reset_heartbeat }, self.now).unwrap();
        self.drain();
    }

    fn reset(&mut self, keep_paused: bool) {
        let key = self.key(1);
        self.service.reset(key, Reset { reset_heartbeat: false, keep_paused, ..Default::default() }, self.now).unwrap();
        self.drain();
    }

    /// Attempt 1 has left details and failed: attempt 2 is in backoff until 200 ms.
    pub fn in_backoff() -> Bench {
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
        bench.service.pause(bench.key(1)).unwrap();
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

/// `x_reset_attempt2_completes`, `x_reset_attempt2_heartbeats`, `x_pause_attempt2_unpause_reset`: the attempt is lost
/// until its timeout, and the next one is the second again.
#[test]
fn attempts_that_are_reset_take_the_token_of_a_later_attempt() {
    for is_unpaused in [false, true] {
        let mut bench = Bench::in_backoff();
        bench.until(200);
        let (second, _) = bench.take(2);
        if is_unpaused {
            bench.service.pause(second.activity).unwrap();
            bench.unpause(true, false);
        } else {
            bench.reset(false);
        }
        assert!(bench.news.contains(&News::AttemptGivenUp { activity: second.activity, attempt: 2 }));
        assert_eq!(bench.beat(second, text("8")), Err(Refused::ACTIVITY_GONE));
        assert_eq!(bench.fail(second, boom()), Err(Refused::ACTIVITY_GONE));
        let result = Payload::new(b"1");
        assert_eq!(bench.service.complete(second, result, bench.now), Err(Refused::ACTIVITY_GONE));
        assert_eq!(bench.attempt_and_details(), (1, &text("7")));
        bench.until(5199);
        assert!(bench.service.activity(second.activity).started_at().is_some());
        bench.until(5200);
        assert_eq!(bench.attempt_and_details(), (2, &text("7")));
        assert_eq!(
            bench.service.activity(second.activity).current_retry_interval(bench.now),
            Some(Span::from_millis(200))
        );
        bench.until(5400);
        bench.take(2);
    }
}

/// `x_reset_attempt2_by_id`
#[test]
fn an_attempt_without_a_token_is_failed_by_id() {
    let mut bench = Bench::in_backoff();
    bench.until(200);
    bench.take(2);
    bench.reset(false);
    let id = bench.service.activity(bench.key(1)).id().clone();
    bench.service.fail_by_id(bench.workflow, &id, boom().map(Arc::new), None, bench.now).unwrap();
    bench.drain();
    assert_eq!(bench.attempt_and_details(), (2, &text("7")));
}

/// A heartbeat timeout is that of the attempt too.
#[test]
fn an_attempt_without_a_token_times_out_without_heartbeats() {
    let mut bench = Bench::with(spec(0, 5000, 1000));
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.until(700);
    bench.beat(second, text("7")).unwrap();
    bench.reset(false);
    bench.until(1700);
    assert_eq!(bench.attempt_and_details(), (2, &text("7")));
}

/// `x_pause_attempt2_unpause_plain`, `x_reset_attempt1_completes`
#[test]
fn the_first_attempt_keeps_its_token_and_so_does_one_that_is_only_unpaused() {
    let mut bench = Bench::in_backoff();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.service.pause(second.activity).unwrap();
    assert!(bench.beat(second, text("8")).unwrap().activity_paused);
    bench.unpause(false, false);
    let answer = bench.beat(second, text("9")).unwrap();
    assert_eq!((answer.activity_paused, answer.activity_reset), (false, false));
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.service.pause(first.activity).unwrap();
    bench.unpause(true, false);
    // Only a reset is told to the attempt.
    assert!(!bench.beat(first, text("8")).unwrap().activity_reset);
    bench.reset(false);
    bench.service.complete(first, Payload::new(b"1"), bench.now).unwrap();
}

#[test]
fn an_unpause_that_resets_details_does_not_reset_the_running_attempt() {
    let mut bench = Bench::in_backoff();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.service.pause(second.activity).unwrap();
    bench.unpause(false, true);
    assert_eq!(bench.attempt_and_details(), (2, &Details::Absent));
    assert!(!bench.beat(second, text("8")).unwrap().activity_reset);
    bench.fail(second, boom()).unwrap();
    assert_eq!(bench.attempt_and_details(), (3, &text("8")));
}

/// `x_reset_keep_paused_last_failure`: all that an inspection shows stays until the activity goes on.
#[test]
fn a_reset_of_what_stays_paused_hides_nothing() {
    let mut bench = Bench::in_backoff();
    let key = bench.key(1);
    bench.service.pause(key).unwrap();
    bench
        .service
        .reset(key, Reset { reset_heartbeat: true, keep_paused: true, ..Default::default() }, bench.now)
        .unwrap();
    bench.drain();
    assert_eq!(bench.attempt_and_details(), (1, &text("7")));
    assert_eq!(bench.service.activity(key).last_failure().map(|failure| &*failure.message), Some("boom"));
    bench.unpause(false, false);
    assert_eq!(bench.attempt_and_details(), (1, &Details::Absent));
    assert_eq!(bench.service.activity(key).last_failure(), None);
    assert_eq!(bench.take(1).1.heartbeat_details, Details::Absent);
}

/// `ops_reset_in_backoff`
#[test]
fn a_reset_lets_a_paused_activity_go_on_unless_it_is_to_stay() {
    let mut bench = Bench::in_backoff();
    bench.service.pause(bench.key(1)).unwrap();
    bench.reset(true);
    assert_eq!(bench.attempt_and_details(), (1, &text("7")));
    assert!(bench.service.take_activity_task(bench.key(1), 1, bench.now).is_none());
    bench.reset(false);
    bench.service.take_activity_task(bench.key(1), 1, bench.now).unwrap();
}

/// `rt_068`: deadlines that passed while it was paused pass when a reset lets it go on.
#[test]
fn a_reset_starts_the_clocks_of_a_running_attempt_that_was_paused() {
    let mut bench = Bench::with(spec(0, 1000, 0));
    let (first, _) = bench.take(1);
    bench.service.pause(first.activity).unwrap();
    bench.until(3000);
    bench.reset(true);
    bench.until(4000);
    assert!(bench.service.activity(first.activity).started_at().is_some());
    bench.reset(false);
    bench.until(4000);
    let timeout = TimeoutType::StartToClose;
    assert!(bench.news.contains(&News::AttemptTimedOut { activity: first.activity, attempt: 1, timeout }));
    // A reset of a first attempt that is not paused leaves its timers as they are.
    let mut bench = Bench::with(spec(0, 1000, 0));
    bench.take(1);
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
    bench.service.pause(bench.key(1)).unwrap();
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

/// `rs_018`, `rt_061`: operators are refused what is not open, in other words than workers are.
#[test]
fn operators_are_refused_what_is_not_open() {
    let mut closed = Bench::with(spec(0, 5000, 0));
    let (first, _) = closed.take(1);
    closed.service.complete(first, Payload::new(b"ok"), closed.now).unwrap();
    let mut orphaned = Bench::in_backoff();
    orphaned.service.pause(orphaned.key(1)).unwrap();
    orphaned.service.terminate(orphaned.workflow, "".into(), orphaned.now).unwrap();
    let words = "Can't find pending activity with such ID. Invalid activityID or activity already completed";
    for (mut bench, words) in [(closed, words), (orphaned, "workflow execution already completed")] {
        bench.drain();
        let (key, now) = (bench.key(1), bench.now);
        let state = bench.service.activity(key).state().clone();
        let id = bench.service.activity(key).id().clone();
        let answers = [
            bench.service.pause(key),
            bench.service.unpause(key, Unpause { reset_attempts: true, reset_heartbeat: true }, now),
            bench.service.reset(key, Reset::default(), now),
            bench.service.pending_activity(bench.workflow, &id).map(|_| ()),
        ];
        for answer in answers {
            assert_eq!(answer, Err(Refused { code: Code::NotFound, message: words.into() }));
        }
        assert_eq!(*bench.service.activity(key).state(), state);
    }
}
