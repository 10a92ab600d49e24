//! Bug 16 as code for the client: an upload was completed, the answer was lost, and the retry takes up an upload that is not
//! open any more. It fails for ever.

use std::cell::RefCell;
use std::time::Duration;

use crabdance_activity::ActivityContext;
use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::{Exploration, Simulation};
use durasim_cadence::CadenceExt;

use super::found::{called, is_found, is_silent, save, saved};

const PART: Duration = Duration::from_secs(5);

/// A store of objects. The parts of an open upload become an object when it is completed.
#[derive(Default)]
struct Bucket {
    open: RefCell<Vec<Vec<u32>>>,
    object: RefCell<Option<Vec<u32>>>,
}

impl Bucket {
    fn begin(&self) -> Result<usize, ActivityError> {
        request("begin", || {
            self.open.borrow_mut().push(Vec::new());
            self.open.borrow().len()
        })
    }

    fn upload(&self, upload: usize, part: u32) -> Result<(), ActivityError> {
        request("part", || {
            let parts = &mut self.open.borrow_mut()[upload - 1];
            if !parts.contains(&part) {
                parts.push(part);
            }
        })
    }

    fn complete(&self, upload: usize) -> Result<(), ActivityError> {
        if self.open.borrow()[upload - 1].is_empty() {
            return Err(ActivityError::retryable(format!("no upload {upload} is open")));
        }
        request("complete", || {
            let parts = std::mem::take(&mut self.open.borrow_mut()[upload - 1]);
            *self.object.borrow_mut() = Some(parts);
        })
    }

    fn is_complete(&self) -> bool {
        self.object.borrow().is_some()
    }
}

fn request<R>(name: &str, apply: impl FnOnce() -> R) -> Result<R, ActivityError> {
    durasim::effect(name, apply).map_err(ActivityError::execution_failed_error)
}

/// Uploads the parts, and completes the upload, unless it `looks` and sees that this is done.
async fn export(ctx: &ActivityContext, parts: u32, looks: bool) -> Result<usize, ActivityError> {
    let bucket = durasim::state::<Bucket>();
    let (upload, done): (usize, u32) = match saved::<Option<_>>(ctx)? {
        Some(checkpoint) => checkpoint,
        None => (bucket.begin()?, 0),
    };
    for part in done..parts {
        tokio::time::sleep(PART).await;
        bucket.upload(upload, part)?;
        save(ctx, &(upload, part + 1))?;
    }
    tokio::time::sleep(PART).await;
    if !(looks && bucket.is_complete()) {
        bucket.complete(upload)?;
    }
    let object = bucket.object.borrow();
    Ok(object.as_ref().map_or(0, Vec::len))
}

async fn exporting(ctx: &mut WorkflowContext, parts: u32) -> Result<usize, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    called(ctx, "export", &parts, options).await
}

fn exports(looks: bool) -> Exploration {
    Simulation::cadence()
        .cadence_activity("export", async move |ctx: &ActivityContext, parts| export(ctx, parts, looks).await)
        .cadence_workflow("exporting", exporting)
        .state(Bucket::default)
        .no_heartbeat_throttle()
        .explore("exporting", &4)
}

#[test]
fn an_upload_whose_completion_was_not_heard_of_is_gone() {
    is_found(exports(false), "completes", "a retry fails", "export#1@1:effect6=fail_applied");

    is_silent(exports(true));
}
