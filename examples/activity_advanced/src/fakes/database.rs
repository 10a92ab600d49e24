//! [`Database`]: the fake of a database with two tables, a staging table between them, and a lock with a lease.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use durasim::{EffectError, Ledger, Time, time};

/// The time that it takes to read a batch.
pub const READ_TIME: Duration = Duration::from_secs(1);
/// The time that it takes to copy a record into the staging table.
pub const COPY_TIME: Duration = Duration::from_secs(1);
/// The time that it takes to move the staged records to the target table.
pub const PUBLISH_TIME: Duration = Duration::from_millis(500);
/// The time after which a lock that its owner does not use is anybody's: an owner that never comes back must not block
/// the table for ever.
pub const LEASE: Duration = Duration::from_secs(30);

/// A call that the database did not do.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The simulation lets the call fail. As with any database, it may have been done all the same.
    #[error(transparent)]
    Failed(EffectError),
    /// Somebody else has the lock now: a later attempt of the same owner, or another owner once the lease was over.
    #[error("the lock was lost to another attempt")]
    LockLost,
}

/// A database. It is part of the run's state: fresh for each run, untouched by crashes of workers.
#[derive(Debug, Default)]
pub struct Database {
    /// The records that reached the target table, from 0: one that came there twice, or never, shows here.
    pub published: Ledger<u32>,
    staging: RefCell<BTreeSet<u32>>,
    /// The number of times that the lock was taken. A holder of an older number has lost it.
    fence: Cell<u64>,
    /// The owner of the lock, and the end of its lease unless the lock is used. `None` means that the lock is free.
    held: RefCell<Option<(String, Time)>>,
}

/// The lock, held. When it is dropped, it is given back and the staged records are discarded. Only a process that is
/// killed drops nothing.
#[derive(Debug)]
pub struct Lock {
    database: Rc<Database>,
    fence: u64,
}

impl Database {
    /// Takes the lock if it is free, if its lease is over, or if it is the owner's own: a retry need not wait for the
    /// lease of the attempt before it. If that attempt still runs, it has lost the lock and can do no more harm.
    ///
    /// # Errors
    /// The error is the time at which the other owner's lease ends, if it does not use the lock until then.
    pub fn try_lock(self: &Rc<Database>, owner: &str) -> Result<Lock, Time> {
        let now = time::now();
        match &*self.held.borrow() {
            Some((holder, until)) if holder != owner && *until > now => return Err(*until),
            _ => {}
        }
        self.fence.set(self.fence.get() + 1);
        self.held.replace(Some((owner.to_owned(), now + LEASE)));
        Ok(Lock { database: Rc::clone(self), fence: self.fence.get() })
    }

    /// The leftovers that a migration has to clean up, in words; `None` if there are none.
    pub fn left_behind(&self) -> Option<String> {
        let staged = self.staging.borrow().len();
        match (staged, &*self.held.borrow()) {
            (0, None) => None,
            (0, Some(_)) => Some("the lock is held".to_owned()),
            (staged, None) => Some(format!("{staged} records are staged")),
            (staged, Some(_)) => Some(format!("{staged} records are staged and the lock is held")),
        }
    }
}

/// The content of a record, made of its number.
pub fn content(record: u32) -> u32 {
    record.wrapping_mul(0x9e37_79b9).rotate_left(7)
}

impl Lock {
    /// Reads the numbers of the next records.
    pub async fn read_batch(&self, first: u32, size: u32, records: u32) -> std::ops::Range<u32> {
        time::sleep(READ_TIME).await;
        first..records.min(first + size)
    }

    /// Copies a record into the staging table.
    ///
    /// # Errors
    /// The error is [`DatabaseError`].
    pub async fn stage(&self, record: u32) -> Result<(), DatabaseError> {
        time::sleep(COPY_TIME).await;
        self.renew()?;
        durasim::effect("stage record", || self.database.staging.borrow_mut().insert(record))
            .map_err(DatabaseError::Failed)?;
        Ok(())
    }

    /// Moves the staged records to the target table, all or none, and says which they were.
    ///
    /// # Errors
    /// The error is [`DatabaseError`].
    pub async fn publish(&self) -> Result<BTreeSet<u32>, DatabaseError> {
        if self.database.staging.borrow().is_empty() {
            return Ok(BTreeSet::new());
        }
        time::sleep(PUBLISH_TIME).await;
        self.renew()?;
        durasim::effect("publish", || {
            let records = self.database.staging.take();
            records.iter().for_each(|record| self.database.published.record(*record));
            records
        })
        .map_err(DatabaseError::Failed)
    }

    /// Empties the staging table. It does nothing if the lock was lost: the records are another's then.
    pub fn discard_staged(&self) {
        if self.is_held() {
            self.database.staging.borrow_mut().clear();
        }
    }

    fn is_held(&self) -> bool {
        self.database.fence.get() == self.fence
    }

    /// Keeps the lock, since an owner that uses it keeps it. This holds also after the end of the lease, if nobody
    /// came.
    fn renew(&self) -> Result<(), DatabaseError> {
        if !self.is_held() {
            return Err(DatabaseError::LockLost);
        }
        if let Some((_, until)) = &mut *self.database.held.borrow_mut() {
            *until = time::now() + LEASE;
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held() {
            // The simulation unwinds the code of a killed process, too. An effect of such code is none.
            let _ = durasim::effect("give back the lock", || {
                self.database.staging.borrow_mut().clear();
                self.database.held.replace(None);
            });
        }
    }
}
