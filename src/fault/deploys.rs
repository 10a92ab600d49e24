//! [`Deploys`]: the deploys that can strike at a moment of a run.

use super::kind::Fault;

/// Workers that deploys name one by one. Where there are more, the others are like these.
const NAMED: u32 = 3;

/// The workers by the version of the code that they run, or will run when their process is the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Deploys {
    /// A bit for each of the first workers that have the old version, where there is a new one.
    old: u32,
    /// A bit for each of those that have the new version, where there is a way back.
    new: u32,
    workers: u32,
}

impl Deploys {
    /// `are_new` says of each worker whether it has the new version, and `rolls_back` whether there is a way back.
    pub(crate) fn of(are_new: impl Iterator<Item = bool>, rolls_back: bool) -> Deploys {
        let mut deploys = Deploys::default();
        for (is_new, bit) in are_new.zip(0..u32::BITS) {
            deploys.workers += 1;
            match is_new {
                false => deploys.old |= 1 << bit,
                true if rolls_back => deploys.new |= 1 << bit,
                true => {}
            }
        }
        deploys
    }

    /// The deploys that change something: of all workers, and where there are several, of one.
    pub(crate) fn faults(self) -> impl Iterator<Item = Fault> {
        let of = move |those: u32, fault: fn(Option<u32>) -> Fault| {
            let all = (those != 0).then(|| fault(None));
            let each = (1..=NAMED).filter(move |number| self.workers > 1 && those & 1 << (number - 1) != 0);
            all.into_iter().chain(each.map(move |number| fault(Some(number))))
        };
        of(self.old, Fault::Deploy).chain(of(self.new, Fault::Rollback))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(are_new: &[bool], rolls_back: bool) -> String {
        let deploys = Deploys::of(are_new.iter().copied(), rolls_back);
        deploys.faults().map(|fault| fault.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_changes_something() {
        assert_eq!(Deploys::default().faults().count(), 0);
        assert_eq!(faults(&[false], true), "deploy");
        assert_eq!(faults(&[true], false), "");
        assert_eq!(faults(&[true], true), "rollback");
        assert_eq!(faults(&[false, false], true), "deploy deploy(1) deploy(2)");
        assert_eq!(faults(&[true, false], false), "deploy deploy(2)");
        assert_eq!(faults(&[true, false], true), "deploy deploy(2) rollback rollback(1)");
        assert_eq!(faults(&[false; 9], false), "deploy deploy(1) deploy(2) deploy(3)");
        assert_eq!(faults(&[false; 40], false), "deploy deploy(1) deploy(2) deploy(3)");
    }
}
