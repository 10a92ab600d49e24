//! `tokio::sync`.

use std::sync::Arc;

use durasim::{ActivityContext, ActivityError};
use tokio::sync::{Mutex, Notify, OnceCell, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::time;

use super::{explored, millis};

type Result = std::result::Result<u64, ActivityError>;

fn failed(error: impl std::fmt::Display) -> ActivityError {
    ActivityError::retryable(error.to_string())
}

#[test]
fn channels() {
    explored(async |_: &ActivityContext, (): ()| -> Result {
        let (sender, mut receiver) = mpsc::channel::<u64>(1);
        let (once, last) = oneshot::channel();
        let (level, mut levels) = watch::channel(0u64);
        let (every, mut first) = broadcast::channel(4);
        let mut second = every.subscribe();
        tokio::spawn(async move {
            for number in 1..=3 {
                time::sleep(millis(100)).await;
                let _ = sender.send(number).await;
                let _ = level.send(number);
                let _ = every.send(number);
            }
            let _ = once.send(10);
        });
        let mut sum = 0;
        while let Some(number) = receiver.recv().await {
            sum += number;
        }
        sum += last.await.map_err(failed)?;
        levels.changed().await.map_err(failed)?;
        sum += *levels.borrow_and_update();
        sum += first.recv().await.map_err(failed)? + second.recv().await.map_err(failed)?;
        Ok(sum)
    })
    .assert();
}

#[test]
fn locks() {
    explored(async |_: &ActivityContext, (): ()| -> Result {
        let (mutex, lock, semaphore) =
            (Arc::new(Mutex::new(0u64)), Arc::new(RwLock::new(0u64)), Arc::new(Semaphore::new(2)));
        let (notify, cell) = (Arc::new(Notify::new()), Arc::new(OnceCell::new()));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (mutex, lock, semaphore) = (mutex.clone(), lock.clone(), semaphore.clone());
                let (notify, cell) = (notify.clone(), cell.clone());
                tokio::spawn(async move {
                    let _permit = semaphore.acquire().await;
                    *mutex.lock().await += 1;
                    time::sleep(millis(100)).await;
                    *lock.write().await += 1;
                    cell.get_or_init(|| async {
                        time::sleep(millis(10)).await;
                        5u64
                    })
                    .await;
                    notify.notify_one();
                })
            })
            .collect();
        notify.notified().await;
        for task in tasks {
            task.await.map_err(failed)?;
        }
        let sum = *mutex.lock().await + *lock.read().await;
        Ok(sum + cell.get().copied().unwrap_or(0))
    })
    .assert();
}
