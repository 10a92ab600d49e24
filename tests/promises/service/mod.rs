//! Recorded scenarios, driven through the service by hand.

mod activities;
mod chains;
mod commands;
mod families;
mod messages;
mod operators;
mod options;
mod signals;
mod standalone;
mod updates;
mod workflows;

use std::sync::Arc;

use durasim::internals::{
    ActivityClose, Code, HeartbeatAnswer, News, Rank, Ready, Refused, Service, ServiceTimer, StartWorkflow, Token,
    WorkflowTask,
};
use durasim::program::{
    ActivityId, ActivitySpec, ActivityTask, Command, Details, Failure, FailureKind, Marker, Payload, RetrySpec,
    RetryState, Seq, TimeoutType, Timeouts,
};
use durasim::service::{
    ActivityKey, Dialect, EventKind, HistoryEvent, Reset, TaskFailedCause, Unpause, WorkflowKey, WorkflowOutcome,
};
use durasim::{Span, Time};

/// The service with a clock and a timer queue. A hand-over takes no time unless a test says so.
struct Bench {
    service: Service,
    workflow: WorkflowKey,
    now: Time,
    timers: Vec<(Time, Rank, ServiceTimer)>,
    next_rank: Rank,
    ready: Vec<Ready>,
    news: Vec<News>,
}

fn text(text: &str) -> Details {
    Details::Payload(Payload::new(text))
}

fn start_with(run_timeout: u64, task_timeout: u64) -> StartWorkflow {
    StartWorkflow {
        run_timeout: Span::from_millis(run_timeout as i64),
        task_timeout: Span::from_millis(task_timeout as i64),
        ..StartWorkflow::new("w", "Script", "q", Payload::new(b""))
    }
}

/// Makes options with timeouts in milliseconds: schedule-to-close, start-to-close, heartbeat. It retries after 200 ms,
/// for ever.
fn spec(schedule_to_close: i64, start_to_close: i64, heartbeat: i64) -> ActivitySpec {
    let timeouts = Timeouts::default()
        .schedule_to_close(Span::from_millis(schedule_to_close))
        .start_to_close(Span::from_millis(start_to_close))
        .heartbeat(Span::from_millis(heartbeat));
    let retry = RetrySpec::default().initial_interval(Span::from_millis(200));
    ActivitySpec::new("act", Payload::new(b"1")).timeouts(timeouts).retry(retry)
}

fn schedule(seq: Seq, spec: ActivitySpec) -> Command {
    Command::ScheduleActivity { seq, spec: Arc::new(spec) }
}

fn boom() -> Option<Failure> {
    Some(Failure::application("MyError", "boom"))
}

impl Bench {
    fn new(run_timeout: u64, task_timeout: u64) -> Bench {
        let mut service = Service::new();
        let workflow = service.start_workflow(start_with(run_timeout, task_timeout), Time::ZERO).unwrap().run();
        let mut bench = Bench {
            service,
            workflow,
            now: Time::ZERO,
            timers: Vec::new(),
            next_rank: 0,
            ready: Vec::new(),
            news: Vec::new(),
        };
        bench.drain();
        bench
    }

    /// Makes a service with one activity, scheduled by the first workflow task.
    fn with(spec: ActivitySpec) -> Bench {
        let mut bench = Bench::new(0, 0);
        bench.answer(&[schedule(1, spec)]).unwrap();
        bench
    }

    fn drain(&mut self) {
        for request in self.service.outbox.timers.drain(..) {
            let order = request.order.unwrap_or(self.next_rank);
            self.next_rank += 1;
            self.timers.push((request.at, order, request.timer));
        }
        self.ready.extend(self.service.outbox.ready.drain(..));
        self.news.extend(self.service.outbox.news.drain(..));
    }

    /// Lets time pass, and fires the timers that are due.
    fn until(&mut self, millis: u64) {
        let end = Time::from_millis(millis);
        loop {
            let due = self.timers.iter().enumerate().min_by_key(|(_, (at, order, _))| (*at, *order));
            let Some((index, (at, _, timer))) = due.map(|(index, entry)| (index, *entry)) else {
                break;
            };
            if at > end {
                break;
            }
            self.timers.remove(index);
            if self.service.is_live(timer) {
                self.now = at;
                self.service.fire(timer, at);
                self.drain();
            }
        }
        self.now = end;
    }

    fn take_task(&mut self) -> WorkflowTask {
        let stamp = self.ready.iter().rev().find_map(|ready| match ready {
            Ready::Workflow { stamp, .. } => Some(*stamp),
            Ready::Activity { .. } => None,
        });
        let task = self.service.take_workflow_task(self.workflow, stamp.unwrap(), self.now).unwrap();
        self.drain();
        task
    }

    fn complete_task(&mut self, task: WorkflowTask, commands: &[Command]) -> Result<(), Refused> {
        let answer = self.service.complete_workflow_task(task.token, commands, self.now);
        self.drain();
        answer
    }

    fn answer(&mut self, commands: &[Command]) -> Result<(), Refused> {
        let task = self.take_task();
        self.complete_task(task, commands)
    }

    fn key(&self, seq: Seq) -> ActivityKey {
        self.service.workflow(self.workflow).activity(seq).unwrap()
    }

    fn take(&mut self, attempt: u32) -> (Token, ActivityTask) {
        let key = self.key(1);
        assert!(self.ready.contains(&Ready::Activity { activity: key, attempt }), "attempt {attempt} is not offered");
        let taken = self.service.take_activity_task(key, attempt, self.now).unwrap();
        self.drain();
        taken
    }

    fn beat(&mut self, token: Token, details: Details) -> Result<HeartbeatAnswer, Refused> {
        let order = self.next_rank;
        self.next_rank += 1;
        let answer = self.service.heartbeat(token, details, self.now, order);
        self.drain();
        answer
    }

    fn fail(&mut self, token: Token, failure: Option<Failure>) -> Result<(), Refused> {
        let answer = self.service.fail(token, failure.map(Arc::new), None, self.now);
        self.drain();
        answer
    }

    fn outcome(&self) -> &ActivityClose {
        self.service.activity(self.key(1)).outcome().expect("the activity is open")
    }

    /// Kinds of events by name, with the fields left out.
    fn events(&self) -> Vec<String> {
        let name = |event: &HistoryEvent| {
            let text = format!("{:?}", event.kind);
            text.split([' ', '{']).next().unwrap_or_default().to_string()
        };
        self.service.history(self.workflow).iter().map(name).collect()
    }

    fn events_from(&self, id: usize) -> String {
        self.events()[id - 1..].join(" ")
    }
}

fn timed_out(close: &ActivityClose) -> (TimeoutType, RetryState, &Failure) {
    match close {
        ActivityClose::TimedOut { failure, retry_state } => match &failure.kind {
            FailureKind::Timeout { timeout_type, .. } => (*timeout_type, *retry_state, failure),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}
