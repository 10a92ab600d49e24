//! Bug 16: an upload was completed, the answer was lost, and the retry takes up an upload that is not open any more: it
//! fails for ever.

use std::cell::RefCell;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError,
};

const PART: Duration = Duration::from_secs(5);

/// A store of objects. The parts of an open upload become an object when it is completed.
#[derive(Default)]
struct Bucket {
    open: RefCell<Vec<Vec<u32>>>,
    object: RefCell<Option<Vec<u32>>>,
}

impl Bucket {
    fn begin(&self) -> Result<usize, ActivityError> {
        Ok(durasim::effect("begin", || {
            self.open.borrow_mut().push(Vec::new());
            self.open.borrow().len()
        })?)
    }

    fn upload(&self, upload: usize, part: u32) -> Result<(), ActivityError> {
        Ok(durasim::effect("part", || {
            let parts = &mut self.open.borrow_mut()[upload - 1];
            if !parts.contains(&part) {
                parts.push(part);
            }
        })?)
    }

    fn complete(&self, upload: usize) -> Result<(), ActivityError> {
        if self.open.borrow()[upload - 1].is_empty() {
            return Err(ActivityError::retryable(format!("no upload {upload} is open")));
        }
        Ok(durasim::effect("complete", || {
            let parts = std::mem::take(&mut self.open.borrow_mut()[upload - 1]);
            *self.object.borrow_mut() = Some(parts);
        })?)
    }
}

async fn export(ctx: &ActivityContext, parts: u32, looks: bool) -> Result<usize, ActivityError> {
    let bucket = durasim::state::<Bucket>();
    let (upload, done) = match ctx.heartbeat_details::<(usize, u32)>()? {
        Some(checkpoint) => checkpoint,
        None => (bucket.begin()?, 0),
    };
    for part in done..parts {
        durasim::time::sleep(PART).await;
        bucket.upload(upload, part)?;
        ctx.heartbeat(&(upload, part + 1))?;
    }
    durasim::time::sleep(PART).await;
    // The corrected code sees that it is done.
    if !(looks && bucket.object.borrow().is_some()) {
        bucket.complete(upload)?;
    }
    let object = bucket.object.borrow();
    Ok(object.as_ref().map_or(0, Vec::len))
}

async fn with_bug(ctx: &ActivityContext, parts: u32) -> Result<usize, ActivityError> {
    export(ctx, parts, false).await
}

async fn corrected(ctx: &ActivityContext, parts: u32) -> Result<usize, ActivityError> {
    export(ctx, parts, true).await
}

async fn exporting(ctx: &WorkflowContext, parts: u32) -> Result<usize, WorkflowError> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("export", &parts, options).await
}

fn explored(export: impl ActivityFn<u32, usize>) -> Exploration {
    let simulation = Simulation::temporal().activity("export", export).workflow("exporting", exporting);
    simulation.state(Bucket::default).no_heartbeat_throttle().explore("exporting", &4u32)
}

pub fn planted() -> Exploration {
    explored(with_bug).named("upload_is_gone")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
