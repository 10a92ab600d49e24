//! The same activities without their bugs.

use super::bucket::{complete, parts_there, upload};
use super::planted::{rows_only, time_left, write_batch};
use super::*;
use temporalio_macros::activities;

pub struct Corrected;

#[activities]
impl Corrected {
    #[activity]
    pub async fn last_step_is_done_again(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first = ctx.heartbeat_details().deserialize::<u32>()?.map_or(0, |last| last + 1);
        for row in first..rows {
            write(row, ROW).await?;
            ctx.record_heartbeat(row).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// The row that was begun may be done or not: it is written again.
    #[activity]
    pub async fn checkpoint_before_the_work(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            ctx.record_heartbeat(row).await?;
            write(row, ROW).await?;
        }
        Ok(format!("{rows} rows"))
    }

    #[activity]
    pub async fn earlier_results_are_missing(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let mut checkpoint = ctx.heartbeat_details().deserialize::<Rows>()?.unwrap_or_default();
        for row in checkpoint.done..rows {
            write(row, ROW).await?;
            checkpoint.done = row + 1;
            checkpoint.fixed.push(row);
            ctx.record_heartbeat(checkpoint.clone()).await?;
        }
        Ok(format!("fixed {:?}", checkpoint.fixed))
    }

    #[activity]
    pub async fn result_is_made_in_the_loop(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let mut checkpoint = ctx.heartbeat_details().deserialize::<Rows>()?.unwrap_or_default();
        for row in checkpoint.done..rows {
            write(row, LONG_ROW).await?;
            checkpoint = checkpoint.and(row);
            ctx.record_heartbeat(checkpoint.clone()).await?;
        }
        Ok(format!("{} rows, checksum {:08x}", checkpoint.done, checkpoint.checksum))
    }

    #[activity]
    pub async fn goes_on_near_the_deadline(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            if ctx.is_cancelled() {
                return Err(ActivityError::cancelled());
            }
            if time_left(&ctx) < 2 * ROW {
                ctx.record_heartbeat(row).await?;
                return Err(anyhow::anyhow!("no time for another row").into());
            }
            tokio::time::sleep(ROW).await;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// A heartbeat whenever another twenty are full.
    #[activity]
    pub async fn heartbeats_only_when_it_divides(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let mut done: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        while done < rows {
            let before = done;
            done = write_batch(done, rows).await?;
            if done / 20 > before / 20 {
                ctx.record_heartbeat(done).await?;
            }
        }
        Ok(format!("{rows} rows"))
    }

    #[activity]
    pub async fn checkpoint_is_never_read(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let done: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in done..rows {
            write(row, ROW).await?;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    #[activity]
    pub async fn background_heartbeat_erases_the_checkpoint(
        ctx: ActivityContext,
        rows: u32,
    ) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        let done = Arc::new(AtomicU32::new(first));
        let _background = AutoHeartbeat::start(ctx.clone(), Some(done.clone()));
        for row in first..rows {
            write(row, ROW).await?;
            done.store(row + 1, Ordering::Relaxed);
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// The input is left to the workflow, which knows when nobody needs it any more.
    #[activity]
    pub async fn input_is_deleted_whatever_happens(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        open_input()?;
        rows_only(&ctx, rows).await
    }

    #[activity]
    pub async fn cancel_is_swallowed(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            if ctx.is_cancelled() {
                return Err(ActivityError::cancelled());
            }
            write(row, ROW).await?;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// It looks whether the object is there already.
    #[activity]
    pub async fn upload_is_gone(ctx: ActivityContext, parts: u32) -> Result<String, ActivityError> {
        let upload = upload(&ctx, parts).await?;
        if parts_there().is_none() {
            complete(upload)?;
        }
        Ok(format!("{:?} parts", parts_there()))
    }

    #[activity]
    pub async fn never_hears_of_a_cancel(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            if ctx.is_cancelled() {
                return Err(ActivityError::cancelled());
            }
            tokio::time::sleep(2 * ROW).await;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }
}
