//! Queries: answered from the workflow's state, which stays as it is.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::*;

fn query<T: Serialize>(id: u32, name: &str, input: T) -> Job {
    Job::Query { id, name: name.into(), input: Payload::from_json(&input).expect("encodes") }
}

/// Counts its timers, and answers with the count.
fn counting() -> Driven {
    driven(async |ctx: &WorkflowContext, ()| {
        let count = Rc::new(Cell::new(0_u32));
        let shown = count.clone();
        ctx.on_query("times", move |factor: u32| match factor {
            0 => Err(WorkflowError::application("zero is no factor")),
            factor => Ok(shown.get() * factor),
        });
        let asks = ctx.clone();
        ctx.on_query("asks", move |()| {
            drop(asks.sleep(Duration::from_secs(1)));
            Ok(())
        });
        let draws = ctx.clone();
        ctx.on_query("draws", move |()| Ok(draws.random()));
        ctx.on_query("panics", |()| -> Result<(), WorkflowError> { panic!("no answer") });
        while count.get() < 2 {
            ctx.sleep(Duration::from_secs(1)).await?;
            count.set(count.get() + 1);
        }
        Ok(ctx.random())
    })
}

#[test]
fn a_handler_reads_the_state_as_it_is_now() {
    let mut driven = counting();
    assert_eq!(driven.activate([query(1, "times", 10)]), ["answer 1 0"]);
    driven.activate([Job::FireTimer(1)]);
    assert_eq!(driven.activate([query(2, "times", 10)]), ["answer 2 10"]);
    // Beside other news it comes last, wherever it stands.
    let answer = driven.activate([query(3, "times", 10), Job::FireTimer(2)]);
    assert_eq!(answer.first().map(String::as_str), Some("answer 3 20"));
    assert!(answer[1].starts_with("complete "), "{answer:?}");
    assert_eq!(driven.activate([query(4, "times", 10)]), ["answer 4 20"]);
}

#[test]
fn what_goes_wrong_in_a_query_is_its_own_affair() {
    let mut driven = counting();
    let mut ask = |name: &str, input: u32| match name {
        "times" => driven.activate([query(1, name, input)]),
        _ => driven.activate([query(1, name, ())]),
    };
    let failed = |answer: Vec<String>, with: &str| {
        assert!(answer.len() == 1 && answer[0].starts_with("no answer 1 ") && answer[0].contains(with), "{answer:?}");
    };
    failed(ask("times", 0), "zero is no factor");
    failed(
        ask("nothing", 0),
        "answers no query `nothing`; the queries it answers now: `asks`, `draws`, `panics`, `times`",
    );
    failed(ask("asks", 0), "a query handler of workflow `test` used the context");
    failed(ask("draws", 0), "a query handler of workflow `test` used the context");
    failed(ask("panics", 0), "no answer");
    failed(driven.activate([query(1, "times", "ten")]), "the input of query `times` does not decode as `u32`");

    // The workflow goes on as one that nobody has asked.
    driven.activate([Job::FireTimer(1)]);
    let end = driven.activate([Job::FireTimer(2)]);
    let mut other = counting();
    other.activate([Job::FireTimer(1)]);
    assert_eq!(end, other.activate([Job::FireTimer(2)]));
}

#[test]
fn a_query_that_wakes_the_code_is_refused() {
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let (sender, receiver) = futures::channel::oneshot::channel::<()>();
        let sender = std::cell::RefCell::new(Some(sender));
        ctx.on_query("send", move |()| {
            drop(sender.borrow_mut().take());
            Ok(())
        });
        let _ = receiver.await;
        Ok(())
    });
    let answer = driven.activate([query(1, "send", ())]);
    assert!(answer[0].contains("the handler of query `send` woke the workflow's code"), "{answer:?}");
}

#[test]
fn a_dropped_instance_leaves_no_handler() {
    struct Noted(Rc<Cell<u32>>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    thread_local!(static DROPS: Rc<Cell<u32>> = Rc::default());
    let driven = driven(async |ctx: &WorkflowContext, ()| {
        let (noted, own) = (Noted(DROPS.with(Rc::clone)), ctx.clone());
        ctx.on_query("q", move |()| {
            let _ = (&noted, &own);
            Ok(())
        });
        ctx.sleep(Duration::from_secs(1)).await
    });
    assert_eq!(DROPS.with(|drops| drops.get()), 0);
    drop(driven);
    assert_eq!(DROPS.with(|drops| drops.get()), 1);
}
