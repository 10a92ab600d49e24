//! Timelines of stories that are told by hand.

use super::*;
use crate::fault::Entry;
use crate::program::{ActivityId, CancelReason, Failure, RetryState, TimeoutType};
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::{ActivityName, AttemptName, Ended, Who, WorkflowName};
use crate::trace::{AttemptKey, WorkerKey};

struct Story(Trace);

impl Story {
    fn new() -> Story {
        let mut trace = Trace::default();
        trace.name_workflow(WorkflowName {
            workflow_id: "file-1".into(),
            workflow_type: "resilient_processing".into(),
            execution: 1,
            run: 1,
            is_activity: false,
        });
        let activity_type = "process_large_file".into();
        trace.name_activity(ActivityName {
            workflow: WorkflowKey::at(0),
            activity_type,
            activity_id: ActivityId::Seq(1),
            execution: 1,
            is_local: false,
        });
        trace.name_attempt(AttemptName { activity: ActivityKey::at(0), number: 1, worker: WorkerKey::at(0) });
        trace.name_attempt(AttemptName { activity: ActivityKey::at(0), number: 2, worker: WorkerKey::at(0) });
        Story(trace)
    }

    fn at(&mut self, millis: u64, who: Who, what: What) {
        self.0.push(Time::from_millis(millis), who, what);
    }

    fn fault(&mut self, millis: u64, entry: &str) {
        let Entry { point, fault } = entry.parse().unwrap();
        let index = self.0.name_fault(point, fault).unwrap();
        self.at(millis, Who::Run, What::Fault(index));
    }

    fn heartbeat(&mut self, millis: u64, who: Who, details: &[u8], stages: usize) {
        let details = Some(self.0.store(details));
        let all = [What::HeartbeatRecorded(details), What::HeartbeatSent(details), What::HeartbeatVisible(details)];
        for stage in &all[..stages] {
            self.at(millis, who, *stage);
        }
    }
}

const WORKFLOW: Who = Who::Workflow(WorkflowKey::at(0));
const ACTIVITY: Who = Who::Activity(ActivityKey::at(0));
const FIRST: Who = Who::Attempt(AttemptKey::at(0));
const SECOND: Who = Who::Attempt(AttemptKey::at(1));

/// A worker crashes, the heartbeat timeout notices, the second attempt resumes.
fn crash_and_resume() -> Trace {
    let mut story = Story::new();
    let input = story.0.store(br#"{"path":"/data/in/2020/01/01/very/long/path/to/a/file.bin","chunks":3}"#);
    story.at(0, WORKFLOW, What::WorkflowStarted(input));
    story.at(1, WORKFLOW, What::TaskStarted { task: 1, attempt: 1 });
    story.at(1, WORKFLOW, What::TaskCompleted(1));
    story.at(1, ACTIVITY, What::Scheduled(input));
    story.at(2, FIRST, What::AttemptStarted(None));
    story.at(2, FIRST, What::DetailsRead);
    story.at(2, FIRST, What::Awaited(1));
    story.heartbeat(5002, FIRST, br#"{"chunks_done":1}"#, 3);
    story.at(5002, FIRST, What::Awaited(2));
    story.heartbeat(10002, FIRST, br#"{"chunks_done":2}"#, 1);
    story.at(10002, FIRST, What::Awaited(3));
    story.fault(10002, "process_large_file#1@1:await3=crash");
    story.at(10002, Who::Worker(WorkerKey::at(0)), What::WorkerCrashed);
    story.at(10002, FIRST, What::Died);
    story.at(11002, Who::Worker(WorkerKey::at(0)), What::WorkerStarted);
    story.at(35002, ACTIVITY, What::TimedOut(TimeoutType::Heartbeat));
    story.at(35002, ACTIVITY, What::RetryScheduled(Time::from_millis(36002)));
    let seen = story.0.store(br#"{"chunks_done":1}"#);
    story.at(36003, SECOND, What::AttemptStarted(Some(seen)));
    story.at(36003, SECOND, What::DetailsRead);
    let result = story.0.store(br#""3 chunks""#);
    story.at(46003, SECOND, What::Ended { how: Ended::Completed, detail: Some(result) });
    story.at(46003, ACTIVITY, What::ActivityCompleted(result));
    story.at(46004, WORKFLOW, What::TaskStarted { task: 2, attempt: 1 });
    story.at(46004, WORKFLOW, What::Replayed(7));
    story.at(46004, WORKFLOW, What::TaskCompleted(1));
    story.at(46004, WORKFLOW, What::WorkflowCompleted(result));
    story.0
}

#[track_caller]
fn shows(timeline: Timeline<'_>, expected: &str) {
    let text = timeline.to_string();
    assert_eq!(text.trim_end(), expected.trim_matches('\n').trim_end(), "\n{text}");
}

#[test]
fn a_crash_stands_out_and_awaits_are_left_out() {
    shows(
        Timeline::new(&crash_and_resume()).header("trace v1 temporal seed=0 order=fifo"),
        r##"
trace v1 temporal seed=0 order=fifo
     0.000s  resilient_processing#1  workflow started: {"path":"/data/in/2020/01/01/very/long/path..
     0.001s  resilient_processing#1  task 1: 1 command
     0.001s  process_large_file#1    scheduled: {"path":"/data/in/2020/01/01/very/long/path/to/a/f..
     0.002s  process_large_file#1@1  started on worker 1
     5.002s  process_large_file#1@1  heartbeat recorded, sent, visible: {"chunks_done":1}
    10.002s  process_large_file#1@1  heartbeat recorded: {"chunks_done":2}
>>> 10.002s  fault: the worker crashes when attempt 1 of process_large_file waits for the 3rd time
    10.002s  worker 1                crashed
    10.002s  process_large_file#1@1  died
    11.002s  worker 1                started
    35.002s  process_large_file#1    heartbeat timeout: attempt given up
    35.002s  process_large_file#1    retry due at 36.002s, in 1s
    36.003s  process_large_file#1@2  started on worker 1, sees {"chunks_done":1}
    46.003s  process_large_file#1@2  returned: "3 chunks"
    46.003s  process_large_file#1    activity completed: "3 chunks"
    46.004s  resilient_processing#1  task 2, after a replay of 7 events: 1 command
    46.004s  resilient_processing#1  workflow completed: "3 chunks"
"##,
    );
}

#[test]
fn only_what_is_asked_for_and_always_the_faults() {
    shows(
        Timeline::new(&crash_and_resume()).around([19], 0),
        r##"
    ... 6 more ...
>>> 10.002s  fault: the worker crashes when attempt 1 of process_large_file waits for the 3rd time
    ... 5 more ...
    36.003s  process_large_file#1@2  started on worker 1, sees {"chunks_done":1}
    ... 4 more ...
"##,
    );
}

#[test]
fn only_a_window() {
    shows(
        Timeline::new(&crash_and_resume()).between(Time::from_millis(10000), Time::from_millis(35002)),
        r##"
    ... 5 more ...
    10.002s  process_large_file#1@1  heartbeat recorded: {"chunks_done":2}
>>> 10.002s  fault: the worker crashes when attempt 1 of process_large_file waits for the 3rd time
    10.002s  worker 1                crashed
    10.002s  process_large_file#1@1  died
    11.002s  worker 1                started
    35.002s  process_large_file#1    heartbeat timeout: attempt given up
    35.002s  process_large_file#1    retry due at 36.002s, in 1s
    ... 5 more ...
"##,
    );
}

#[test]
fn a_hidden_event_shows_when_asked_for() {
    shows(
        Timeline::new(&crash_and_resume()).around([5], 0),
        r##"
    ... 4 more ...
     0.002s  process_large_file#1@1  reads its heartbeat details
    ... 2 more ...
>>> 10.002s  fault: the worker crashes when attempt 1 of process_large_file waits for the 3rd time
    ... 10 more ...
"##,
    );
}

#[test]
fn every_event() {
    shows(
        Timeline::new(&crash_and_resume()).every_event().between(Time::ZERO, Time::from_millis(6000)),
        r##"
    0.000s  resilient_processing#1  workflow started: {"path":"/data/in/2020/01/01/very/long/path/..
    0.001s  resilient_processing#1  task 1 taken
    0.001s  resilient_processing#1  task answered: 1 command
    0.001s  process_large_file#1    scheduled: {"path":"/data/in/2020/01/01/very/long/path/to/a/fi..
    0.002s  process_large_file#1@1  started on worker 1
    0.002s  process_large_file#1@1  reads its heartbeat details
    0.002s  process_large_file#1@1  waits for the 1st time
    5.002s  process_large_file#1@1  heartbeat recorded: {"chunks_done":1}
    5.002s  process_large_file#1@1  heartbeat sent: {"chunks_done":1}
    5.002s  process_large_file#1@1  heartbeat visible: {"chunks_done":1}
    5.002s  process_large_file#1@1  waits for the 2nd time
    ... 16 more ...
"##,
    );
}

#[test]
fn equal_lines_in_a_row_are_one() {
    let mut story = Story::new();
    let [write, read] = [b"write", &b"read!"[..]].map(|name| What::Effect { name: story.0.store(name), applied: true });
    for (millis, what) in (0..).zip([write, write, write, write, read, write, write, read, read, read]) {
        story.at(millis, FIRST, what);
    }
    story.at(9, FIRST, What::DetailsRead);
    story.at(9, SECOND, read);
    (0..3).for_each(|_| story.at(9, SECOND, What::Refused));
    let equal = r##"
    0.000s  process_large_file#1@1  effect: write (4 times until 0.003s)
    0.004s  process_large_file#1@1  effect: read!
    0.005s  process_large_file#1@1  effect: write
    0.006s  process_large_file#1@1  effect: write
    0.007s  process_large_file#1@1  effect: read! (3 times until 0.009s)
    0.009s  process_large_file#1@2  effect: read!
    0.009s  process_large_file#1@2  refused by the service (3 times)
"##;
    shows(Timeline::new(&story.0), equal);
    // The events outside of a window are no part of a line inside.
    shows(
        Timeline::new(&story.0).between(Time::from_millis(3), Time::from_millis(8)),
        r##"
    ... 3 more ...
    0.003s  process_large_file#1@1  effect: write
    0.004s  process_large_file#1@1  effect: read!
    0.005s  process_large_file#1@1  effect: write
    0.006s  process_large_file#1@1  effect: write
    0.007s  process_large_file#1@1  effect: read!
    0.008s  process_large_file#1@1  effect: read!
    ... 5 more ...
"##,
    );
    // One that was asked for stands by itself, and what is left out is counted as it was.
    shows(
        Timeline::new(&story.0).around([0], 0),
        r##"
    0.000s  process_large_file#1@1  effect: write
    ... 13 more ...
"##,
    );
}

#[test]
fn long_details_show_what_is_new_in_them() {
    let mut story = Story::new();
    let details = |etags: &str| {
        format!(r#"{{"upload":"up-0","bucket":"archive","etags":[{etags}],"done":"2020-01-01T00:00:00.002Z"}}"#)
    };
    let all = [details(r#""a1""#), details(r#""a1","b2""#), details(r#""a1","b2","c3""#)];
    for (index, details) in (0..).zip(&all) {
        story.heartbeat(index, FIRST, details.as_bytes(), if index == 1 { 3 } else { 1 });
    }
    let seen = story.0.store(all[1].as_bytes());
    story.at(9, SECOND, What::AttemptStarted(Some(seen)));
    shows(
        Timeline::new(&story.0).columns(80),
        r##"
    0.000s  process_large_file#1@1  heartbeat recorded:
                                      {"upload":"up-0","bu..1-01T00:00:00.002Z"}
    0.001s  process_large_file#1@1  heartbeat recorded, sent, visible:
                                      ..,"etags":["a1","b2"],"done":"2020-01-0..
    0.002s  process_large_file#1@1  heartbeat recorded:
                                      ..gs":["a1","b2","c3"],"done":"2020-01-0..
    0.009s  process_large_file#1@2  started on worker 1, sees
                                      ..gs":["a1","b2"],"done":"2020-01-01T00:..
"##,
    );
}

#[test]
fn the_less_frequent_events() {
    let mut story = Story::new();
    story.0.name_workflow(WorkflowName {
        workflow_id: "file/2".into(),
        workflow_type: "w".into(),
        execution: 1,
        run: 1,
        is_activity: false,
    });
    let other = ActivityName {
        workflow: WorkflowKey::at(1),
        activity_type: "copy all".into(),
        activity_id: ActivityId::Named("c".into()),
        execution: 2,
        is_local: false,
    };
    story.0.name_activity(other);
    story.0.name_attempt(AttemptName { activity: ActivityKey::at(1), number: 2, worker: WorkerKey::at(0) });
    let other = Who::Attempt(AttemptKey::at(2));
    let text = story.0.store(b"disk\nfull");
    let failure = story.0.store_failure(&Failure::application("IoError", "disk full"));
    story.at(0, WORKFLOW, What::TaskStarted { task: 3, attempt: 2 });
    story.at(0, WORKFLOW, What::TaskFailed(text));
    story.at(0, WORKFLOW, What::Evicted);
    story.at(1, WORKFLOW, What::TimerStarted { timer: 1, duration: crate::Span::from_millis(1500) });
    story.at(1, other, What::AttemptStarted(None));
    story.at(1, other, What::Effect { name: text, applied: false });
    story.at(1, other, What::CancelDelivered(CancelReason::NotFound));
    story.at(1, other, What::Ended { how: Ended::Failed, detail: Some(text) });
    story.at(1, other, What::Zombie);
    let retry_state = RetryState::MaximumAttemptsReached;
    story.at(2, Who::Activity(ActivityKey::at(1)), What::ActivityFailed { failure, retry_state });
    story.at(2, WORKFLOW, What::WorkflowFailed(failure));
    story.at(2, Who::Run, What::TasksLeft(1));
    story.heartbeat(3, FIRST, b"1", 1);
    story.0.push(Time::from_nanos(3_000_001), FIRST, What::HeartbeatSent(None));
    shows(
        Timeline::new(&story.0),
        r##"
          0.000s  resilient_processing#1   task 3, attempt 2 taken
          0.000s  resilient_processing#1   task failed: disk\nfull
          0.000s  resilient_processing#1   evicted from the worker's cache
          0.001s  resilient_processing#1   timer 1 started: 1.5s
          0.001s  "file/2":"copy all"#2@2  started on worker 1, sees no details
          0.001s  "file/2":"copy all"#2@2  effect not done: disk\nfull
          0.001s  "file/2":"copy all"#2@2  told to stop: not found
          0.001s  "file/2":"copy all"#2@2  failed: disk\nfull
          0.001s  "file/2":"copy all"#2@2  given up by the service, runs on as a zombie
          0.002s  "file/2":"copy all"#2    activity failed, MAXIMUM_ATTEMPTS_REACHED: IoError:
                                             disk full
          0.002s  resilient_processing#1   workflow failed: IoError: disk full
          0.002s  run                      1 background task left at the end
          0.003s  process_large_file#1@1   heartbeat recorded: 1
    0.003000001s  process_large_file#1@1   heartbeat sent, without details
"##,
    );
}
