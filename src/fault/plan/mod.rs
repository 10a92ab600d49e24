//! [`Plan`]: the faults that strike and their points; it is printed, shrunk, kept and replayed.

mod simpler;
mod words;

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

pub(crate) use words::{FaultWords, LetGoWords, Ordinal};

use super::kind::Fault;
use super::point::{Name, Point};
use crate::engine::schedule::{Fifo, Pct, Random, Schedule};

/// The version of a plan's text, with which every plan begins. A plan of another version is refused.
pub const VERSION: u32 = 1;

/// The order in which ready tasks run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Order {
    /// The task that has been ready longest runs first.
    #[default]
    Fifo,
    /// Any ready task runs first, drawn from the run's seed.
    Random,
    /// The ready task of the highest priority runs first. Each task draws its priority from the run's seed, and less than so
    /// many times a task goes behind all others: one task may stay behind for long, which `random` hardly ever brings about. At
    /// 1, and at 0, no priority changes. Text: `pct(3)`.
    ///
    /// Source: Burckhardt et al., ASPLOS 2010.
    Pct(u32),
}

impl Order {
    /// Makes this order for a run of this seed.
    pub(crate) fn schedule(self, seed: u64) -> Box<dyn Schedule> {
        match self {
            Order::Fifo => Box::new(Fifo),
            Order::Random => Box::new(Random::new(seed)),
            Order::Pct(depth) => Box::new(Pct::new(seed, depth)),
        }
    }
}

/// One fault at one point.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The point at which it strikes.
    pub point: Point,
    /// The fault.
    pub fault: Fault,
}

impl Entry {
    /// Makes an entry: `fault` at `point`.
    pub fn new(point: Point, fault: Fault) -> Entry {
        Entry { point, fault }
    }
}

/// Writes the entry as plans spell it: `process_large_file#1@1:await5=crash`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.point, self.fault)
    }
}

/// Writes the order as plans spell it: `fifo`, `random`, `pct(3)`.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Fifo => f.write_str("fifo"),
            Order::Random => f.write_str("random"),
            Order::Pct(depth) => write!(f, "pct({depth})"),
        }
    }
}

/// Everything that is not fixed by the simulation and its input: faults, seed, order.
///
/// # Text
///
/// A plan prints as one line that fits an environment variable, and is read back as the same plan:
///
/// ```
/// use durasim::fault::Plan;
/// let text = "v1 seed=0 order=fifo for=resumes_from_every_crash; process_large_file#1@1:await5=crash; \
///             process_large_file#1@2:completion=request_lost";
/// let plan: Plan = text.parse()?;
/// assert_eq!(plan.to_string(), text);
/// # Ok::<_, durasim::fault::PlanError>(())
/// ```
///
/// The part before the first `;` is the header: the version, then `seed=`, `order=` (`fifo`, `random` or `pct(3)`) and `for=`,
/// each of which may be left out: seed 0, `fifo`, and no exploration. The whole header may be left out too, so that a
/// plan typed by hand can be `process_large_file#1@1:await5=crash`; it is then read as this version's. Fields without a
/// version, other versions and an empty text are refused. (A plan without faults is `v1`.)
///
/// Then come the entries, `point=fault`, separated by `;`. A [`Point`] is `[workflow-id[/run]:]activity#k@n:site` or
/// `[workflow-id:]workflow#k[@run]:site`; `/run:` alone means that run of the first workflow. A [`Fault`] may have a
/// length: `stall(2s)`, in digits and `s`, `ms`, `us` or `ns`, printed in the largest unit that is exact. Only faults that
/// fit their site are read ([`Fault::fits`]), and only one at a point.
///
/// Names stand bare if they begin with a letter, digit or `_` and hold only these, `-`, `.`, `/` and inner `::`;
/// workflow ids with a `/` do not. All others are JSON strings in which `'` is written `\u0027`, so that a plan fits
/// between the single quotes of a shell. Spaces are free around `;` and `=`.
///
/// Its `Debug` is this text too: a plan in a failed assertion or in proptest's output can be pasted.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Plan {
    /// The seed of the order of ready tasks and of the user code's random numbers.
    pub seed: u64,
    /// The order in which ready tasks run.
    pub order: Order,
    /// The exploration to which the plan belongs.
    pub exploration: Option<Arc<str>>,
    /// The faults.
    pub entries: Vec<Entry>,
}

impl Plan {
    /// The plan of the reference run: no faults, seed 0, first in first out.
    pub fn none() -> Plan {
        Plan::default()
    }

    /// Makes a plan of these faults, seed 0, first in first out. It takes the entries as they are.
    pub fn new(entries: Vec<Entry>) -> Plan {
        Plan { entries, ..Plan::default() }
    }

    /// Sets the seed.
    pub fn with_seed(self, seed: u64) -> Plan {
        Plan { seed, ..self }
    }

    /// Sets the order of ready tasks.
    pub fn with_order(self, order: Order) -> Plan {
        Plan { order, ..self }
    }

    /// Makes the plan one of this exploration.
    pub fn with_exploration(self, name: impl Into<Arc<str>>) -> Plan {
        Plan { exploration: Some(name.into()), ..self }
    }

    /// Says whether there are no faults. Seed and order may still differ from those of the run without faults.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Writes the [text](Plan#text), header first and complete.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{VERSION} seed={} order={}", self.seed, self.order)?;
        if let Some(name) = &self.exploration {
            write!(f, " for={}", Name(name))?;
        }
        for entry in &self.entries {
            write!(f, "; {entry}")?;
        }
        Ok(())
    }
}

/// Writes the plan as its `Display` does.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error for a text that is not a plan.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("column {column}: {problem}")]
#[non_exhaustive]
pub struct PlanError {
    /// The column of the problem, in characters from 1.
    pub column: usize,
    /// The problem, and the right form.
    pub problem: String,
}
