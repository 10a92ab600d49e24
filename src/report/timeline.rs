//! [`Timeline`]: a trace as text, a line for each thing that happened.

use std::fmt;
use std::ops::RangeInclusive;

use super::event_text::{EventText, heartbeat};
use crate::fault::Entry;
use crate::program::Time;
use crate::service::Dialect;
use crate::trace::{Event, Trace, What};
use crate::world::logs::{LogLine, Logs};

/// A trace as text for people and for snapshots: when, who, what.
///
/// ```text
/// trace v1 temporal seed=0 order=fifo
///      0.002s  process_large_file#1@1  started on worker 1
///      5.002s  process_large_file#1@1  heartbeat recorded, sent, visible: {"chunks_done":1}
/// >>>  5.002s  fault: the worker crashes when attempt 1 of process_large_file waits for the 2nd time
///      5.002s  worker 1                crashed
/// ```
///
/// Who is named as in a [plan](crate::fault::Plan#text). Every await and every look at the heartbeat details would drown
/// the rest, so these are left out, and the stages of a heartbeat that come at one moment share a line, as do a workflow
/// task, the replay it takes and its answer; [`Timeline::every_event`] shows all. Long details are cut.
///
/// A dialect other than Temporal's is named in a line of its own below the header, with where its rules come from.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    trace: &'a Trace,
    header: Option<String>,
    /// Entries of the plan whose points the run did not come to.
    not_struck: Vec<Entry>,
    every_event: bool,
    window: RangeInclusive<Time>,
    focus: Option<Focus>,
    details_width: usize,
    /// The lines that user code has logged, in order.
    logs: &'a [LogLine],
}

/// The part of a timeline that is shown, if it is not shown whole.
#[derive(Clone, Debug)]
struct Focus {
    /// In order.
    events: Vec<usize>,
    lines_around: usize,
}

impl Focus {
    /// True if one of these events is shown for its own sake.
    fn has_any(&self, events: RangeInclusive<usize>) -> bool {
        let first = self.events.partition_point(|event| event < events.start());
        self.events.get(first).is_some_and(|event| events.contains(event))
    }
}

/// A line to be: the events from `first` to `last` (indexes), where those between are hidden or of the same line.
#[derive(Clone, Copy, Debug)]
struct Line {
    first: usize,
    last: usize,
}

impl<'a> Timeline<'a> {
    /// The whole run without the events that seldom matter.
    pub fn new(trace: &'a Trace) -> Timeline<'a> {
        Timeline {
            trace,
            header: None,
            not_struck: Vec::new(),
            every_event: false,
            window: Time::ZERO..=Time::MAX,
            focus: None,
            details_width: 60,
            logs: &[],
        }
    }

    /// Begins with this line.
    pub fn header(self, line: impl Into<String>) -> Timeline<'a> {
        Timeline { header: Some(line.into()), ..self }
    }

    /// Puts the lines that user code has logged between the events.
    pub(crate) fn logs(self, logs: &'a Logs) -> Timeline<'a> {
        Timeline { logs: logs.lines(), ..self }
    }

    pub(super) fn not_struck(self, not_struck: Vec<Entry>) -> Timeline<'a> {
        Timeline { not_struck, ..self }
    }

    /// Shows all events, each on a line of its own.
    pub fn every_event(self) -> Timeline<'a> {
        Timeline { every_event: true, ..self }
    }

    /// Shows only what happened from `from` to `to`, both included, and how much there is before and after.
    pub fn between(self, from: Time, to: Time) -> Timeline<'a> {
        Timeline { window: from..=to, ..self }
    }

    /// Shows only the events with these indexes in [`Trace::events`], the faults, and so many lines before and after each
    /// of these; the rest becomes `... 12 more ...`.
    pub fn around(self, events: impl Into<Vec<usize>>, lines_around: usize) -> Timeline<'a> {
        let mut events = events.into();
        events.sort_unstable();
        Timeline { focus: Some(Focus { events, lines_around }), ..self }
    }

    /// Cuts inputs, details and results at so many characters, and error texts at twice as many; 60 if not said.
    pub fn details_width(self, characters: usize) -> Timeline<'a> {
        Timeline { details_width: characters, ..self }
    }

    /// True if the timeline has the event at all.
    fn is_shown(&self, index: usize, what: What) -> bool {
        let asked_for = || self.focus.as_ref().is_some_and(|focus| focus.has_any(index..=index));
        self.every_event || !matches!(what, What::Awaited(_) | What::DetailsRead) || asked_for()
    }

    /// True if `next` continues the line that `event` is the last of.
    fn continues(&self, event: &Event, next: &Event) -> bool {
        if self.every_event || event.at != next.at || event.who != next.who {
            return false;
        }
        match (event.what, next.what) {
            (What::TaskStarted { .. }, What::TaskCompleted(_) | What::Replayed(_)) => true,
            (What::Replayed(_), What::TaskCompleted(_)) => true,
            (earlier, later) => match (heartbeat(earlier), heartbeat(later)) {
                (Some((stage, details)), Some((next_stage, next_details))) => {
                    let bytes = |details: Option<_>| details.map(|details| self.trace.bytes(details));
                    next_stage == stage + 1 && bytes(details) == bytes(next_details)
                }
                _ => false,
            },
        }
    }

    fn lines(&self) -> Vec<Line> {
        let events = self.trace.events();
        let mut lines: Vec<Line> = Vec::new();
        for (index, event) in events.iter().enumerate().filter(|(index, event)| self.is_shown(*index, event.what)) {
            match lines.last_mut() {
                Some(line) if self.continues(&events[line.last], event) => line.last = index,
                _ => lines.push(Line { first: index, last: index }),
            }
        }
        lines
    }

    /// Which lines are written out.
    fn kept(&self, lines: &[Line]) -> Vec<bool> {
        let events = self.trace.events();
        let in_window = |line: &Line| self.window.contains(&events[line.first].at);
        let mut kept = vec![self.focus.is_none(); lines.len()];
        if let Some(focus) = &self.focus {
            for (at, line) in lines.iter().enumerate() {
                let asked_for = focus.has_any(line.first..=line.last);
                if in_window(line) && (asked_for || matches!(events[line.first].what, What::Fault(_))) {
                    let end = (at + focus.lines_around + 1).min(lines.len());
                    kept[at.saturating_sub(focus.lines_around)..end].fill(true);
                }
            }
        }
        for (at, line) in lines.iter().enumerate() {
            kept[at] &= in_window(line);
        }
        // A line that says that one line is missing is no shorter than that line.
        for at in 0..kept.len() {
            let before = at == 0 || kept[at - 1];
            let after = at + 1 == kept.len() || kept[at + 1];
            if before && after && in_window(&lines[at]) {
                kept[at] = true;
            }
        }
        kept
    }
}

impl fmt::Display for Timeline<'_> {
    /// Each line ends in a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(header) = &self.header {
            writeln!(f, "{header}")?;
        }
        for entry in &self.not_struck {
            writeln!(f, "not struck, since the run does not come there: {entry}")?;
        }
        let trace = self.trace;
        if trace.dialect() != Dialect::Temporal {
            writeln!(f, "dialect {}", trace.dialect())?;
        }
        let events = trace.events();
        let lines = self.lines();
        let kept = self.kept(&lines);
        let (mut time_width, mut who_width) = (0, 0);
        for log in self.logs {
            time_width = time_width.max(log.place.at.to_string().chars().count());
            who_width = who_width.max(trace.coordinate(log.place.who).to_string().chars().count().min(40));
        }
        let mut columns = Vec::with_capacity(lines.len());
        for (line, kept) in lines.iter().zip(kept) {
            if !kept {
                columns.push(None);
                continue;
            }
            let Event { at, who, what } = events[line.first];
            let is_fault = matches!(what, What::Fault(_));
            let time = at.to_string();
            let who = if is_fault { String::new() } else { trace.coordinate(who).to_string() };
            time_width = time_width.max(time.chars().count());
            // One very long name must not push all others to the right.
            let width = who.chars().count();
            who_width = who_width.max(if width <= 40 { width } else { 0 });
            columns.push(Some((time, who)));
        }
        let mut logs = self.logs.iter().filter(|log| self.window.contains(&log.place.at)).peekable();
        let mut left_out = 0;
        for (line, columns) in lines.iter().zip(columns) {
            while let Some(log) = logs.next_if(|log| log.place.events <= line.first) {
                more(f, std::mem::take(&mut left_out))?;
                write_log(f, trace, log, time_width, who_width)?;
            }
            let Some((time, who)) = columns else {
                left_out += 1;
                continue;
            };
            more(f, left_out)?;
            left_out = 0;
            let (event, last) = (&events[line.first], &events[line.last]);
            let replayed = events[line.first..=line.last].iter().find_map(|event| match event.what {
                What::Replayed(count) => Some(count),
                _ => None,
            });
            let text = EventText { trace, event, last, replayed, width: self.details_width };
            match event.what {
                What::Fault(_) => writeln!(f, ">>> {time:>time_width$}  fault: {text}")?,
                _ => writeln!(f, "    {time:>time_width$}  {who:<who_width$}  {text}")?,
            }
        }
        more(f, left_out)?;
        logs.try_for_each(|log| write_log(f, trace, log, time_width, who_width))
    }
}

/// Writes `worker 1 logs INFO shop::orders: sent order=7`.
fn write_log(
    f: &mut fmt::Formatter<'_>,
    trace: &Trace,
    log: &LogLine,
    time_width: usize,
    who_width: usize,
) -> fmt::Result {
    let (time, who) = (log.place.at.to_string(), trace.coordinate(log.place.who).to_string());
    write!(f, "    {time:>time_width$}  {who:<who_width$}  ")?;
    if let Some(worker) = log.place.worker {
        write!(f, "worker {worker} ")?;
    }
    let replay = if log.in_replay { " in a replay" } else { "" };
    writeln!(f, "logs{replay} {}", log.text)
}

fn more(f: &mut fmt::Formatter<'_>, lines: usize) -> fmt::Result {
    if lines == 0 { Ok(()) } else { writeln!(f, "    ... {lines} more ...") }
}

#[cfg(test)]
mod tests {
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
            });
            let activity_type = "process_large_file".into();
            trace.name_activity(ActivityName {
                workflow: WorkflowKey::at(0),
                activity_type,
                activity_id: ActivityId::Seq(1),
                execution: 1,
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
     0.000s  resilient_processing#1  workflow started: {"path":"/data/in/2020/01/01/very/long/path/to/a/file.bin"..
     0.001s  resilient_processing#1  task 1: 1 command
     0.001s  process_large_file#1    scheduled: {"path":"/data/in/2020/01/01/very/long/path/to/a/file.bin"..
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
    0.000s  resilient_processing#1  workflow started: {"path":"/data/in/2020/01/01/very/long/path/to/a/file.bin"..
    0.001s  resilient_processing#1  task 1 taken
    0.001s  resilient_processing#1  task answered: 1 command
    0.001s  process_large_file#1    scheduled: {"path":"/data/in/2020/01/01/very/long/path/to/a/file.bin"..
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
    fn the_less_frequent_events() {
        let mut story = Story::new();
        story.0.name_workflow(WorkflowName { workflow_id: "file/2".into(), workflow_type: "w".into(), execution: 1 });
        let other = ActivityName {
            workflow: WorkflowKey::at(1),
            activity_type: "copy all".into(),
            activity_id: ActivityId::Named("c".into()),
            execution: 2,
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
          0.002s  "file/2":"copy all"#2    activity failed, MAXIMUM_ATTEMPTS_REACHED: IoError: disk full
          0.002s  resilient_processing#1   workflow failed: IoError: disk full
          0.002s  run                      1 background task left at the end
          0.003s  process_large_file#1@1   heartbeat recorded: 1
    0.003000001s  process_large_file#1@1   heartbeat sent, without details
"##,
        );
    }
}
