//! A store of objects, to which an activity uploads one in parts.

use std::cell::RefCell;

use super::*;

/// A store of objects. The parts of an open upload become an object when it is completed.
#[derive(Default)]
pub(super) struct Bucket {
    open: RefCell<Vec<Vec<u32>>>,
    object: RefCell<Option<Vec<u32>>>,
}

impl Bucket {
    /// Opens an upload, and gives its number.
    fn begin(&self) -> usize {
        self.open.borrow_mut().push(Vec::new());
        self.open.borrow().len()
    }

    /// Adds a part, which may come twice.
    fn add(&self, upload: usize, part: u32) {
        let parts = &mut self.open.borrow_mut()[upload - 1];
        if !parts.contains(&part) {
            parts.push(part);
        }
    }

    fn is_open(&self, upload: usize) -> bool {
        !self.open.borrow()[upload - 1].is_empty()
    }

    fn complete(&self, upload: usize) {
        *self.object.borrow_mut() = Some(std::mem::take(&mut self.open.borrow_mut()[upload - 1]));
    }

    /// The number of parts of the object, if it is there.
    fn parts(&self) -> Option<usize> {
        self.object.borrow().as_ref().map(Vec::len)
    }
}

/// The checkpoint of an upload.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Upload {
    number: usize,
    done: u32,
}

/// Uploads all parts, from where the attempt before has come, and leaves the upload open.
pub(super) async fn upload(ctx: &ActivityContext, parts: u32) -> Result<Upload, ActivityError> {
    let bucket = durasim::handle::<Bucket>();
    let mut upload = match ctx.heartbeat_details().deserialize::<Upload>()? {
        Some(checkpoint) => checkpoint,
        None => Upload { number: durasim::effect("begin", || bucket.with(Bucket::begin))?, done: 0 },
    };
    for part in upload.done..parts {
        tokio::time::sleep(ROW).await;
        durasim::effect("part", || bucket.with(|bucket| bucket.add(upload.number, part)))?;
        upload.done = part + 1;
        ctx.record_heartbeat(upload).await?;
    }
    tokio::time::sleep(ROW).await;
    Ok(upload)
}

/// Makes an object of an upload that is open.
pub(super) fn complete(upload: Upload) -> Result<(), ActivityError> {
    let bucket = durasim::handle::<Bucket>();
    if !bucket.with(|bucket| bucket.is_open(upload.number)) {
        return Err(anyhow::anyhow!("no upload {} is open", upload.number).into());
    }
    Ok(durasim::effect("complete", || bucket.with(|bucket| bucket.complete(upload.number)))?)
}

/// The number of parts that the object has, if it is there.
pub(super) fn parts_there() -> Option<usize> {
    durasim::handle::<Bucket>().with(Bucket::parts)
}
