//! Signals: kept until somebody takes them, in order, by name.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures::{join, select_biased};

use super::*;

fn signal<T: Serialize>(name: &str, input: T) -> Job {
    Job::Signal { name: name.into(), input: Payload::from_json(&input).expect("encodes") }
}

#[test]
fn signals_wait_for_who_asks_and_come_in_order() {
    let mut driven = fresh(async |ctx: &WorkflowContext, ()| {
        ctx.sleep(Duration::from_secs(1)).await?;
        let numbers = ctx.signals::<u32>("number");
        let mut got = vec![numbers.recv().await?, numbers.recv().await?];
        while let Some(number) = numbers.try_recv()? {
            got.push(number);
        }
        got.push(numbers.recv().await?);
        Ok(got)
    });
    driven.activate([Job::Start, signal("number", 1), signal("other", "x")]);
    assert_eq!(driven.last(), ["timer 1 1s"]);
    assert_eq!(driven.activate([signal("number", 2), signal("number", 3)]), [""; 0]);
    assert_eq!(driven.activate([Job::FireTimer(1)]), [""; 0]);
    assert_eq!(driven.activate([signal("other", "y")]), [""; 0]);
    assert_eq!(driven.activate([signal("number", 4)]), ["complete [1,2,3,4]"]);
    driven.assert_replays();
}

#[test]
fn receivers_of_a_name_share_its_signals() {
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let (first, second) = (ctx.signals::<u32>("n"), ctx.signals::<u32>("n"));
        let third = second.clone();
        let (a, b, c) = join!(first.recv(), second.recv(), third.recv());
        Ok((a?, b?, c?))
    });
    driven.activate([signal("n", 1)]);
    driven.activate([signal("n", 2)]);
    assert_eq!(driven.activate([signal("n", 3)]), ["complete [1,2,3]"]);
    driven.assert_replays();
}

#[test]
fn a_receive_that_loses_takes_no_signal_with_it() {
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let approvals = ctx.signals::<String>("approve");
        let mut late = 0;
        loop {
            let mut patience = ctx.sleep(Duration::from_secs(1));
            let mut approval = approvals.recv();
            select_biased! {
                fired = patience => {
                    fired?;
                    late += 1;
                }
                name = approval => return Ok((name?, late)),
            }
        }
    });
    assert_eq!(driven.activate([Job::FireTimer(1)]), ["timer 2 1s"]);
    assert_eq!(driven.activate([signal("approve", "eve"), Job::FireTimer(2)]), ["complete [\"eve\",2]"]);
}

#[test]
fn a_signal_that_does_not_decode_is_an_error_that_names_it_and_is_gone() {
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let numbers = ctx.signals::<u32>("number");
        let error = numbers.recv().await.expect_err("it is no number");
        let next = numbers.recv().await?;
        Ok((error.to_string(), next))
    });
    let answer = driven.activate([signal("number", "seven"), signal("number", 8)]);
    assert!(
        answer[0].contains("the input of signal `number` does not decode as `u32`: invalid type: string"),
        "{answer:?}"
    );
    assert!(answer[0].ends_with(",8]"), "{answer:?}");
}

#[test]
fn cancelling_the_scope_ends_the_wait_but_takes_no_signal_away() {
    let log: Rc<RefCell<Vec<String>>> = Rc::default();
    let seen = log.clone();
    let mut driven = driven_logging(seen);
    driven.activate([signal("n", 1)]);
    assert_eq!(driven.activate([signal("n", 2), cancel()]), ["complete null"]);
    assert_eq!(*log.borrow(), ["Ok(1)", "Ok(2)", "Err(Cancelled(Cancellation(None)))"]);
}

/// Workflow functions are `Send + Sync`, so the list to which they log is reached by way of the thread.
fn driven_logging(log: Rc<RefCell<Vec<String>>>) -> Driven {
    thread_local!(static LOG: RefCell<Rc<RefCell<Vec<String>>>> = RefCell::default());
    LOG.with_borrow_mut(|slot| *slot = log);
    driven(async |ctx: &WorkflowContext, ()| {
        let numbers = ctx.signals::<u32>("n");
        loop {
            let got = numbers.recv().await;
            LOG.with_borrow(|log| log.borrow_mut().push(format!("{got:?}")));
            if got.is_err() {
                return Ok(());
            }
        }
    })
}

#[test]
fn an_unused_receiver_leaves_nothing_behind() {
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let numbers = ctx.signals::<u32>("n");
        for _ in 0..3 {
            let mut number = numbers.recv();
            let mut tick = ctx.sleep(Duration::from_secs(1));
            select_biased! {
                got = number => return got,
                fired = tick => fired?,
            }
        }
        numbers.recv().await
    });
    driven.activate([Job::FireTimer(1)]);
    driven.activate([Job::FireTimer(2)]);
    driven.activate([Job::FireTimer(3)]);
    assert_eq!(driven.activate([signal("n", 5)]), ["complete 5"]);
    driven.assert_replays();
}
