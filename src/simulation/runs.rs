//! The runs of a simulation: the plan, seed and order of a single one, and the ways to make runs.

use std::borrow::Cow;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use serde::Serialize;

use super::Simulation;
use crate::client::{Client, ScriptOutput};
use crate::explore::variables::refuse_unknown;
use crate::explore::{Exploration, OneRun};
use crate::fault::{Order, Plan};
use crate::program::Payload;
use crate::world::start::{LocalScript, Origin, Start};
use crate::world::{Run, RunError};

impl Simulation {
    /// Sets which faults strike where, with the seed and the order that the plan has. A [`seed`](Simulation::seed) or
    /// an [`order`](Simulation::order) of the simulation takes the place of the plan's, whether it is set before or
    /// after this call.
    pub fn plan(mut self, plan: Plan) -> Simulation {
        self.plan = Some(plan);
        self
    }

    /// Draws the faults from this seed, as [`Exploration::seeds`] does, instead of taking them from a plan.
    /// [`Run::plan`] then says which ones struck. Their frequency follows the number of points of the run without
    /// faults, which [`run`](Simulation::run) makes beforehand. [`drive`](Simulation::drive) cannot make it, and
    /// assumes a run of 32 points. The seed is that of the run in all else too: a [`plan`](Simulation::plan) or another
    /// [`seed`](Simulation::seed) besides is an error of the run.
    pub fn random_faults(mut self, seed: u64) -> Simulation {
        self.random_faults = Some(seed);
        self
    }

    /// Sets the seed of the order of ready tasks and of user code's random numbers. Default: the plan's, or 0.
    pub fn seed(mut self, seed: u64) -> Simulation {
        self.seed = Some(seed);
        self
    }

    /// Sets which of several ready tasks runs first. Default: as the plan says, or first in, first out.
    pub fn order(mut self, order: Order) -> Simulation {
        self.order = Some(order);
        self
    }

    /// Decides over a single run: gives the plan, and says whether faults are drawn from its seed besides.
    fn decided(&self) -> Result<(Cow<'_, Plan>, bool), RunError> {
        let mut plan = self.plan.as_ref().map_or_else(Cow::default, Cow::Borrowed);
        if let Some(order) = self.order.filter(|order| *order != plan.order) {
            plan.to_mut().order = order;
        }
        let Some(seed) = self.random_faults else {
            if let Some(seed) = self.seed.filter(|seed| *seed != plan.seed) {
                plan.to_mut().seed = seed;
            }
            return Ok((plan, false));
        };
        let both = |other: &str| {
            RunError::Setup(format!(
                "the simulation has `.random_faults(..)` and `{other}`: what decides over a run comes from one of them, \
                 leave the other away"
            ))
        };
        match (&self.plan, self.seed) {
            (Some(_), _) => Err(both(".plan(..)")),
            (_, Some(_)) => Err(both(".seed(..)")),
            (None, None) => Ok((Cow::Owned(plan.into_owned().with_seed(seed)), true)),
        }
    }

    /// Runs a workflow once, from its start until it has closed and no attempt runs.
    ///
    /// An entry of the plan whose point the run does not come to is in [`Run::not_fired`].
    ///
    /// # Errors
    /// The error is [`RunError`]: a mistake in the simulation, code that breaks a rule, a run that does not end, or a
    /// variable `DURASIM_..` that means nothing. A workflow that fails is no error but an [outcome](Run::outcome).
    pub fn run(&self, workflow: &str, input: &(impl Serialize + ?Sized)) -> Result<Run, RunError> {
        refuse_unknown()?;
        self.run_once(&self.start(workflow, input))
    }

    /// Makes the single run that the simulation asks for.
    pub(super) fn run_once(&self, start: &Start) -> Result<Run, RunError> {
        let (plan, random_faults) = self.decided()?;
        let finished = if random_faults { start.run_swarm(plan.seed, plan.order, false) } else { start.run(&plan) };
        finished.into_result()?.not_violated().map(Run::for_the_user)
    }

    /// Runs a workflow with every fault, then with faults drawn from seeds, and judges each run. See [`Exploration`].
    ///
    /// A [plan](Simulation::plan), [seed](Simulation::seed), [order](Simulation::order) or
    /// [random faults](Simulation::random_faults) of the simulation's own are for single runs: the report is an error then.
    #[track_caller]
    pub fn explore(&self, workflow: &str, input: &(impl Serialize + ?Sized)) -> Exploration {
        Exploration::new(self.start(workflow, input), self.not_for_explorations())
    }

    /// Runs a script once: it starts workflows, sleeps in virtual time, signals, queries, cancels and waits. The run is over
    /// when the script is done, all workflows have closed and no attempt runs. Workflows that the script leaves waiting for
    /// something that never comes stay open.
    ///
    /// Plan, seed and order are the simulation's ([`Simulation::plan`]). A [deadline](crate::fault::Site::Deadline) of
    /// the plan is met by a stall, where other runs dispatch the attempt later: the script cannot run beforehand to
    /// show how much later. The script may borrow from the test, and its panics are the test's.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError};
    /// # async fn nap(ctx: &WorkflowContext, seconds: u64) -> Result<u64, WorkflowError> {
    /// #     ctx.sleep(Duration::from_secs(seconds)).await?;
    /// #     Ok(seconds)
    /// # }
    /// let simulation = Simulation::temporal().workflow("nap", nap);
    /// let (slept, run) = simulation
    ///     .drive(async |client| {
    ///         let nap = client.start::<u64>("nap", "nap-1", &3600).await?;
    ///         client.sleep(Duration::from_secs(60)).await;
    ///         nap.result().await
    ///     })
    ///     .unwrap();
    /// assert_eq!((slept, run.virtual_time().as_nanos() / 1_000_000_000), (Ok(3600), 3600));
    /// ```
    ///
    /// # Errors
    /// The errors are those of [`Simulation::run`], and [`RunError::ScriptStuck`] when the script waits for something
    /// that never comes.
    pub fn drive<R, Fut>(&self, script: impl FnOnce(Client) -> Fut) -> Result<(R, Run), RunError>
    where
        Fut: Future<Output = R>,
    {
        let mut returned = None;
        let run = self.drive_with(pin!(async {
            returned = Some(script(Client::new()).await);
        }))?;
        match returned {
            Some(returned) => Ok((returned, run)),
            None => Err(RunError::ScriptStuck { at: run.virtual_time(), waiting: "the run is over".to_owned() }),
        }
    }

    /// Runs a script that keeps its value to itself.
    fn drive_with(&self, script: Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<Run, RunError> {
        refuse_unknown()?;
        let (plan, random_faults) = self.decided()?;
        let finished = Start::new(self.setup(), Origin::Driven).drive(&plan, random_faults, script);
        Ok(finished.into_result()?.not_violated()?.for_the_user())
    }

    /// Explores a script as [`Simulation::explore`] explores a workflow: the script's value takes the place of the
    /// workflow's outcome. The script is written `async |client| ..`, and runs once for each run of the exploration. It
    /// returns a value that implements `Serialize`, or a `Result` of such a value, in which `?` works on the client's
    /// calls: see [`ScriptOutput`].
    #[track_caller]
    pub fn explore_script<R, F, Kind>(&self, script: F) -> Exploration
    where
        R: ScriptOutput<Kind>,
        F: AsyncFn(Client) -> R + Send + Sync + 'static,
    {
        let script = Arc::new(script);
        let make = move || -> LocalScript {
            let script = script.clone();
            Box::pin(async move { script(Client::new()).await.to_payload() })
        };
        let start = Start::new(self.setup(), Origin::Script(Arc::new(make)));
        Exploration::new(start, self.not_for_explorations())
    }

    /// The setting that is about a single run, if there is one: an exploration has plans, seeds and orders of its own.
    pub(super) fn not_for_explorations(&self) -> Option<OneRun> {
        let plan = self.plan.clone().unwrap_or_default();
        match () {
            () if self.random_faults.is_some() => Some(OneRun::RandomFaults),
            () if !plan.is_empty() => Some(OneRun::Plan),
            () if self.seed.unwrap_or(plan.seed) != 0 => Some(OneRun::Seed),
            () if self.order.unwrap_or(plan.order) != Order::default() => Some(OneRun::Order),
            () => None,
        }
    }

    pub(crate) fn start(&self, workflow: &str, input: &(impl Serialize + ?Sized)) -> Start {
        let input = Payload::from_json(input)
            .map_err(|why| RunError::Input { workflow: workflow.to_owned(), why: why.to_string() });
        let registered = self.setup.workflow_name(workflow);
        let workflow = registered.unwrap_or_else(|| workflow.into());
        Start::new(self.setup(), Origin::Workflow { workflow, input })
    }
}
