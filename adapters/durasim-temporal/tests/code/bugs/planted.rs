//! Activities with a bug each.

use super::bucket::{complete, parts_there, upload};
use super::*;
use temporalio_macros::activities;

pub struct WithBug;

/// A guard that deletes the input whenever an attempt ends.
struct DeletesInput;

impl Drop for DeletesInput {
    fn drop(&mut self) {
        let target = durasim::handle::<Target>();
        let _ = durasim::effect("delete", || target.with(|target| target.input.set(false)));
    }
}

#[activities]
impl WithBug {
    /// The retry begins with the row that was written last, instead of the next one.
    #[activity]
    pub async fn last_step_is_done_again(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            write(row, ROW).await?;
            ctx.record_heartbeat(row).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// The heartbeat says that a row is done before it is.
    #[activity]
    pub async fn checkpoint_before_the_work(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first = ctx.heartbeat_details().deserialize::<u32>()?.map_or(0, |begun| begun + 1);
        for row in first..rows {
            ctx.record_heartbeat(row).await?;
            write(row, ROW).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// The checkpoint holds only how many rows there are, and not which were fixed.
    #[activity]
    pub async fn earlier_results_are_missing(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let mut fixed = Vec::new();
        let first = ctx.heartbeat_details().deserialize::<Rows>()?.unwrap_or_default().done;
        for row in first..rows {
            write(row, ROW).await?;
            fixed.push(row);
            ctx.record_heartbeat(Rows { done: row + 1, ..Rows::default() }).await?;
        }
        Ok(format!("fixed {fixed:?}"))
    }

    /// The loop does not run if there is nothing left to do, and nor is the result made.
    #[activity]
    pub async fn result_is_made_in_the_loop(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let mut checkpoint = ctx.heartbeat_details().deserialize::<Rows>()?.unwrap_or_default();
        let mut result = format!("nothing of {rows} rows");
        for row in checkpoint.done..rows {
            write(row, LONG_ROW).await?;
            checkpoint = checkpoint.and(row);
            ctx.record_heartbeat(checkpoint.clone()).await?;
            result = format!("{} rows, checksum {:08x}", checkpoint.done, checkpoint.checksum);
        }
        Ok(result)
    }

    /// Near its deadline it saves its progress, and then goes on.
    #[activity]
    pub async fn goes_on_near_the_deadline(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            if ctx.is_cancelled() {
                return Err(ActivityError::cancelled());
            }
            if time_left(&ctx) < 2 * ROW {
                ctx.record_heartbeat(row).await?;
            }
            tokio::time::sleep(ROW).await;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// A heartbeat whenever the number of rows divides by twenty, of batches of seven.
    #[activity]
    pub async fn heartbeats_only_when_it_divides(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let mut done: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        while done < rows {
            done = write_batch(done, rows).await?;
            if done.is_multiple_of(20) {
                ctx.record_heartbeat(done).await?;
            }
        }
        Ok(format!("{rows} rows"))
    }

    /// Every retry begins at zero.
    #[activity]
    pub async fn checkpoint_is_never_read(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        for row in 0..rows {
            write(row, ROW).await?;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// A helper heartbeats in the background, without details.
    #[activity]
    pub async fn background_heartbeat_erases_the_checkpoint(
        ctx: ActivityContext,
        rows: u32,
    ) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        let _background = AutoHeartbeat::start(ctx.clone(), None);
        for row in first..rows {
            write(row, ROW).await?;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// The next attempt does not find its input.
    #[activity]
    pub async fn input_is_deleted_whatever_happens(
        self: Arc<Self>,
        ctx: ActivityContext,
        rows: u32,
    ) -> Result<String, ActivityError> {
        open_input()?;
        let _guard = DeletesInput;
        rows_only(&ctx, rows).await
    }

    /// It returns what it has got so far, as if that were all.
    #[activity]
    pub async fn cancel_is_swallowed(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            if ctx.is_cancelled() {
                return Ok(format!("{row} rows"));
            }
            write(row, ROW).await?;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(format!("{rows} rows"))
    }

    /// A retry takes up an upload that is complete, and not open any more.
    #[activity]
    pub async fn upload_is_gone(ctx: ActivityContext, parts: u32) -> Result<String, ActivityError> {
        complete(upload(&ctx, parts).await?)?;
        Ok(format!("{:?} parts", parts_there()))
    }

    /// It looks for a cancel, and records no heartbeat by which it would hear of one.
    #[activity]
    pub async fn never_hears_of_a_cancel(ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        for _ in 0..rows {
            if ctx.is_cancelled() {
                return Err(ActivityError::cancelled());
            }
            tokio::time::sleep(2 * ROW).await;
        }
        Ok(format!("{rows} rows"))
    }
}

/// The time until the deadline, by the clock of the run: that of std would be the real one without durasim-wallclock.
pub(super) fn time_left(ctx: &ActivityContext) -> Duration {
    let deadline = ctx.info().deadline.expect("it has one");
    deadline.duration_since(durasim::time::now().to_system_time()).unwrap_or_default()
}

/// Writes the next seven rows, and says how many are done.
pub(super) async fn write_batch(done: u32, rows: u32) -> Result<u32, ActivityError> {
    let next = rows.min(done + 7);
    tokio::time::sleep(seconds(2)).await;
    for row in done..next {
        write(row, Duration::ZERO).await?;
    }
    Ok(next)
}

pub(super) async fn rows_only(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
    for row in first..rows {
        tokio::time::sleep(ROW).await;
        ctx.record_heartbeat(row + 1).await?;
    }
    Ok(format!("{rows} rows"))
}
