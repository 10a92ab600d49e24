//! An operator changes the options of an activity.

use durasim::service::UpdateOptions;

use super::*;

fn millis(length: i64) -> Option<Span> {
    Some(Span::from_millis(length))
}

impl Bench {
    fn update_options(&mut self, how: &UpdateOptions) -> Result<(), Refused> {
        let key = self.key(1);
        let answer = self.service.update_options(key, how, self.now);
        self.drain();
        answer
    }

    /// An activity whose first attempt runs since 0 ms.
    fn running(start_to_close: i64) -> Bench {
        let mut bench = Bench::with(spec(0, start_to_close, 0));
        bench.take(1);
        bench
    }

    fn is_open(&self) -> bool {
        self.service.activity(self.key(1)).is_open()
    }
}

/// `x_update_stc_running`
#[test]
fn a_running_attempt_has_the_new_length_from_its_start() {
    for (length, ends) in [(9000, 9000), (2700, 2700), (600, 900)] {
        let mut bench = Bench::running(5000);
        let attempts = Some(1);
        bench.until(900);
        let how = UpdateOptions { start_to_close: millis(length), maximum_attempts: attempts, ..Default::default() };
        bench.update_options(&how).unwrap();
        bench.until(ends - 1);
        assert!(bench.is_open() || length == 600, "{length}");
        bench.until(ends);
        assert_eq!(timed_out(bench.outcome()).0, TimeoutType::StartToClose, "{length}");
    }
}

/// `x_update_s2c_running`: the others are clipped, and the deadline counts from the first schedule.
#[test]
fn a_new_schedule_to_close_clips_the_others() {
    let mut bench = Bench::running(5000);
    bench.until(300);
    bench.update_options(&UpdateOptions { schedule_to_close: millis(1100), ..Default::default() }).unwrap();
    let timeouts = bench.service.activity(bench.key(1)).timeouts();
    assert_eq!(
        (timeouts.start_to_close, timeouts.schedule_to_start),
        (Span::from_millis(1100), Span::from_millis(1100))
    );
    bench.until(1100);
    assert_eq!(timed_out(bench.outcome()).0, TimeoutType::ScheduleToClose);
    assert_eq!(bench.now, Time::from_millis(1100));
}

#[test]
fn a_backoff_is_measured_anew() {
    // The server takes the number of the attempt that waits: the interval is that after attempt 2.
    for (initial, due) in [(1000, 2000), (30, 60), (1, 50)] {
        let mut bench = Bench::running(5000);
        let token = Token { activity: bench.key(1), attempt: 1 };
        bench.fail(token, boom()).unwrap();
        bench.until(50);
        bench.update_options(&UpdateOptions { initial_interval: millis(initial), ..Default::default() }).unwrap();
        bench.until(due - 1);
        let offered = Ready::Activity { activity: bench.key(1), attempt: 2 };
        assert!(!bench.ready.contains(&offered) || initial == 1, "{initial}");
        bench.until(due);
        bench.take(2);
        assert_eq!(bench.ready.iter().filter(|ready| **ready == offered).count(), 1, "{initial}");
    }
}

/// An attempt whose backoff is over waits once more if the new backoff is longer.
#[test]
fn an_attempt_that_waits_for_a_worker_may_be_early() {
    let mut bench = Bench::running(5000);
    let token = Token { activity: bench.key(1), attempt: 1 };
    bench.fail(token, boom()).unwrap();
    bench.until(300);
    bench.update_options(&UpdateOptions { initial_interval: millis(500), ..Default::default() }).unwrap();
    let (key, now) = (bench.key(1), bench.now);
    assert_eq!(bench.service.take_activity_task(key, 2, now).map(|_| ()), None);
    assert_eq!(bench.service.activity(key).next_attempt_at(), Some(Time::from_millis(1000)));
    bench.until(1000);
    bench.take(2);
}

#[test]
fn a_paused_activity_keeps_its_new_options() {
    let mut bench = Bench::in_backoff();
    bench.service.pause(bench.key(1)).unwrap();
    bench
        .update_options(&UpdateOptions {
            initial_interval: millis(1),
            start_to_close: millis(70),
            ..Default::default()
        })
        .unwrap();
    bench.until(1000);
    assert!(bench.service.take_activity_task(bench.key(1), 2, bench.now).is_none());
    bench.unpause(false, false);
    assert_eq!(bench.take(2).1.info.timeouts.start_to_close, Span::from_millis(70));
}

#[test]
fn an_attempt_that_waits_is_offered_in_its_new_queue() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    bench.ready.clear();
    bench.update_options(&UpdateOptions { maximum_attempts: Some(3), ..Default::default() }).unwrap();
    assert_eq!(bench.ready, []);
    bench.update_options(&UpdateOptions { task_queue: Some("other".into()), ..Default::default() }).unwrap();
    assert_eq!(bench.service.activity(bench.key(1)).task_queue().map(|queue| &**queue), Some("other"));
    bench.take(1);
}

#[test]
fn the_original_options_come_back() {
    let two_changes = |bench: &mut Bench| {
        for length in [7000, 8000] {
            let queue = Some("other".into());
            let how = UpdateOptions { start_to_close: millis(length), task_queue: queue, ..Default::default() };
            bench.update_options(&how).unwrap();
        }
    };
    let restore = UpdateOptions { restore_original: true, ..Default::default() };
    for by_reset in [false, true] {
        let mut bench = Bench::running(5000);
        // There is nothing to restore.
        bench.update_options(&restore).unwrap();
        two_changes(&mut bench);
        let key = bench.key(1);
        if by_reset {
            bench.service.reset(key, Reset::default(), bench.now).unwrap();
            assert_eq!(bench.service.activity(key).timeouts().start_to_close, Span::from_millis(8000));
            let how = Reset { restore_options: true, ..Default::default() };
            bench.service.reset(key, how, bench.now).unwrap();
            bench.drain();
        } else {
            bench.update_options(&restore).unwrap();
        }
        let activity = bench.service.activity(key);
        assert_eq!((activity.timeouts().start_to_close, activity.task_queue()), (Span::from_millis(5000), None));
        bench.until(4999);
        assert_eq!(bench.service.activity(key).attempt(), 1);
        bench.until(5000);
        assert_eq!(bench.service.activity(key).attempt(), 2);
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let mut bench = Bench::running(5000);
    let nothing = UpdateOptions::default();
    for (how, words) in [
        (nothing.clone(), "UpdateMask is not provided"),
        (
            UpdateOptions { restore_original: true, heartbeat: millis(1), ..nothing.clone() },
            "Both UpdateMask and RestoreOriginal are provided",
        ),
        (UpdateOptions { heartbeat: millis(-1), ..nothing.clone() }, "invalid HeartbeatTimeout: negative duration"),
        (
            UpdateOptions { start_to_close: millis(0), ..nothing.clone() },
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. ActivityId=1 ActivityType=act",
        ),
        (
            UpdateOptions { backoff_coefficient: Some(0.5), ..nothing.clone() },
            "BackoffCoefficient cannot be less than 1 on retry policy.",
        ),
        (UpdateOptions { task_queue: Some("".into()), ..nothing.clone() }, "missing task queue name"),
    ] {
        let refused = Refused { code: Code::InvalidArgument, message: words.into() };
        assert_eq!(bench.update_options(&how), Err(refused));
    }
    let activity = bench.service.activity(bench.key(1));
    assert_eq!((activity.timeouts().start_to_close, activity.task_queue()), (Span::from_millis(5000), None));
    bench.service.complete(Token { activity: bench.key(1), attempt: 1 }, Payload::new("1"), bench.now).unwrap();
    assert_eq!(
        bench.update_options(&UpdateOptions { heartbeat: millis(1), ..nothing }),
        Err(Refused::NO_PENDING_ACTIVITY)
    );
}
