//! `tokio::time`.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError};
use durasim_tokio::SimulationExt;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::{Since, clocks_agree, explored, millis, result};

type Result = std::result::Result<u64, ActivityError>;

#[test]
fn sleeps_take_virtual_time_and_both_clocks_agree() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result {
        let (since, begin) = (Since::now(), durasim::time::now());
        for step in 0..10u64 {
            time::sleep(millis(700)).await;
            durasim::time::sleep(millis(2)).await;
            time::sleep_until(Instant::now() + millis(300)).await;
            clocks_agree(&since, begin);
            ctx.heartbeat(&step)?;
        }
        Ok(since.millis())
    };
    assert_eq!(result(code), 10_020);
    explored(async |_: &ActivityContext, (): ()| -> Result {
        for _ in 0..10 {
            time::sleep(millis(300)).await;
        }
        Ok(7)
    })
    .assert();
}

/// As in production: tokio's timers have whole milliseconds.
#[test]
fn parts_of_a_millisecond_are_rounded_up() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let since = Since::now();
        for micros in [50, 250, 700, 1_000] {
            time::sleep(Duration::from_micros(micros)).await;
        }
        Ok(since.millis())
    };
    assert_eq!(result(code), 4);
}

#[test]
fn a_sleep_of_weeks_takes_no_time() {
    let weeks = async |_: &ActivityContext, (): ()| -> Result {
        let since = Since::now();
        time::sleep(Duration::from_secs(20 * 86_400)).await;
        Ok(since.millis() / 1_000)
    };
    let run = Simulation::temporal()
        .tokio()
        .activity("weeks", weeks)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
            let month = Duration::from_secs(30 * 86_400);
            ctx.execute_activity("weeks", &(), ActivityOptions { start_to_close_timeout: month, ..Default::default() })
                .await
        })
        .run("main", &())
        .unwrap();
    assert_eq!(run.result::<u64>().unwrap(), 20 * 86_400);
}

#[test]
fn intervals_make_up_for_ticks_as_they_are_told() {
    async fn ticks(behavior: MissedTickBehavior) -> Vec<u64> {
        let since = Since::now();
        let mut interval = time::interval(millis(100));
        interval.set_missed_tick_behavior(behavior);
        let mut ticks = Vec::new();
        for tick in 0..5 {
            interval.tick().await;
            ticks.push(since.millis());
            if tick == 1 {
                time::sleep(millis(250)).await;
            }
        }
        ticks
    }
    let code = async |_: &ActivityContext, (): ()| -> Result {
        assert_eq!(ticks(MissedTickBehavior::Burst).await, [0, 100, 350, 350, 400]);
        assert_eq!(ticks(MissedTickBehavior::Delay).await, [0, 100, 350, 450, 550]);
        assert_eq!(ticks(MissedTickBehavior::Skip).await, [0, 100, 350, 400, 500]);
        Ok(1)
    };
    assert_eq!(result(code), 1);
    explored(async |_: &ActivityContext, (): ()| -> Result {
        let mut interval = time::interval(millis(500));
        for _ in 0..6 {
            interval.tick().await;
        }
        Ok(6)
    })
    .assert();
}

#[test]
fn timeouts_end_what_takes_too_long() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let since = Since::now();
        let late = time::timeout(millis(200), time::sleep(millis(300))).await;
        let early = time::timeout(millis(200), time::sleep(millis(100))).await;
        Ok(since.millis() + u64::from(late.is_err() && early.is_ok()))
    };
    assert_eq!(result(code), 301);
    explored(async |_: &ActivityContext, (): ()| -> Result {
        // An attempt that stands still for so long may see either.
        let _ = time::timeout(millis(200), time::sleep(millis(300))).await;
        Ok(1)
    })
    .assert();
}

#[test]
fn select_takes_the_branch_that_is_ready_first() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        tokio::select! {
            biased;
            () = time::sleep(millis(300)) => Ok(1),
            () = durasim::time::sleep(millis(200)) => Ok(2),
        }
    };
    assert_eq!(result(code), 2);
    explored(async |_: &ActivityContext, (): ()| -> Result {
        tokio::select! {
            biased;
            // An attempt that stands still for so long takes the first.
            () = time::sleep(millis(300)) => {}
            () = time::sleep(millis(200)) => {}
        }
        Ok(2)
    })
    .assert();
}

#[test]
fn join_waits_for_all() {
    explored(async |_: &ActivityContext, (): ()| -> Result {
        let (one, two) = tokio::join!(
            async {
                time::sleep(millis(300)).await;
                1
            },
            async {
                time::sleep(millis(200)).await;
                tokio::task::yield_now().await;
                2
            }
        );
        Ok(one + two)
    })
    .assert();
}
