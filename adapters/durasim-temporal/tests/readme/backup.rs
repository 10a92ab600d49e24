use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};

pub trait Bucket: Send + Sync {
    fn put(&self, file: u32) -> BoxFuture<'_, anyhow::Result<()>>;
}

pub struct Backup {
    pub bucket: Box<dyn Bucket>,
}

#[activities]
impl Backup {
    #[activity]
    pub async fn copy_files(self: Arc<Self>, ctx: ActivityContext, files: u32) -> Result<u32, ActivityError> {
        let done: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for file in done..files {
            self.bucket.put(file).await?;
            ctx.record_heartbeat(file + 1).await?;
        }
        Ok(files)
    }
}

#[workflow]
#[derive(Default)]
pub struct NightlyBackup;

#[workflow_methods]
impl NightlyBackup {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, files: u32) -> WorkflowResult<u32> {
        let options = ActivityOptions::with_schedule_to_close_timeout(Duration::from_secs(600))
            .heartbeat_timeout(Duration::from_secs(30))
            .build();
        Ok(ctx.execute_activity(Backup::copy_files, files, options).await?)
    }
}
