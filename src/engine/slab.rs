//! [`Slab`]: things in slots that are used again, each found by an id that is not.

/// Which thing. Once it has been removed, its id finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SlabId {
    slot: u32,
    /// Counts all things that were ever added.
    serial: u32,
}

/// Things that come and go.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    /// Each thing stands with its serial.
    slots: Vec<Option<(u32, T)>>,
    vacant: Vec<u32>,
    next_serial: u32,
}

impl SlabId {
    fn index(self) -> usize {
        self.slot as usize
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { slots: Vec::new(), vacant: Vec::new(), next_serial: 0 }
    }
}

impl<T> Slab<T> {
    /// Adds the thing that `make` makes, which may want to know its own id.
    pub(crate) fn add(&mut self, make: impl FnOnce(SlabId) -> T) -> SlabId {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        let id = SlabId { slot, serial: self.next_serial };
        self.next_serial = self.next_serial.wrapping_add(1);
        self.slots[id.index()] = Some((id.serial, make(id)));
        id
    }

    /// The thing of this id, if it is still there.
    pub(crate) fn get(&self, id: SlabId) -> Option<&T> {
        match self.slots.get(id.index()) {
            Some(Some((serial, thing))) if *serial == id.serial => Some(thing),
            _ => None,
        }
    }

    /// The thing of this id, to be changed, if it is still there.
    pub(crate) fn get_mut(&mut self, id: SlabId) -> Option<&mut T> {
        match self.slots.get_mut(id.index()) {
            Some(Some((serial, thing))) if *serial == id.serial => Some(thing),
            _ => None,
        }
    }

    /// Takes the thing of this id out, if it is still there.
    pub(crate) fn remove(&mut self, id: SlabId) -> Option<T> {
        let slot = self.slots.get_mut(id.index())?;
        let (_, thing) = slot.take_if(|(serial, _)| *serial == id.serial)?;
        self.vacant.push(id.slot);
        Some(thing)
    }

    /// All things that are there, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten().map(|(_, thing)| thing)
    }

    /// Takes everything out, in the order of the slots. The next things get the slots of a new slab, and ids of their own
    /// all the same.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.vacant.clear();
        self.slots.drain(..).flatten().map(|(_, thing)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_finds_its_thing_and_nothing_after_it() {
        let mut slab = Slab::default();
        let first = slab.add(|_| "first");
        let second = slab.add(|_| "second");
        assert_eq!(slab.remove(first), Some("first"));
        assert_eq!(slab.remove(first), None);
        let third = slab.add(|_| "third");
        assert_eq!((first.slot, slab.get(first), slab.get(third)), (third.slot, None, Some(&"third")));
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.get_mut(third), Some(&mut "third"));
        assert_eq!(slab.iter().collect::<Vec<_>>(), [&"third", &"second"]);
        assert_eq!(slab.drain().collect::<Vec<_>>(), ["third", "second"]);
        let fourth = slab.add(|_| "fourth");
        assert_eq!((fourth.slot, slab.get(third), slab.get(second)), (third.slot, None, None));
    }
}
