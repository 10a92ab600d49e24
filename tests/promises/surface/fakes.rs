//! Fakes behind traits whose futures must be `Send` reach the state of the run.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use durasim::time::Elapsed;
use durasim::{ActivityContext, ActivityError, EffectError, Handle, check};

use super::asking;

/// The interface of an object store, as code under test has it. `async_trait` writes its methods in this form.
trait Store: Send + Sync {
    fn put(&self, part: u32) -> Pin<Box<dyn Future<Output = Result<(), EffectError>> + Send + '_>>;
}

/// A bucket that is not `Send` in use, and not `Sync`.
#[derive(Default)]
struct Bucket {
    parts: RefCell<Vec<u32>>,
}

struct FakeStore {
    bucket: Handle<Bucket>,
}

impl Store for FakeStore {
    fn put(&self, part: u32) -> Pin<Box<dyn Future<Output = Result<(), EffectError>> + Send + '_>> {
        Box::pin(async move {
            durasim::time::sleep(Duration::from_secs(1)).await;
            durasim::effect("put", || self.bucket.with(|bucket| bucket.parts.borrow_mut().push(part)))?;
            assert_eq!(self.bucket.get().parts.borrow().last(), Some(&part));
            let beside = durasim::time::timeout(Duration::from_secs(1), durasim::time::sleep(Duration::from_secs(2)));
            assert_eq!(beside.await, Err(Elapsed));
            Ok(())
        })
    }
}

#[test]
fn a_fake_behind_a_trait_of_send_futures_reaches_the_state() {
    let store: Arc<dyn Store> = Arc::new(FakeStore { bucket: durasim::handle() });
    let upload = async move |_: &ActivityContext, parts: u32| -> Result<u32, ActivityError> {
        for part in 0..parts {
            store.put(part).await?;
        }
        Ok(parts)
    };
    let simulation = asking(upload).state(Bucket::default);
    let run = simulation.run("twice", &3u32).unwrap();
    assert_eq!(*run.state::<Bucket>().parts.borrow(), [0, 1, 2]);
    // Each run has its own state, whichever thread it is on.
    simulation.explore("twice", &3u32).every_fault().check(check::same_result()).threads(2).assert();
}

#[test]
fn a_handle_is_of_the_run_that_uses_it() {
    let handle = durasim::handle::<Bucket>();
    let asks = async move |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> {
        Ok(handle.with(|bucket| bucket.parts.borrow().len()) as u32)
    };
    let simulation = asking(asks);
    let error = simulation.run("twice", &0u32).unwrap_err().to_string();
    assert!(error.contains("no state of type `promises::surface::fakes::Bucket` is registered"), "{error}");
    let simulation = simulation.state(Bucket::default);
    assert_eq!(simulation.run("twice", &0u32).unwrap().result(), Ok(0));
    let outside = catch_unwind(|| drop(handle.get())).unwrap_err();
    let outside = outside.downcast_ref::<String>().unwrap();
    assert!(outside.contains("was called outside a simulation"), "{outside}");
}

/// A trait's future may be `Send` and wait for a task beside it.
#[test]
fn a_spawned_task_can_be_awaited_where_futures_are_send() {
    fn beside() -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async { durasim::task::spawn(async { 42 }).await })
    }
    let spawns = async |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> { Ok(beside().await) };
    let run = asking(spawns).run("twice", &0u32).unwrap();
    assert_eq!(run.result(), Ok(84));
}
