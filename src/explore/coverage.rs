//! [`Coverage`]: which kinds of fault struck at which kinds of site, attempt by attempt.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::points::Points;
use crate::fault::{Fault, Name, Point, Site};
use crate::world::Run;

/// From this attempt on they are counted together: memory is bounded, however often an activity is retried.
const LAST_ATTEMPT: u32 = 10;

/// So many lines of what was not struck are shown.
const LINES: usize = 10;

/// So many sites are named in such a line.
const SITES: usize = 8;

/// A table of what an exploration struck, and what it might have struck and did not. It has a cell for each kind of fault at
/// each kind of site, by activity (or workflow) and attempt.
///
/// A cell is *there* if the run without faults comes to such a site and the fault fits it, or if one of the runs with one
/// fault does (one is looked at for each cell that the run without faults has), or if it was struck anyway. Attempts from the
/// tenth on share their cells. Sites of a workflow have no attempt.
///
/// A cell that is there and not struck is no failure. It says what the exploration knows nothing about:
/// [`every_fault`](super::Exploration::every_fault) strikes all that the run without faults has,
/// [`every_pair`](super::Exploration::every_pair) goes on to the waits and attempts after a first fault, and seeds strike all
/// but deadlines.
///
/// ```
/// # use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, check};
/// # use std::time::Duration;
/// # async fn copy(_ctx: &ActivityContext, _: ()) -> Result<(), ActivityError> {
/// #     durasim::time::sleep(Duration::from_secs(1)).await;
/// #     Ok(())
/// # }
/// # let options = || ActivityOptions { start_to_close_timeout: Duration::from_secs(9), ..Default::default() };
/// # let simulation = Simulation::temporal().activity("copy", copy).workflow("copying", async move |ctx: &WorkflowContext, (): ()| {
/// #     ctx.execute_activity::<()>("copy", &(), options()).await
/// # });
/// let report = simulation.explore("copying", &()).every_fault().check(check::same_result()).report();
/// let coverage = report.coverage();
/// assert!(coverage.filled() < coverage.there());
/// // A retry, and the wait before it, are there only once a first fault has struck.
/// assert!(coverage.unfilled().all(|cell| cell.attempt == Some(2) || cell.site == "backoff"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// By activity or workflow type.
    cells: BTreeMap<Arc<str>, BTreeMap<Kind, u64>>,
}

/// A kind of fault at a kind of site, whatever the site's number and the fault's length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Kind {
    attempt: Option<u32>,
    site: Site,
    fault: Fault,
}

impl Kind {
    fn of(point: &Point, fault: Fault) -> Kind {
        Kind {
            attempt: point.attempt.map(|attempt| attempt.min(LAST_ATTEMPT)),
            site: point.site.without_number(),
            fault: fault.plain(),
        }
    }
}

/// A kind of fault at a kind of site of an attempt, or of a workflow, and how often it struck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Cell<'a> {
    /// The activity type, or the workflow type.
    pub name: &'a str,
    /// The site without its number, as plans spell it: `await`.
    pub site: &'static str,
    /// The fault without its length, as plans spell it: `stall`.
    pub fault: &'static str,
    /// Which attempt, from 1, where 10 stands for all later ones too; `None` at a workflow's own sites.
    pub attempt: Option<u32>,
    /// The number of times it struck. A run whose plan has two such faults counts twice.
    pub struck: u64,
}

impl Coverage {
    /// The cells that are there: by name, then by attempt, site and fault.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().flat_map(|(name, kinds)| {
            kinds.iter().map(|(kind, struck)| Cell {
                name,
                site: kind.site.word(),
                fault: kind.fault.keyword(),
                attempt: kind.attempt,
                struck: *struck,
            })
        })
    }

    /// The cells that were not struck.
    pub fn unfilled(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells().filter(|cell| cell.struck == 0)
    }

    /// Counts the cells that were struck.
    pub fn filled(&self) -> usize {
        self.cells().filter(|cell| cell.struck > 0).count()
    }

    /// Counts all cells.
    pub fn there(&self) -> usize {
        self.cells.values().map(BTreeMap::len).sum()
    }

    /// Counts the faults that struck in a run.
    pub(super) fn count(&mut self, run: &Run) {
        for (point, fault) in run.trace().faults().values() {
            *self.cell(&point.name, Kind::of(point, *fault)) += 1;
        }
    }

    /// Notes what could strike at the points of a run.
    pub(super) fn look(&mut self, points: &Points) {
        for tried in &points.tried {
            for fault in &tried.faults {
                self.cell(&tried.point.name, Kind::of(&tried.point, *fault));
            }
        }
    }

    /// Notes this cell. Says whether nothing was known of it.
    pub(super) fn is_new(&mut self, point: &Point, fault: Fault) -> bool {
        let struck = self.cell(&point.name, Kind::of(point, fault));
        *struck += 1;
        *struck == 1
    }

    /// Adds the counts of further runs.
    pub(super) fn add(&mut self, more: Coverage) {
        for (name, kinds) in more.cells {
            for (kind, struck) in kinds {
                *self.cell(&name, kind) += struck;
            }
        }
    }

    fn cell(&mut self, name: &Arc<str>, kind: Kind) -> &mut u64 {
        self.cells.entry(name.clone()).or_default().entry(kind).or_default()
    }

    /// A line for each activity and attempt in which something was not struck. Those in which something was struck come first.
    fn gaps(&self) -> Vec<String> {
        let (mut partly, mut wholly) = (Vec::new(), Vec::new());
        for (name, kinds) in &self.cells {
            let name = Name(name);
            let kinds: Vec<(Kind, u64)> = kinds.iter().map(|(kind, struck)| (*kind, *struck)).collect();
            for of_attempt in kinds.chunk_by(|(one, _), (other, _)| one.attempt == other.attempt) {
                let whose = match of_attempt[0].0.attempt {
                    Some(LAST_ATTEMPT) => format!("{name} at attempt {LAST_ATTEMPT} or later"),
                    Some(attempt) => format!("{name} at attempt {attempt}"),
                    None => name.to_string(),
                };
                let missed = of_attempt.iter().filter(|(_, struck)| *struck == 0).count();
                if missed == of_attempt.len() {
                    wholly.push(format!("{whose}, anywhere"));
                } else if missed > 0 {
                    partly.push(format!("{whose}: {}", sites(of_attempt)));
                }
            }
        }
        partly.append(&mut wholly);
        partly
    }
}

/// The faults that did not strike, site by site: `deadline=any, await=stop|stall`.
fn sites(of_attempt: &[(Kind, u64)]) -> String {
    let mut sites: Vec<String> = Vec::new();
    for of_site in of_attempt.chunk_by(|(one, _), (other, _)| one.site == other.site) {
        let missed: Vec<&str> =
            of_site.iter().filter(|(_, struck)| *struck == 0).map(|(kind, _)| kind.fault.keyword()).collect();
        let site = of_site[0].0.site.word();
        match missed.len() {
            0 => {}
            many if many > 1 && many == of_site.len() => sites.push(format!("{site}=any")),
            _ => sites.push(format!("{site}={}", missed.join("|"))),
        }
    }
    if sites.len() > SITES {
        let more = sites.split_off(SITES).len();
        sites.push(format!("and at {more} more sites"));
    }
    sites.join(", ")
}

/// A line that says how much was struck, and a few more with what was not.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "coverage: {} of {} cells (activity x site x fault x attempt)", self.filled(), self.there())?;
        let gaps = self.gaps();
        for gap in gaps.iter().take(LINES) {
            write!(f, "\n  not struck: {gap}")?;
        }
        if gaps.len() > LINES {
            write!(f, "\n  .. and {} more", gaps.len() - LINES)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Plan;

    fn coverage(struck: &[(&str, u64)]) -> Coverage {
        let mut coverage = Coverage::default();
        for (entry, struck) in struck {
            let entry = &entry.parse::<Plan>().unwrap().entries[0];
            *coverage.cell(&entry.point.name, Kind::of(&entry.point, entry.fault)) += struck;
        }
        coverage
    }

    #[test]
    fn numbers_and_lengths_make_no_difference_and_attempts_do() {
        let coverage =
            coverage(&[("a#1@1:await1=stall(1s)", 1), ("a#2@1:await7=stall(9s)", 2), ("a#1@2:await1=stall(1s)", 0)]);
        let cell = |attempt, struck| Cell { name: "a", site: "await", fault: "stall", attempt: Some(attempt), struck };
        assert_eq!(coverage.cells().collect::<Vec<_>>(), [cell(1, 3), cell(2, 0)]);
        assert_eq!((coverage.filled(), coverage.there()), (1, 2));
    }

    #[test]
    fn attempts_from_the_tenth_on_share_their_cells() {
        let coverage = coverage(&[("a#1@10:backoff=cancel", 0), ("a#1@4000:backoff=cancel", 0)]);
        assert_eq!(coverage.there(), 1);
        assert!(coverage.to_string().ends_with("not struck: a at attempt 10 or later, anywhere"), "{coverage}");
    }

    #[test]
    fn gaps_are_few_lines_those_that_say_most_first() {
        let coverage = coverage(&[
            ("a#1@1:await1=crash", 4),
            ("a#1@2:await1=crash", 0),
            ("b#1@1:await1=crash", 0),
            ("b#1@1:await1=fail", 0),
            ("b#1@1:await1=stop", 1),
            ("b#1@1:dispatch=cancel", 0),
            ("b#1@1:dispatch=worker_dies", 0),
            ("w#1:task1=crash", 3),
            ("w#1:timer1=cancel", 0),
        ]);
        let text = "\
coverage: 3 of 9 cells (activity x site x fault x attempt)
  not struck: b at attempt 1: dispatch=any, await=crash|fail
  not struck: w: timer=cancel
  not struck: a at attempt 2, anywhere";
        assert_eq!(coverage.to_string(), text);
    }

    #[test]
    fn a_name_stays_on_its_line() {
        let coverage = coverage(&[("\"two\\nlines\"#1@1:await1=crash", 0)]);
        assert!(coverage.to_string().ends_with("not struck: \"two\\nlines\" at attempt 1, anywhere"), "{coverage}");
    }

    #[test]
    fn what_is_long_is_cut() {
        let entries: Vec<String> = (0..14).map(|number| format!("a{number:02}#1@1:await1=crash")).collect();
        let cells: Vec<(&str, u64)> = entries.iter().map(|entry| (entry.as_str(), 0)).collect();
        let text = coverage(&cells).to_string();
        assert_eq!(text.lines().count(), 1 + LINES + 1, "{text}");
        assert!(text.ends_with("\n  .. and 4 more"), "{text}");
    }
}
