//! [`named`]: checks of your own.

use std::fmt;

use super::Check;
use super::class::Class;
use super::reference::Reference;
use super::violation::Violation;
use crate::program::panics::{self, Unwound};
use crate::world::Run;

/// A check of your own: a closure that looks at a finished run and asserts, or returns a `Result`.
///
/// The check judges the runs that nothing excuses: those that end as the fault-free run, and those that end otherwise
/// for no good reason. Runs whose faults used up what the options allow and runs whose cancel was heeded
/// ([`Class::OverBudget`] and [`Class::Cancelled`]) are left out, since they rightly end with less.
/// [`all_runs`](Named::all_runs) judges these too.
///
/// ```
/// use durasim::{Run, check};
/// let no_panic = check::named("no attempt panics", |run: &Run| {
///     for activity in run.activities() {
///         assert!(activity.attempts.iter().all(|attempt| attempt.end != durasim::AttemptEnd::Panicked));
///     }
/// });
/// ```
pub fn named<V: Verdict, F: Fn(&Run) -> V + Send + Sync>(name: impl Into<String>, check: F) -> Named<F> {
    Named { name: name.into(), excuses: true, check }
}

/// Makes a check as [`named`] does, of a closure that is given every run. The closure asks itself whether the run is
/// over budget or cancelled, or how the fault-free run ended.
///
/// ```
/// use durasim::check::{self, Class, Judged};
/// #[derive(Default)]
/// struct Shop { shipped: std::cell::Cell<bool> }
/// let ships = check::judged("what is paid is shipped", |judged: &Judged<'_>| {
///     // A run whose faults used up the retries may end without.
///     if let Class::Survive | Class::Different = judged.class() {
///         assert!(judged.run().state::<Shop>().shipped.get());
///     }
/// });
/// ```
pub fn judged<V: Verdict, F: Fn(&Judged<'_>) -> V + Send + Sync>(
    name: impl Into<String>,
    check: F,
) -> Named<ByJudged<F>> {
    Named { name: name.into(), excuses: false, check: ByJudged(check) }
}

/// A run and the fault-free run that it is compared with. The closure of [`judged`] is given both.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    run: &'a Run,
    reference: &'a Reference,
}

impl<'a> Judged<'a> {
    /// The run.
    pub fn run(&self) -> &'a Run {
        self.run
    }

    /// Gives the part that is kept of the fault-free run.
    pub fn reference(&self) -> &'a Reference {
        self.reference
    }

    /// Gives the class of the run: [`Reference::class_of`].
    pub fn class(&self) -> Class {
        self.reference.class_of(self.run)
    }
}

/// The closure of [`judged`].
pub struct ByJudged<F>(F);

/// The check that [`named`] and [`judged`] make.
pub struct Named<F> {
    name: String,
    /// Says whether runs that are over budget or cancelled are left out.
    excuses: bool,
    check: F,
}

impl<F> Named<F> {
    /// Judges every run that comes to an end, also a run that is over budget or cancelled: for a property that must
    /// hold whatever happens, such as that no money is paid twice.
    ///
    /// ```
    /// use durasim::{Ledger, Run, check};
    /// #[derive(Default)]
    /// struct Bank { payments: Ledger<u32> }
    /// let once = check::named("nothing is paid twice", |run: &Run| {
    ///     let bank = run.state::<Bank>();
    ///     assert!((0..100).all(|order| bank.payments.count(&order) < 2));
    /// });
    /// let once = once.all_runs();
    /// ```
    pub fn all_runs(mut self) -> Named<F> {
        self.excuses = false;
        self
    }
}

/// The value that a check's closure returns: nothing, where a panic is the violation, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "a check returns nothing and asserts, or returns a `Result`",
    label = "neither `()` nor a `Result<(), E>` with `E: Into<Violation>`",
    note = "instead of a `bool`, write `assert!(..)` or `if .. {{ Ok(()) }} else {{ Err(\"what is wrong\") }}`"
)]
pub trait Verdict {
    /// Gives the value as a result.
    ///
    /// # Errors
    /// The error is the violation, if there is one.
    fn into_result(self) -> Result<(), Violation>;
}

impl Verdict for () {
    fn into_result(self) -> Result<(), Violation> {
        Ok(())
    }
}

impl<E: Into<Violation>> Verdict for Result<(), E> {
    fn into_result(self) -> Result<(), Violation> {
        self.map_err(Into::into)
    }
}

impl<V: Verdict, F: Fn(&Run) -> V + Send + Sync> Check for Named<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        if self.excuses && matches!(reference.class_of(run), Class::OverBudget(_) | Class::Cancelled) {
            return Ok(());
        }
        verdict_of(|| (self.check)(run))
    }
}

impl<V: Verdict, F: Fn(&Judged<'_>) -> V + Send + Sync> Check for Named<ByJudged<F>> {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        verdict_of(|| (self.check.0)(&Judged { run, reference }))
    }
}

/// Calls a check's closure.
pub(super) fn verdict_of<V: Verdict>(check: impl FnOnce() -> V) -> Result<(), Violation> {
    match panics::catch(check) {
        Ok(verdict) => verdict.into_result(),
        Err(Unwound::Panic(panic)) => {
            let location = panic.location.map(|location| format!(" (at {location})")).unwrap_or_default();
            Err(Violation::new("assertion", format!("{}{location}", panic.message)))
        }
        Err(Unwound::Other(_)) => Err(Violation::new("assertion", "the check was unwound without a message")),
    }
}

impl<F> fmt::Debug for Named<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ByJudged<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByJudged").finish_non_exhaustive()
    }
}
