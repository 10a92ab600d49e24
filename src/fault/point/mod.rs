//! [`Point`]: a stable coordinate of something that can go wrong.

mod name;
mod site;

use std::fmt;
use std::sync::Arc;

pub use site::Site;

pub(crate) use name::{Id, Name};
pub(super) use name::{bare_len, quoted_len};

/// A position in a run where something can go wrong, named so that it stays the same when faults change the rest of the
/// run.
///
/// Text: `[workflow-id[/run]:]activity#k@n:site` for activities and `workflow#k[@run]:site` for workflows, where `k`
/// counts the activities of this type that their workflow has scheduled (or the workflows of this type that were
/// started), and `n` counts attempts, all from 1. [`Plan`](super::Plan#text) says how names are spelled.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Point {
    /// The workflow that scheduled the activity; `None` means the first workflow started.
    pub workflow_id: Option<Arc<str>>,
    /// The run of that workflow (of the workflow itself, for its own sites); `None` means the first.
    pub run: Option<u32>,
    /// The activity type, or the workflow type.
    pub name: Arc<str>,
    /// The number of the execution of that name, from 1.
    pub execution: u32,
    /// The number of the attempt, from 1; `None` at a workflow's own sites.
    pub attempt: Option<u32>,
    /// The site in it.
    pub site: Site,
}

/// Writes the point as plans spell it: `process_large_file#1@1:await5`. A point that no run can have (a count of 0, an
/// activity's site without an attempt) prints too, but is refused when read.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own_run = if self.site.is_workflow() { self.run } else { None };
        let prefix_run = if self.site.is_workflow() { None } else { self.run };
        if let Some(id) = &self.workflow_id {
            write!(f, "{}", Id(id))?;
        }
        if let Some(run) = prefix_run {
            write!(f, "/{run}")?;
        }
        if self.workflow_id.is_some() || prefix_run.is_some() {
            f.write_str(":")?;
        }
        write!(f, "{}#{}", Name(&self.name), self.execution)?;
        if let Some(number) = self.attempt.or(own_run) {
            write!(f, "@{number}")?;
        }
        write!(f, ":{}", self.site)
    }
}
