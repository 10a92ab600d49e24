//! [`Point`]: a stable coordinate of something that can go wrong.

use std::sync::Arc;

use super::site::Site;

/// A place in a run, named so that it stays the same when faults change the rest of the run.
///
/// Text: `[workflow-id[/run]:]activity#k@n:site` for activities and `workflow#k[@run]:site` for workflows, where `k`
/// counts the activities of this type that their workflow has scheduled (or the workflows of this type that were
/// started), and `n` counts attempts, all from 1. Names that hold other characters than letters, digits, `_`, `-`, `.`
/// and `/` are quoted as JSON strings.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Point {
    /// The workflow that scheduled the activity; `None` means the first workflow started.
    pub workflow_id: Option<Arc<str>>,
    /// The run of that workflow (of the workflow itself, for its own sites); `None` means the first.
    pub run: Option<u32>,
    /// The activity type, or the workflow type.
    pub name: Arc<str>,
    /// Which execution of that name, from 1.
    pub execution: u32,
    /// Which attempt, from 1; `None` at a workflow's own sites.
    pub attempt: Option<u32>,
    /// Where in it.
    pub site: Site,
}
