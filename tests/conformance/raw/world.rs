//! [`World`]: a service with a clock, a queue, its workflows, and what is noted of it all.

use std::collections::{BTreeMap, BTreeSet};

use durasim::internals::{Rank, Ready, Refused, Service, ServiceTimer, WorkflowMessage, WorkflowTask};
use durasim::program::ActivityTask;
use durasim::service::{ActivityKey, UpdateKey, WorkflowKey};
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::by_hand::ByHand;
use super::hosted::{Hosted, start, start_activity};
use super::task::{Answer, StickyQueue};
use crate::pace::Pace;
use crate::recording::gap::Gap;
use crate::recording::snapshot::describe;
use crate::recording::standalone;

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
        workflow: WorkflowKey,
        stamp: u32,
    },
    /// A message from one workflow to another arrives.
    Deliver(WorkflowMessage),
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
    /// Its place among the attempts of all activities with this id.
    pub place: usize,
    pub number: u32,
    pub started_at: Time,
    pub task: ActivityTask,
    pub calls: Vec<Value>,
    /// The times of the calls.
    pub called_at: Vec<Time>,
    pub ended: Option<String>,
}

pub struct World<'a> {
    pub definition: &'a Value,
    pub service: Service,
    pub now: Time,
    /// The first run of the workflow that the scenario is about.
    pub workflow: WorkflowKey,
    pub pace: Pace<&'a Value>,
    pub attempts: Vec<AttemptLog>,
    pub client_calls: Vec<Value>,
    /// The times of the calls.
    pub client_called_at: Vec<Time>,
    /// The updates that were sent, with the places of their calls.
    pub updates: Vec<(usize, UpdateKey)>,
    pub snapshots: Vec<Value>,
    pub gaps: Vec<Gap>,
    /// The queue of the worker that has answered the last task by hand.
    pub sticky_queue: Option<StickyQueue>,
    queue: BTreeMap<(Time, Rank), Happening>,
    /// The timers that are late already.
    late: BTreeSet<Rank>,
    order: Rank,
    polling: bool,
    waiting: Vec<(ActivityKey, u32)>,
    /// The runs of which a worker has received a task.
    pub hosted: BTreeMap<WorkflowKey, Hosted>,
    pub by_hand: ByHand,
}

impl<'a> World<'a> {
    /// Makes a world whose workflow, or activity without one, has been started, with outside events in the queue. The error
    /// is the answer to the start.
    pub fn new(definition: &'a Value, pace: Pace<&'a Value>) -> Result<World<'a>, Refused> {
        let mut service = Service::new();
        let started = if definition["engine"] == "standalone" {
            service.start_activity(start_activity(&definition["standalone"], &Value::Null), Time::ZERO)
        } else {
            service.start_workflow(start(&definition["workflow"]), Time::ZERO)
        };
        let workflow = started?.run();
        let mut world = World {
            definition,
            service,
            now: Time::ZERO,
            workflow,
            pace,
            attempts: Vec::new(),
            client_calls: Vec::new(),
            client_called_at: Vec::new(),
            updates: Vec::new(),
            snapshots: Vec::new(),
            gaps: Vec::new(),
            sticky_queue: None,
            queue: BTreeMap::new(),
            late: BTreeSet::new(),
            order: 0,
            polling: definition["poll"] != false,
            waiting: Vec::new(),
            hosted: BTreeMap::new(),
            by_hand: ByHand::default(),
        };
        world.drain();
        Ok(world)
    }

    /// Shows what a client sees at `now` of the workflow, or of the activity without one.
    pub fn look(&mut self, label: &str, now: Time) {
        let run = self.newest();
        let seen = if self.service.workflow(run).is_standalone_activity() {
            standalone::describe(&self.service, run, label)
        } else {
            describe(&self.service, run, label, now)
        };
        self.snapshots.push(seen);
    }

    pub fn push(&mut self, time: Time, happening: Happening) {
        let order = self.next_rank();
        self.queue.insert((time, order), happening);
    }

    /// Gives the next thing that happens; the clock is moved to it.
    pub fn next(&mut self, until: Time) -> Option<Happening> {
        loop {
            let entry = self.queue.first_entry()?;
            let (time, order) = *entry.key();
            if let Happening::Timer(timer) = *entry.get() {
                if !self.service.is_live(timer) {
                    self.queue.pop_first();
                    continue;
                }
                let fires = self.fires(timer, time);
                if fires > time && self.late.insert(order) {
                    let timer = self.queue.pop_first().map(|(_, timer)| timer)?;
                    self.queue.insert((fires, order), timer);
                    continue;
                }
            }
            if time > until {
                return None;
            }
            self.now = self.now.max(time);
            return self.queue.pop_first().map(|(_, happening)| happening);
        }
    }

    pub fn next_rank(&mut self) -> Rank {
        self.order += 1;
        self.order
    }

    /// Takes the orders that the service has left.
    pub fn drain(&mut self) {
        self.drain_timers();
        for ready in std::mem::take(&mut self.service.outbox.ready) {
            match ready {
                Ready::Activity { activity, attempt } if self.polling => self.dispatch(activity, attempt),
                Ready::Activity { activity, attempt } => self.waiting.push((activity, attempt)),
                Ready::Workflow { workflow, stamp } if self.waits_for_nobody(workflow, stamp) => {}
                Ready::Workflow { workflow, stamp } => {
                    let time = self.task_time(workflow, true).unwrap_or(self.now.plus(DISPATCH));
                    self.push(time.max(self.now), Happening::HandOutTask { workflow, stamp });
                }
            }
        }
        self.drain_timers();
        for message in std::mem::take(&mut self.service.outbox.messages) {
            self.push(self.now.plus(DISPATCH), Happening::Deliver(message));
        }
        self.service.outbox.news.clear();
    }

    fn drain_timers(&mut self) {
        for request in std::mem::take(&mut self.service.outbox.timers) {
            let order = request.order.unwrap_or_else(|| self.next_rank());
            self.queue.insert((request.at, order), Happening::Timer(request.timer));
        }
    }

    /// Lets a message from one workflow to another arrive.
    pub fn deliver(&mut self, message: WorkflowMessage) {
        self.service.deliver(message, self.now);
        self.drain();
    }

    fn dispatch(&mut self, activity: ActivityKey, attempt: u32) {
        let place = self.attempts_of(activity);
        let reference = self.reference(activity);
        match self.pace.attempt(&reference, place) {
            Some(time) => self.push(time.max(self.now), Happening::HandOutActivity { activity, attempt }),
            None if self.pace.is_nominal() => {
                self.push(self.now.plus(DISPATCH), Happening::HandOutActivity { activity, attempt });
            }
            // No worker came for it in time.
            None => self.waiting.push((activity, attempt)),
        }
    }

    pub fn reference(&self, activity: ActivityKey) -> String {
        let record = self.service.activity(activity);
        if self.service.workflow(record.workflow()).is_standalone_activity() {
            return standalone::REFERENCE.to_owned();
        }
        record.id().to_string()
    }

    /// The number of attempts that workers received of all activities with the id of this one, as they are recorded.
    pub fn attempts_of(&self, activity: ActivityKey) -> usize {
        let reference = self.reference(activity);
        self.attempts.iter().filter(|attempt| attempt.reference == reference).count()
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
            let id = self.service.activity(activity).id();
            let label = format!("at start of {id} attempt {number}");
            self.look(&label, self.now);
        }
        self.attempts.push(AttemptLog {
            activity,
            reference,
            place,
            number: token.attempt,
            started_at: self.now,
            task,
            calls: Vec::new(),
            called_at: Vec::new(),
            ended: None,
        });
        self.drain();
        Some(self.attempts.len() - 1)
    }
}

/// Notes a call's answer, in the words of the recordings.
pub fn note_answer(call: &mut Value, refused: Option<&Refused>) {
    call["ok"] = json!(refused.is_none());
    if let Some(refused) = refused {
        call["error"] = json!({ "code": refused.code.to_string(), "message": &*refused.message });
    }
}
