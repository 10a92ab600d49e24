//! The README's activity and workflow, with the bug that the README describes and without it.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, EffectError, Ledger, RetryPolicy, WorkflowContext, WorkflowError,
};

#[derive(Default)]
pub struct Bucket {
    pub files: Ledger<u32>,
}

impl Bucket {
    fn put(&self, file: u32) -> Result<(), EffectError> {
        durasim::effect("put", || self.files.record(file))
    }
}

/// The README's activity, with the bug that the README describes.
pub async fn copy_files(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    let bucket = durasim::state::<Bucket>();
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        ctx.heartbeat(&(file + 1))?;
        durasim::time::sleep(Duration::from_secs(5)).await;
        bucket.put(file)?;
    }
    Ok(files)
}

/// The README's activity.
pub async fn copy_files_rightly(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    let bucket = durasim::state::<Bucket>();
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        durasim::time::sleep(Duration::from_secs(5)).await;
        bucket.put(file)?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

pub async fn backup(ctx: &WorkflowContext, files: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy_files", &files, options).await
}
