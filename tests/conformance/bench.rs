//! [`Bench`]: a service with one workflow and one activity, a clock, and a queue for its timers.

use std::sync::Arc;
use std::time::Duration;

use durasim::Time;
use durasim::internals::{
    Activity, HeartbeatAnswer, News, Rank, Ready, Refused, Service, ServiceTimer, StartWorkflow, TaskToken, Token,
};
use durasim::program::{
    ActivityId, ActivitySpec, ActivityTask, CancellationType, Command, Details, Failure, Payload, RetrySpec,
    TimeoutType, Timeouts,
};
use durasim::service::{ActivityKey, EventKind, WorkflowKey};

/// The time that a hand-over takes, as on a real server: a started attempt's clocks run behind those of its schedule.
const DISPATCH: Duration = Duration::from_millis(1);

pub struct Bench {
    pub service: Service,
    pub now: Time,
    /// The tokens, one for each attempt that was taken.
    pub tokens: Vec<Token>,
    /// The task with which the last attempt was handed out.
    pub task: Option<ActivityTask>,
    /// The timeout timers that the service asked for, in order.
    pub asked: Vec<TimeoutType>,
    /// The news that the service gave.
    pub news: Vec<News>,
    workflow: WorkflowKey,
    activity: ActivityKey,
    ready: Vec<Ready>,
    timers: Vec<(Time, Rank, ServiceTimer)>,
    order: Rank,
}

pub fn spec(timeouts: Timeouts, retry: Option<RetrySpec>) -> ActivitySpec {
    let spec = ActivitySpec::new("type", Payload::new(b"null"))
        .activity_id("activity")
        .timeouts(timeouts)
        .cancellation(CancellationType::WaitCancellationCompleted);
    match retry {
        Some(policy) => spec.retry(policy),
        None => spec,
    }
}

impl Bench {
    /// Makes a workflow that has scheduled this activity.
    pub fn schedule(spec: ActivitySpec) -> Bench {
        Bench::try_schedule(spec).expect("options the service takes")
    }

    /// Makes the same on a service of another dialect.
    pub fn schedule_on(service: Service, spec: ActivitySpec) -> Bench {
        Bench::try_schedule_on(service, spec).expect("options the service takes")
    }

    pub fn try_schedule(spec: ActivitySpec) -> Result<Bench, Refused> {
        Bench::try_schedule_on(Service::new(), spec)
    }

    fn try_schedule_on(mut service: Service, spec: ActivitySpec) -> Result<Bench, Refused> {
        let start = StartWorkflow::new("workflow", "type", "queue", Payload::new(b"null"));
        let workflow = service.start_workflow(start, Time::ZERO)?.run();
        let mut bench = Bench {
            service,
            now: Time::ZERO,
            tokens: Vec::new(),
            task: None,
            asked: Vec::new(),
            news: Vec::new(),
            workflow,
            activity: ActivityKey::at(0),
            ready: Vec::new(),
            timers: Vec::new(),
            order: 0,
        };
        bench.drain();
        bench.workflow_task(&[Command::ScheduleActivity { seq: 1, spec: Arc::new(spec) }])?;
        let scheduled = bench.news.iter().find_map(|news| match news {
            News::ActivityScheduled { activity } => Some(*activity),
            _ => None,
        });
        bench.activity = scheduled.expect("news of the activity");
        Ok(bench)
    }

    pub fn activity(&self) -> &Activity {
        self.service.activity(self.activity)
    }

    pub fn history(&self) -> impl Iterator<Item = &EventKind> {
        self.service.history(self.workflow).iter().map(|event| &event.kind)
    }

    /// Says whether a workflow task waits for a worker.
    pub fn has_workflow_task(&self) -> bool {
        self.ready.iter().any(|ready| matches!(ready, Ready::Workflow { .. }))
    }

    /// Lets a worker take the attempt that is due.
    pub fn poll(&mut self) {
        self.now += DISPATCH;
        let (token, task) = (0..self.ready.len())
            .find_map(|index| match self.ready[index] {
                Ready::Activity { activity, attempt } => {
                    self.ready.remove(index);
                    Some(self.service.take_activity_task(activity, attempt, self.now).expect("a fresh task"))
                }
                Ready::Workflow { .. } => None,
            })
            .expect("an attempt that is due");
        self.tokens.push(token);
        self.task = Some(task);
        self.drain();
    }

    /// The workflow asks to cancel the activity.
    pub fn request_cancel(&mut self) {
        self.service.request_cancel(self.workflow, "".into(), self.now).expect("an open workflow");
        self.drain();
        self.workflow_task(&[Command::CancelActivity { seq: 1 }]).expect("a command the service takes");
    }

    pub fn heartbeat(&mut self, token: Token, details: Details) -> Result<HeartbeatAnswer, Refused> {
        let order = self.next_rank();
        let answer = self.service.heartbeat(token, details, self.now, order);
        self.drain();
        answer
    }

    pub fn complete(&mut self, token: Token) -> Result<(), Refused> {
        let answer = self.service.complete(token, Payload::new(b"1"), self.now);
        self.drain();
        answer
    }

    pub fn fail(
        &mut self,
        token: Token,
        failure: Option<Failure>,
        last_heartbeat_details: Option<Details>,
    ) -> Result<(), Refused> {
        let answer = self.service.fail(token, failure.map(Arc::new), last_heartbeat_details, self.now);
        self.drain();
        answer
    }

    pub fn cancel(&mut self, token: Token, details: Details) -> Result<(), Refused> {
        let answer = self.service.cancel(token, details, self.now);
        self.drain();
        answer
    }

    pub fn complete_by_id(&mut self) -> Result<(), Refused> {
        let id = self.id();
        let answer = self.service.complete_by_id(self.workflow, &id, Payload::new(b"1"), self.now);
        self.drain();
        answer
    }

    pub fn fail_by_id(&mut self, failure: Option<Failure>) -> Result<(), Refused> {
        self.fail_by_id_with(failure, None)
    }

    pub fn fail_by_id_with(&mut self, failure: Option<Failure>, attached: Option<Details>) -> Result<(), Refused> {
        let id = self.id();
        let answer = self.service.fail_by_id(self.workflow, &id, failure.map(Arc::new), attached, self.now);
        self.drain();
        answer
    }

    pub fn heartbeat_by_id(&mut self, details: Details) -> Result<HeartbeatAnswer, Refused> {
        let (id, order) = (self.id(), self.next_rank());
        let answer = self.service.heartbeat_by_id(self.workflow, &id, details, self.now, order);
        self.drain();
        answer
    }

    pub fn cancel_by_id(&mut self, details: Details) -> Result<(), Refused> {
        let id = self.id();
        let answer = self.service.cancel_by_id(self.workflow, &id, details, self.now);
        self.drain();
        answer
    }

    pub fn terminate(&mut self) {
        self.service.terminate(self.workflow, "".into(), self.now).expect("an open workflow");
        self.drain();
    }

    /// An operator acts on the activity.
    pub fn operate(&mut self, act: impl FnOnce(&mut Service, ActivityKey, Time) -> Result<(), Refused>) {
        self.try_to_operate(act).expect("an open activity");
    }

    pub fn try_to_operate(
        &mut self,
        act: impl FnOnce(&mut Service, ActivityKey, Time) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let answer = act(&mut self.service, self.activity, self.now);
        self.drain();
        answer
    }

    /// Lets time go on until one of the activity's deadlines passes. Everything due before that happens.
    pub fn pass(&mut self, timeout: TimeoutType) {
        self.run_until(|timer| matches!(timer, ServiceTimer::Timeout { timeout: passed, .. } if *passed == timeout));
    }

    /// Lets time go on until the next attempt is due.
    pub fn pass_backoff(&mut self) {
        self.run_until(|timer| matches!(timer, ServiceTimer::RetryDue { .. }));
    }

    /// Fires at `now` whatever was due by `now`, as on a server that was too busy.
    pub fn fire_late(&mut self, now: Time) {
        self.now = now;
        while let Some(timer) = self.next_timer(now) {
            self.service.fire(timer, now);
            self.drain();
        }
    }

    /// Hands a timer to the service. Says whether the service said before that it would do something.
    pub fn fire(&mut self, timer: ServiceTimer) -> bool {
        let live = self.service.is_live(timer);
        self.service.fire(timer, self.now);
        self.drain();
        live
    }

    /// A timer for one of the activity's deadlines.
    pub fn timeout_timer(&self, attempt: u32, timeout: TimeoutType) -> ServiceTimer {
        ServiceTimer::Timeout { activity: self.activity, attempt: Some(attempt), timeout }
    }

    fn run_until(&mut self, is_last: impl Fn(&ServiceTimer) -> bool) {
        loop {
            let timer = self.next_timer(Time::MAX).expect("a timer that passes");
            self.service.fire(timer, self.now);
            self.drain();
            if is_last(&timer) {
                return;
            }
        }
    }

    /// The next timer due by `limit` that will do something. The clock moves to it.
    fn next_timer(&mut self, limit: Time) -> Option<ServiceTimer> {
        loop {
            let next = (0..self.timers.len()).min_by_key(|index| (self.timers[*index].0, self.timers[*index].1))?;
            let (at, _, timer) = self.timers[next];
            if at > limit {
                return None;
            }
            self.timers.remove(next);
            if self.service.is_live(timer) {
                self.now = self.now.max(at);
                return Some(timer);
            }
        }
    }

    /// A worker takes the workflow task that is due and answers it.
    fn workflow_task(&mut self, commands: &[Command]) -> Result<(), Refused> {
        let token: TaskToken = (0..self.ready.len())
            .find_map(|index| match self.ready[index] {
                Ready::Workflow { workflow, stamp } => {
                    self.ready.remove(index);
                    Some(self.service.take_workflow_task(workflow, stamp, self.now).expect("a fresh task").token)
                }
                Ready::Activity { .. } => None,
            })
            .expect("a workflow task that is due");
        self.drain();
        let answer = self.service.complete_workflow_task(token, commands, self.now);
        self.drain();
        answer
    }

    fn id(&self) -> ActivityId {
        self.activity().id().clone()
    }

    fn next_rank(&mut self) -> Rank {
        self.order += 1;
        self.order
    }

    fn drain(&mut self) {
        for request in std::mem::take(&mut self.service.outbox.timers) {
            let order = request.order.unwrap_or_else(|| self.next_rank());
            if let ServiceTimer::Timeout { timeout, .. } = request.timer {
                self.asked.push(timeout);
            }
            self.timers.push((request.at, order, request.timer));
        }
        self.ready.extend(self.service.outbox.ready.drain(..));
        self.news.extend(self.service.outbox.news.drain(..));
    }
}
