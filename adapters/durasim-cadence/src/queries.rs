//! The answers to queries.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use crabdance_workflow::context::{QueryHandler, WorkflowContext};
use crabdance_workflow::dispatcher::WorkflowDispatcher;
use durasim::program::{Failure, Payload, RunInfo, list_names, panics};

use crate::ground::Ground;
use crate::sink::{Sink, locked};
use crate::wake::WakeFlag;
use crate::workflow_error::unwound;

/// The parts of an instance that a handler might reach.
pub(crate) struct Asked<'a> {
    pub(crate) ctx: &'a WorkflowContext,
    pub(crate) sink: &'a Sink,
    pub(crate) handlers: &'a Mutex<HashMap<String, QueryHandler>>,
    pub(crate) signals: &'a Mutex<HashMap<String, Vec<Vec<u8>>>>,
    pub(crate) dispatcher: &'a Arc<Mutex<WorkflowDispatcher>>,
    pub(crate) flag: &'a WakeFlag,
    pub(crate) run: &'a RunInfo,
    /// Says whether there is code that could be woken.
    pub(crate) is_open: bool,
}

impl Asked<'_> {
    /// Answers a query. The workflow goes on as if its context had not been asked for anything, nothing spawned, and no
    /// signal taken.
    pub(crate) fn answer(&self, name: &str, input: &Payload) -> Result<Payload, Failure> {
        self.flag.begin();
        // The things that a handler spawns are dropped unpolled, before anybody may be woken again.
        let answer = {
            let ground = Ground::new();
            let _entered = ground.enter();
            self.aside(&ground, name, input)
        };
        self.flag.end();
        answer
    }

    fn aside(&self, ground: &Ground, name: &str, input: &Payload) -> Result<Payload, Failure> {
        // It is taken out, since it may set handlers itself.
        let Some(handler) = locked(self.handlers).remove(name) else { return Err(self.not_found(name)) };
        let (next_task, signals) = (self.next_task(), locked(self.signals).clone());
        let tasks = Arc::<Mutex<WorkflowDispatcher>>::default();
        self.ctx.set_dispatcher(tasks.clone());
        let (answer, asks) =
            self.sink.silenced(self.ctx, || panics::catch(|| handler(input.as_bytes().to_vec())).map_err(unwound));
        let spawns = self.next_task() > next_task + 1 || ground.tasks() > 0 || ground.blocks();
        let takes = *locked(self.signals) != signals;
        *locked(self.signals) = signals;
        self.ctx.set_dispatcher(self.dispatcher.clone());
        let replaced = match locked(self.handlers).entry(name.to_owned()) {
            Entry::Occupied(_) => Some(handler),
            Entry::Vacant(place) => {
                place.insert(handler);
                None
            }
        };
        // A panic of a destructor has no one to go to.
        let _ = panics::catch_drop(replaced);
        let _ = panics::catch_drop(tasks);
        let answer = answer.map_err(|how| Failure::application("Panic", how.to_string()))?;
        let misuse = match () {
            () if asks => "asks its context for something",
            () if spawns => "spawns a task",
            () if takes => "takes a signal",
            () if self.flag.take() && self.is_open => "woke the workflow's code",
            () => return Ok(Payload::limited(answer)),
        };
        let message = format!("the handler of query `{name}` {misuse}: a query only reads");
        Err(Failure::application("QueryMisuse", message))
    }

    fn not_found(&self, name: &str) -> Failure {
        let mut known: Vec<String> = locked(self.handlers).keys().cloned().collect();
        known.sort();
        let (workflow, known) = (&self.run.workflow_type, list_names(known.iter().map(String::as_str)));
        let message = format!("workflow `{workflow}` answers no query `{name}`; the queries it answers now: {known}");
        Failure::application("QueryNotFound", message)
    }

    /// The number that the client gives a task. It is used up, which does not show: tasks are known by their order.
    fn next_task(&self) -> u64 {
        let alone = Arc::<Mutex<WorkflowDispatcher>>::default();
        self.ctx.set_dispatcher(alone.clone());
        drop(self.ctx.spawn(async {}));
        let mut alone = locked(&alone);
        // Its only task is ready at once.
        let _ = alone.execute_until_all_blocked();
        let results = alone.get_completed_results_arc();
        locked(&results).keys().copied().max().unwrap_or(0)
    }
}
