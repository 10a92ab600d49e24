use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};

use crate::backup::NightlyBackup;

pub async fn back_up(client: &Client, night: u32) -> anyhow::Result<u32> {
    let options = WorkflowStartOptions::new("backups", format!("backup-{night}")).build();
    let handle = client.start_workflow(NightlyBackup::run, 10, options).await?;
    Ok(handle.get_result(WorkflowGetResultOptions::default()).await?)
}
