//! The choice of the runs of an exploration.

use std::ops::Range;

use super::Exploration;
use super::share::Share;

impl Exploration {
    /// Adds one run for each point of the fault-free run and each fault that fits it. Ready tasks run first in, first
    /// out.
    ///
    /// If an attempt or a workflow has more than 200 points of one kind (awaits, heartbeats, tasks, timers, ..), a sample is
    /// tried: the first 50, the last 50, and about 50 between them. In a workflow, the tasks and timers next to something
    /// that happens at most 50 times (a signal, the end of an activity, a cancel) are tried too. The report then says
    /// `k of m points (sampled)`.
    ///
    /// Where each run is so long that all of them would take minutes, fewer points are tried, and the report says why.
    pub fn every_fault(mut self) -> Exploration {
        self.every_fault = true;
        self
    }

    /// Adds a run for each pair of faults: each fault of [`every_fault`](Exploration::every_fault) with each that fits a point
    /// after it. Pairs of a new kind (of site and fault, first and second) come first, so that a budget that does not suffice
    /// for all pairs still has some of every kind. The report then says how many were tried, of how many. See
    /// [`budget`](Exploration::budget).
    pub fn every_pair(mut self) -> Exploration {
        self.every_pair = true;
        self
    }

    /// Adds a run for each other order of what a workflow observes, as the run without faults shows it: each timer, signal and
    /// end of an activity is held until right behind each of the next three things that do not depend on it, in the same
    /// workflow task and after the next, and the first task until right behind signals. A hold keeps back a message on its
    /// way, a timer that is late, or a task that waits for a worker; a script that sends a held signal waits.
    ///
    /// The part `every order` has things that come without faults too. The part `lost races` has those that do not: a timer
    /// that the workflow takes back, an activity that it no longer waits for. There [`same_result`](crate::check::same_result)
    /// and [`completes`](crate::check::completes) do not judge, and neither do they where a workflow asks for other
    /// activities, timers or markers than without faults: it took another branch, which the report counts. All other checks
    /// judge. A result that rightly depends on when a signal comes is declared with
    /// [`depends_on_time_of`](crate::check::SameResult::depends_on_time_of).
    ///
    /// An order that no server could give is no run and no failure: the other thing does not come before something would time
    /// out. The report says how many there are, and where there is nothing to change.
    ///
    /// With [`every_pair`](Exploration::every_pair), each order is paired with each fault that fits after it, too.
    ///
    /// ```no_run
    /// # use durasim::{Simulation, check};
    /// # let simulation = Simulation::temporal();
    /// simulation
    ///     .explore("order", "input")
    ///     .every_order()
    ///     .check(check::same_result().depends_on_time_of("approve"))
    ///     .assert();
    /// ```
    pub fn every_order(mut self) -> Exploration {
        self.every_order = true;
        self
    }

    /// Sets how many pairs are tried at most. Without this call they are 20,000, and fewer where each run has more than
    /// 10,000 trace events.
    pub fn budget(mut self, pairs: u64) -> Exploration {
        self.budget = Some(pairs);
        self
    }

    /// Adds a run for each seed, with faults drawn from it. Odd seeds also draw the order of ready tasks: 7, 15, 23 and so
    /// on by [priorities](crate::fault::Order::Pct). Faults end an attempt only if the retry policy allows another one,
    /// unless [`over_budget`](Exploration::over_budget) says otherwise: the report has a note if no attempt may end for
    /// that reason. Deadlines and slow attempts are not drawn: those are for [`every_fault`](Exploration::every_fault).
    ///
    /// Each seed switches kinds of faults on and off and has a rate of its own, which follows the number of points of the run
    /// without faults: from about one fault in each run to one at every few points. Nearly every seed strikes; the report
    /// counts those that do not.
    pub fn seeds(mut self, seeds: Range<u64>) -> Exploration {
        self.seeds.push(seeds);
        self
    }

    /// Deploys the code itself, there and back, where the simulation has no new version: for the tests of this repository.
    /// A simulation says `.deploy(|simulation| simulation)`.
    #[doc(hidden)]
    pub fn deploys_itself(mut self) -> Exploration {
        self.start.deploy_itself();
        self
    }

    /// Tries signals that arrive twice, as after a request of the client's that was sent again since its answer was lost: the
    /// fault `duplicated` at each signal. It is for code that has to stand them; without this call it is left to plans.
    ///
    /// ```no_run
    /// # use durasim::{Client, ClientError, Simulation};
    /// # let simulation = Simulation::temporal();
    /// simulation
    ///     .explore_script(async |client: Client| -> Result<u32, ClientError> {
    ///         let account = client.start::<u32>("account", "account-1", &()).await?;
    ///         account.signal("deposit", &10).await?;
    ///         account.result().await
    ///     })
    ///     .every_fault()
    ///     .duplicate_signals()
    ///     .assert();
    /// ```
    pub fn duplicate_signals(mut self) -> Exploration {
        self.start.duplicate_signals();
        self
    }

    /// Lets faults end more attempts than the retry policy allows, in this share of the seeds: from 0.0 (none) to 1.0 (all).
    /// The service then gives the activity up, so that one sees what the workflow does once an activity has failed for good.
    /// `same_result` excuses such a run, and `effects` excuses it if it does not claim to have done all.
    ///
    /// Each seed by itself decides whether it is one of them; the other seeds mean the same as without this call. For an
    /// activity whose policy sets no limit nothing changes.
    ///
    /// ```no_run
    /// # use durasim::{Simulation, check};
    /// # #[derive(Default)]
    /// # struct Bucket { files: durasim::Ledger<u32> }
    /// # let simulation = Simulation::temporal();
    /// simulation
    ///     .explore("backup", &10)
    ///     .seeds(0..10_000)
    ///     .over_budget(0.25)
    ///     .check(check::cleaned_up(|bucket: &Bucket| assert!(bucket.files.is_empty())))
    ///     .assert();
    /// ```
    ///
    /// The report has an error if the share is not between 0.0 and 1.0, or if there are no seeds.
    pub fn over_budget(mut self, share: f64) -> Exploration {
        self.over_budget = Some(Share(share));
        self
    }
}
