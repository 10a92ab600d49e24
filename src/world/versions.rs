//! The two versions of a simulation's code: the old one, and the one that deploys put in its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::setup::Setup;
use crate::fault::Fault;
use crate::fault::deploys::Deploys;
use crate::worker::process::Version;

impl Setup {
    /// The beginning of a new version: all that this one has, which may take activities and workflows anew.
    pub(crate) fn begin_new_version(&self) -> Setup {
        let mut new = self.clone();
        new.replaced = Some(BTreeSet::new());
        new
    }

    /// Sets the new version. A change of anything but activities and workflows is a mistake.
    pub(crate) fn set_new_version(&mut self, new: Setup) {
        let what = match () {
            () if new.settings != self.settings => Some("the numbers of `Settings`"),
            () if new.workers != self.workers || new.task_queue != self.task_queue => Some("the workers"),
            () if new.states.len() != self.states.len() => Some("the state (`.state(..)`)"),
            () if new.worker_states.len() != self.worker_states.len() => Some("the state of workers"),
            () if new.worker_watches.len() != self.worker_watches.len() => Some("`.on_worker_gone(..)`"),
            () if new.host.as_ref().map(Arc::as_ptr) != self.host.as_ref().map(Arc::as_ptr) => {
                Some("the runtime that keeps time (`.tokio()`, `.host(..)`)")
            }
            () if new.dialect != self.dialect => Some("the dialect"),
            () => None,
        };
        if let Some(what) = what {
            self.mistakes.push(format!(
                "what `.deploy(..)` was given changes {what}: a deploy changes activities and workflows only; say it to the \
                 simulation itself"
            ));
        }
        // The new version begins with those of the old one, which are told already.
        let made = new.mistakes.iter().filter(|mistake| !self.mistakes.contains(mistake));
        let made: Vec<String> = made.map(|mistake| format!("in `.deploy(..)`: {mistake}")).collect();
        self.mistakes.extend(made);
        self.new_version = Some(Arc::new(new));
    }

    /// Sets that deploys may be rolled back.
    pub(crate) fn set_rolls_back(&mut self) {
        self.rolls_back = true;
    }

    /// The simulation with the new version of its code, if there is one.
    pub(crate) fn new_version(&self) -> Option<&Arc<Setup>> {
        self.new_version.as_ref()
    }

    /// Says whether there is a way back from the new version.
    pub(crate) fn rolls_back(&self) -> bool {
        self.rolls_back
    }

    /// This version of the code.
    pub(super) fn version(self: &Arc<Setup>, version: Version) -> &Arc<Setup> {
        match (version, &self.new_version) {
            (Version::New, Some(new)) => new,
            _ => self,
        }
    }

    /// Says whether any version has this activity.
    pub(super) fn knows_activity(&self, name: &str) -> bool {
        self.activity(name).is_some() || self.new_version.as_ref().is_some_and(|new| new.activity(name).is_some())
    }

    /// Says whether any version has this workflow.
    pub(super) fn knows_workflow(&self, name: &str) -> bool {
        self.workflow(name).is_some() || self.new_version.as_ref().is_some_and(|new| new.workflow(name).is_some())
    }

    /// The deploys that can strike a run which has just begun.
    pub(super) fn deploys(&self) -> Deploys {
        if self.new_version.is_none() {
            return Deploys::default();
        }
        Deploys::of(self.workers().map(|_| false), self.rolls_back)
    }

    /// The reason why this fault cannot strike in this simulation, if there is one.
    pub(super) fn bars(&self, fault: Fault) -> Option<String> {
        let worker = fault.deploys()?;
        let workers = self.workers().count();
        match (fault, worker) {
            _ if self.new_version.is_none() => {
                Some("the simulation has no new version: add `.deploy(|simulation| ..)`".to_owned())
            }
            (Fault::Rollback(_), _) if !self.rolls_back => {
                Some("the simulation has no way back: add `.rollback()`".to_owned())
            }
            (_, Some(number)) if number as usize > workers => {
                Some(format!("there is no worker {number}: the simulation has {workers}, which are counted from 1"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Dialect;

    #[test]
    fn a_mistake_of_the_old_version_is_noted_once() {
        let mut old = Setup::of(Dialect::Temporal);
        old.add_mistake("of the old one".to_owned());
        let mut new = old.begin_new_version();
        new.add_mistake("of the new one".to_owned());
        old.set_new_version(new);
        assert_eq!(old.mistakes, ["of the old one", "in `.deploy(..)`: of the new one"]);
    }
}
