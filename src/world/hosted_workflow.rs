//! [`HostedWorkflow`]: what the loop knows of a workflow beside the service.

use std::task::Waker;

use super::error::RunError;
use super::failing_task::FailingTask;
use super::local_task::{LocalRun, LocalTask};
use crate::program::places::Places;
use crate::program::{Command, Seq, Time};
use crate::service::{ActivityKey, TaskToken};
use crate::trace::{AttemptKey, WorkerKey};
use crate::worker::attempt::Busy;
use crate::worker::instance::Instance;
use crate::worker::process::{ProcessKey, Version};

/// A worker's answer to a workflow task, which it is slow to send, and the code that gave it.
pub(super) struct Held {
    token: TaskToken,
    worker: WorkerKey,
    instance: Instance,
    commands: Vec<Command>,
    /// It waits for the next signal.
    until_signal: bool,
}

impl Held {
    /// An answer that waits for its time.
    pub(super) fn new(token: TaskToken, worker: WorkerKey, instance: Instance, commands: Vec<Command>) -> Held {
        Held { token, worker, instance, commands, until_signal: false }
    }

    /// The same, held until the next signal has arrived.
    pub(super) fn until_signal(self) -> Held {
        Held { until_signal: true, ..self }
    }

    /// Takes it apart, to be sent.
    pub(super) fn into_parts(self) -> (TaskToken, WorkerKey, Instance, Vec<Command>) {
        (self.token, self.worker, self.instance, self.commands)
    }
}

/// A workflow run as the loop knows it.
#[derive(Default)]
pub(super) struct HostedWorkflow {
    instance: Option<Instance>,
    /// The worker that has the instance, or had it last.
    home: Option<WorkerKey>,
    /// The process that has answered its last task, and has it in its cache unless it has forgotten it.
    sticky: Option<ProcessKey>,
    /// It is boxed because it is rare.
    held: Option<Box<Held>>,
    /// The local activities that a worker runs for it. They are boxed because they are rare.
    local: Option<Box<LocalTask>>,
    /// The number of local activities that workers have run for it.
    locals: u32,
    /// The timer that is late, and those that are due behind it. They are boxed because they are rare.
    late_timers: Option<Box<(Seq, Vec<Seq>)>>,
    signals: u32,
    updates: u32,
    /// The number of the update that arrives now.
    arriving_update: Option<u32>,
    /// The events that say which messages it has sent to other workflows.
    messages: Vec<u64>,
    /// The number of the signal that arrives now, or did last, among those that were sent.
    arriving: u32,
    tasks_done: u32,
    /// The number of events by the time of the last answer.
    answered_at: usize,
    /// The version of the code that gave it.
    answered_with: Version,
    /// Attempts at the present task.
    task_attempts: u32,
    /// A worker has the task.
    is_task_taken: bool,
    /// The task that is open has failed. It is boxed because it is rare.
    failing_task: Option<Box<FailingTask>>,
    busy: Busy,
    /// The wakers of those who wait for it to close.
    waiting: Vec<Waker>,
    /// The latest activity that it has scheduled.
    latest_activity: Option<ActivityKey>,
    /// The latest attempt at one of its activities.
    latest_attempt: Option<AttemptKey>,
    places: Places,
}

/// Its instance, and which worker has that.
impl HostedWorkflow {
    /// The worker that has an instance of it in its cache.
    pub(super) fn cached_by(&self) -> Option<WorkerKey> {
        self.home.filter(|_| self.instance.is_some())
    }

    /// The process whose own queue its tasks go to, if it is there.
    pub(super) fn sticky(&self) -> Option<ProcessKey> {
        self.sticky
    }

    /// Its tasks go to the queue of this process from now on.
    pub(super) fn stick_to(&mut self, process: ProcessKey) {
        self.sticky = Some(process);
    }

    /// Gives the worker that runs its code, or ran it last.
    pub(super) fn home(&self) -> Option<WorkerKey> {
        self.home
    }

    /// Gives the number of events by the time of its last answer.
    pub(super) fn answered_at(&self) -> usize {
        self.answered_at
    }

    /// The version of the code that gave its last answer.
    pub(super) fn answered_with(&self) -> Version {
        self.answered_with
    }

    /// Takes the instance out of the cache.
    pub(super) fn take_cached(&mut self) -> Option<Instance> {
        self.instance.take()
    }

    /// Puts an instance back into the cache that it was taken from.
    pub(super) fn put_back(&mut self, instance: Instance) {
        self.instance = Some(instance);
    }

    /// From now on this worker runs its code. Gives the instance that another one has, which is to forget it: the new one
    /// begins with a replay.
    pub(super) fn move_to(&mut self, worker: WorkerKey) -> Option<Instance> {
        if self.home.replace(worker) == Some(worker) { None } else { self.instance.take() }
    }

    /// Takes what workers have of it: an instance, and another one that waits with a late answer.
    pub(super) fn take_instance(&mut self) -> Option<Instance> {
        let held = self.instance.take().or_else(|| self.held.take().map(|held| held.instance));
        held.or_else(|| self.local.take()?.take_waiting().map(|waiting| waiting.instance))
    }

    /// Takes what this worker has of it, as `take_instance` does.
    pub(super) fn take_hosted_by(&mut self, worker: WorkerKey) -> Option<Instance> {
        if self.cached_by() == Some(worker) {
            return self.instance.take();
        }
        let held = self.held.take_if(|held| held.worker == worker).map(|held| held.instance);
        held.or_else(|| {
            let mut local = self.local.take_if(|local| local.worker() == worker)?;
            local.take_waiting().map(|waiting| waiting.instance)
        })
    }

    /// Says whether its code was woken by something that a replay would not bring.
    pub(super) fn foreign_wake(&self) -> bool {
        self.instance.as_ref().is_some_and(Instance::foreign_wake)
    }
}

/// Its tasks and the answers to them.
impl HostedWorkflow {
    /// The number of the task that is open, or else of the next one, from 1.
    pub(super) fn task_number(&self) -> u32 {
        self.tasks_done + 1
    }

    /// Says whether no worker has taken the next task so far.
    pub(super) fn is_new_task(&self) -> bool {
        self.task_attempts == 0
    }

    /// The task that is open, if it has failed.
    pub(super) fn failing_task(&self) -> Option<&FailingTask> {
        self.failing_task.as_deref()
    }

    /// The task that is open has failed, for the first time with this error. Gives how often it has failed in a row.
    pub(super) fn task_fails(&mut self, error: impl FnOnce() -> RunError) -> u32 {
        let failing = self.failing_task.get_or_insert_with(|| Box::new(FailingTask::new(error())));
        failing.fails();
        failing.failures()
    }

    /// The number of the task that sees what comes now: of the next, or of the one after that where a worker has the task.
    pub(super) fn next_task_to_see(&self) -> u32 {
        self.task_number() + u32::from(self.is_task_taken)
    }

    /// The task that a worker has has timed out or failed: it is given out again.
    pub(super) fn task_ended(&mut self) {
        self.is_task_taken = false;
    }

    /// Notes that this worker takes the task. Says which attempt at the task that is, from 1, and gives the instance that
    /// another worker has, as `move_to` does.
    pub(super) fn task_taken_by(&mut self, worker: WorkerKey) -> (u32, Option<Instance>) {
        self.task_attempts += 1;
        self.is_task_taken = true;
        (self.task_attempts, self.move_to(worker))
    }

    /// Counts a task of this moment. Gives how many there were.
    pub(super) fn count_task(&mut self, now: Time) -> u32 {
        self.busy.count(now)
    }

    /// The service has taken this worker's answer to the task, and the code that gave it is cached. `at` counts the events by
    /// then. Gives the task's failures before that.
    pub(super) fn answered_by(
        &mut self,
        worker: WorkerKey,
        version: Version,
        instance: Instance,
        at: usize,
    ) -> Option<Box<FailingTask>> {
        (self.instance, self.home, self.answered_at) = (Some(instance), Some(worker), at);
        self.answered_with = version;
        self.tasks_done += 1;
        self.task_attempts = 0;
        self.is_task_taken = false;
        self.failing_task.take()
    }

    /// A worker holds an answer back. Gives the code of an older one that was held, which is never sent.
    pub(super) fn hold(&mut self, answer: Held) -> Option<Instance> {
        self.held.replace(Box::new(answer)).map(|older| older.instance)
    }

    /// The worker that holds an answer back.
    pub(super) fn held_by(&self) -> Option<WorkerKey> {
        self.held.as_ref().map(|held| held.worker)
    }

    /// Says whether the answer to the task with this stamp is held back.
    pub(super) fn is_held(&self, stamp: u32) -> bool {
        self.held.as_ref().is_some_and(|held| held.token.stamp == stamp)
    }

    /// The answer that was held back leaves its worker.
    pub(super) fn take_held(&mut self) -> Option<Held> {
        self.held.take().map(|held| *held)
    }
}

/// Its local activities.
impl HostedWorkflow {
    /// The local activities that a worker runs for it, if any.
    pub(super) fn local_task(&mut self) -> Option<&mut LocalTask> {
        self.local.as_deref_mut()
    }

    /// The local activities that this worker runs for it, possibly none so far.
    pub(super) fn local_task_mut(&mut self, worker: WorkerKey) -> &mut LocalTask {
        self.local.get_or_insert_with(|| Box::new(LocalTask::new(worker)))
    }

    /// Takes the local activities that a worker runs for it.
    pub(super) fn take_local_task(&mut self) -> Option<Box<LocalTask>> {
        self.local.take()
    }

    /// Counts a local activity that a worker is to run.
    pub(super) fn count_local(&mut self) -> u32 {
        self.locals += 1;
        self.locals
    }

    /// Finds a local activity that a worker runs for it.
    pub(super) fn known_local(&self, is_it: impl Fn(&LocalRun) -> bool) -> Option<&LocalRun> {
        self.local.as_ref()?.find(is_it)
    }

    /// The worker that runs local activities for it.
    pub(super) fn local_worker(&self) -> Option<WorkerKey> {
        self.local.as_ref().map(|local| local.worker())
    }

    /// Says whether the task with this stamp waits for local activities.
    pub(super) fn waits_for_locals(&self, stamp: u32) -> bool {
        self.local.as_ref().is_some_and(|local| local.is_waiting(stamp))
    }

    /// Says whether its worker is about to go on with a renewed task.
    pub(super) fn is_renewed(&self) -> bool {
        self.instance.is_some() && self.local.as_ref().is_some_and(|local| local.is_renewed())
    }
}

/// Its activities, and those who wait for it.
impl HostedWorkflow {
    /// Counts a signal that is sent to it.
    pub(super) fn count_signal(&mut self) -> u32 {
        self.signals += 1;
        self.arriving = self.signals;
        self.signals
    }

    /// The signal of this number arrives.
    pub(super) fn signal_arrives(&mut self, number: u32) {
        self.arriving = number;
    }

    /// The number of the signal that arrives now, among those that were sent.
    pub(super) fn arriving_signal(&self) -> u32 {
        self.arriving
    }

    /// Counts an update that is sent to it.
    pub(super) fn count_update(&mut self) -> u32 {
        self.updates += 1;
        self.updates
    }

    /// The update of this number arrives.
    pub(super) fn update_arrives(&mut self, number: u32) {
        self.arriving_update = Some(number);
    }

    /// The number of the update that has arrived. One that was sent to a run before this one has a new number here.
    pub(super) fn take_arriving_update(&mut self) -> u32 {
        self.arriving_update.take().unwrap_or_else(|| self.count_update())
    }

    /// This event says that it sends a message to another workflow.
    pub(super) fn message_sent(&mut self, event_id: u64) {
        self.messages.push(event_id);
    }

    /// The number of the message that this event has initiated among those that it has sent, from 1.
    pub(super) fn message_number(&self, event_id: u64) -> u32 {
        self.messages.partition_point(|sent| *sent <= event_id) as u32
    }

    /// A signal has arrived. Gives the task whose answer was held for one.
    pub(super) fn signal_arrived(&mut self) -> Option<TaskToken> {
        let held = self.held.as_mut()?;
        std::mem::take(&mut held.until_signal).then_some(held.token)
    }

    /// Notes that this timer, which is due, fires later.
    pub(super) fn timer_is_late(&mut self, timer: Seq) {
        self.late_timers = Some(Box::new((timer, Vec::new())));
    }

    /// This timer is due. Says whether it waits behind a late one.
    pub(super) fn waits_behind_late_timer(&mut self, timer: Seq) -> bool {
        let Some(late) = &mut self.late_timers else { return false };
        late.1.push(timer);
        true
    }

    /// This timer has fired, or was taken back. Gives those that wait behind it, in the order in which they were due.
    pub(super) fn late_timer_is_over(&mut self, timer: Seq) -> Vec<Seq> {
        self.late_timers.take_if(|late| late.0 == timer).map(|late| late.1).unwrap_or_default()
    }

    /// Gives how far its code has come, unless that runs now.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Notes how far its code has come.
    pub(super) fn set_places(&mut self, places: Places) {
        self.places = places;
    }

    /// It has scheduled an activity. Gives the one before it.
    pub(super) fn scheduled(&mut self, activity: ActivityKey) -> Option<ActivityKey> {
        self.latest_activity.replace(activity)
    }

    /// An attempt at one of its activities begins. Gives the one before it.
    pub(super) fn attempt_started(&mut self, attempt: AttemptKey) -> Option<AttemptKey> {
        self.latest_attempt.replace(attempt)
    }

    /// The latest attempt at one of its activities.
    pub(super) fn latest_attempt(&self) -> Option<AttemptKey> {
        self.latest_attempt
    }

    /// Somebody waits for it to close.
    pub(super) fn wait(&mut self, waker: Waker) {
        self.waiting.push(waker);
    }

    /// Takes the wakers of those who wait for it to close.
    pub(super) fn take_waiting(&mut self) -> impl Iterator<Item = Waker> {
        self.waiting.drain(..)
    }
}
