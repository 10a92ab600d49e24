//! [`World`]: a service with a clock, a queue, one workflow, and what is noted of it all.

use std::collections::BTreeMap;
use std::rc::Rc;

use durasim::internals::CachedWorkflow;
use durasim::internals::{ActivityState, Rank, Ready, Refused, Service, ServiceTimer, StartWorkflow, WorkflowTask};
use durasim::program::{ActivityTask, TimeoutType};
use durasim::service::{ActivityKey, WorkflowKey};
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::by_hand::ByHand;
use super::task::Answer;
use crate::pace::Pace;
use crate::recording::gap::{Gap, Stamp};
use crate::recording::history::at;
use crate::recording::snapshot::describe;
use crate::recording::wire::{payload, span};
use crate::script::Worker;

/// The time that a hand-over takes.
const DISPATCH: Span = Span::from_millis(1);

/// Something that happens at a time.
pub enum Happening {
    Timer(ServiceTimer),
    HandOutActivity {
        activity: ActivityKey,
        attempt: u32,
    },
    HandOutTask {
        stamp: u32,
    },
    AnswerTask {
        task: WorkflowTask,
        answer: Answer,
    },
    /// An attempt's script goes on.
    Wake {
        agent: usize,
    },
    External {
        place: usize,
    },
}

/// The notes about an attempt.
pub struct AttemptLog {
    pub activity: ActivityKey,
    pub reference: String,
    /// Its place among the attempts of its activity.
    pub place: usize,
    pub number: u32,
    pub started_at: Time,
    pub task: ActivityTask,
    pub calls: Vec<Value>,
    pub ended: Option<String>,
}

pub struct World<'a> {
    pub definition: &'a Value,
    pub service: Service,
    pub now: Time,
    pub workflow: WorkflowKey,
    pub pace: Pace<&'a Value>,
    pub attempts: Vec<AttemptLog>,
    pub client_calls: Vec<Value>,
    pub snapshots: Vec<Value>,
    pub gaps: Vec<Gap>,
    queue: BTreeMap<(Time, Rank), Happening>,
    order: Rank,
    polling: bool,
    waiting: Vec<(ActivityKey, u32)>,
    pub code: Option<CachedWorkflow>,
    pub worker: Rc<Worker>,
    /// The number of workflow tasks that were handed out.
    pub tasks: usize,
    pub by_hand: ByHand,
}

impl<'a> World<'a> {
    /// Makes a world whose workflow has been started, with outside events in the queue.
    pub fn new(definition: &'a Value, pace: Pace<&'a Value>) -> World<'a> {
        let workflow = &definition["workflow"];
        let start = StartWorkflow {
            run_timeout: span(&workflow["run_timeout_ms"]),
            execution_timeout: span(&workflow["execution_timeout_ms"]),
            task_timeout: span(&workflow["task_timeout_ms"]),
            ..StartWorkflow::new("workflow", "Script", "wf", payload(&Value::Null))
        };
        let mut service = Service::new();
        let workflow = service.start_workflow(start, Time::ZERO).expect("a start that the server took").run();
        let mut world = World {
            definition,
            service,
            now: Time::ZERO,
            workflow,
            pace,
            attempts: Vec::new(),
            client_calls: Vec::new(),
            snapshots: Vec::new(),
            gaps: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            polling: definition["poll"] != false,
            waiting: Vec::new(),
            code: None,
            worker: Rc::default(),
            tasks: 0,
            by_hand: ByHand::default(),
        };
        world.drain();
        world
    }

    pub fn push(&mut self, time: Time, happening: Happening) {
        let order = self.next_rank();
        self.queue.insert((time, order), happening);
    }

    /// Gives the next thing that happens; the clock is moved to it.
    pub fn next(&mut self, until: Time) -> Option<Happening> {
        loop {
            let ((time, _), happening) = self.queue.pop_first()?;
            if matches!(&happening, Happening::Timer(timer) if !self.service.is_live(*timer)) {
                continue;
            }
            if time > until {
                return None;
            }
            self.now = self.now.max(time);
            return Some(happening);
        }
    }

    pub fn next_rank(&mut self) -> Rank {
        self.order += 1;
        self.order
    }

    /// Takes the orders that the service has left.
    pub fn drain(&mut self) {
        for request in std::mem::take(&mut self.service.outbox.timers) {
            let order = request.order.unwrap_or_else(|| self.next_rank());
            self.queue.insert((request.at, order), Happening::Timer(request.timer));
        }
        for ready in std::mem::take(&mut self.service.outbox.ready) {
            match ready {
                Ready::Activity { activity, attempt } if self.polling => self.dispatch(activity, attempt),
                Ready::Activity { activity, attempt } => self.waiting.push((activity, attempt)),
                Ready::Workflow { stamp, .. } => {
                    let time = self.pace.workflow_task(self.tasks, true).unwrap_or(self.now.plus(DISPATCH));
                    self.push(time.max(self.now), Happening::HandOutTask { stamp });
                }
            }
        }
        self.service.outbox.news.clear();
    }

    fn dispatch(&mut self, activity: ActivityKey, attempt: u32) {
        let place = self.attempts_of(activity);
        let reference = self.reference(activity);
        let time = self.pace.attempt(&reference, place).unwrap_or(self.now.plus(DISPATCH));
        self.push(time.max(self.now), Happening::HandOutActivity { activity, attempt });
    }

    pub fn reference(&self, activity: ActivityKey) -> String {
        self.service.activity(activity).id().to_string()
    }

    pub fn attempts_of(&self, activity: ActivityKey) -> usize {
        self.attempts.iter().filter(|attempt| attempt.activity == activity).count()
    }

    pub fn set_polling(&mut self, polling: bool) {
        self.polling = polling;
        if polling {
            for (activity, attempt) in std::mem::take(&mut self.waiting) {
                self.dispatch(activity, attempt);
            }
        }
    }

    /// Lets a worker receive an attempt, if it is still to be had. Gives its number among all attempts.
    pub fn hand_out_activity(&mut self, activity: ActivityKey, number: u32) -> Option<usize> {
        if !self.polling {
            self.waiting.push((activity, number));
            return None;
        }
        let (token, task) = self.service.take_activity_task(activity, number, self.now)?;
        let place = self.attempts_of(activity);
        let reference = self.reference(activity);
        if number > 1 {
            let label = format!("at start of {reference} attempt {number}");
            self.snapshots.push(describe(&self.service, self.workflow, &label));
        }
        self.attempts.push(AttemptLog {
            activity,
            reference,
            place,
            number: token.attempt,
            started_at: self.now,
            task,
            calls: Vec::new(),
            ended: None,
        });
        self.drain();
        Some(self.attempts.len() - 1)
    }

    /// Fires a timer whose time has come. A time that this sets is noted as a gap from the stamp at which the timer's
    /// clock began.
    pub fn fire(&mut self, timer: ServiceTimer) {
        let clock = match timer {
            ServiceTimer::Timeout { activity, timeout, .. } => {
                let record = self.service.activity(activity);
                let passes = record.deadline(timeout).is_some_and(|deadline| deadline <= self.now);
                passes.then(|| (activity, self.clock(activity, timeout)))
            }
            ServiceTimer::Workflow { timer, .. } => {
                let (nominal, timer) = (self.timer_length(timer), self.by_hand.timer_id(timer));
                let from = Stamp::TimerStarted { timer: timer.clone() };
                self.gaps.push(Gap { from, to: Stamp::TimerFired { timer }, nominal });
                None
            }
            ServiceTimer::RunTimeout { .. } => {
                self.gaps.push(Gap { from: Stamp::RunStarted, to: Stamp::RunTimedOut, nominal: at(self.now) });
                None
            }
            ServiceTimer::RetryDue { .. } | ServiceTimer::TaskTimeout { .. } | ServiceTimer::FirstTask { .. } => None,
        };
        self.service.fire(timer, self.now);
        self.drain();
        if let Some((activity, (from, since))) = clock {
            self.note_gap(activity, from, since);
        }
    }

    fn timer_length(&self, timer: u32) -> f64 {
        let events = self.service.history(self.workflow).iter();
        let started = events.rev().find_map(|event| match event.kind {
            durasim::service::EventKind::TimerStarted { seq, .. } if seq == timer => Some(event.at),
            _ => None,
        });
        at(self.now) - started.map_or(0.0, at)
    }

    /// The stamp from which a timeout's clock ran.
    fn clock(&self, activity: ActivityKey, timeout: TimeoutType) -> (Stamp, Time) {
        let clocks = self.service.activity(activity).clocks();
        let reference = self.reference(activity);
        let attempts = self.attempts_of(activity);
        let last = attempts.saturating_sub(1);
        let started = clocks.started_at.unwrap_or_default();
        match timeout {
            TimeoutType::ScheduleToStart => {
                let stamp = Stamp::AttemptScheduled { activity: reference, attempt: attempts };
                (stamp, clocks.attempt_scheduled_at)
            }
            TimeoutType::ScheduleToClose => (Stamp::Scheduled { activity: reference }, clocks.scheduled_at),
            TimeoutType::Heartbeat => match clocks.last_heartbeat_at.filter(|beat| *beat >= started) {
                Some(beat) => (self.last_heartbeat(reference, last), beat),
                None => (Stamp::Started { activity: reference, attempt: last }, started),
            },
            _ => (Stamp::Started { activity: reference, attempt: last }, started),
        }
    }

    fn last_heartbeat(&self, activity: String, attempt: usize) -> Stamp {
        let log = self.attempts.iter().find(|log| log.reference == activity && log.place == attempt);
        let calls = log.map_or(&[][..], |log| &log.calls);
        let heartbeat = |call: &Value| call["call"] == "RecordActivityTaskHeartbeat" && call["ok"] == true;
        let call = calls.iter().rposition(heartbeat).unwrap_or(0);
        Stamp::Call { activity, attempt, call }
    }

    /// Notes the change of an activity since a stamp: the next attempt has a time, or it has closed.
    pub fn note_gap(&mut self, activity: ActivityKey, from: Stamp, since: Time) {
        let reference = self.reference(activity);
        let attempt = self.attempts_of(activity);
        let record = self.service.activity(activity);
        let (to, time) = match record.state() {
            ActivityState::Backoff => {
                (Stamp::AttemptScheduled { activity: reference, attempt }, record.attempt_scheduled_at())
            }
            ActivityState::Closed(_) => (Stamp::Closed { activity: reference }, self.now),
            ActivityState::Scheduled | ActivityState::Started(_) => return,
        };
        self.gaps.push(Gap { from, to, nominal: at(time) - at(since) });
    }
}

/// Notes a call's answer, in the words of the recordings.
pub fn note_answer(call: &mut Value, refused: Option<&Refused>) {
    call["ok"] = json!(refused.is_none());
    if let Some(refused) = refused {
        call["error"] = json!({ "code": refused.code.to_string(), "message": &*refused.message });
    }
}
