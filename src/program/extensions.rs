//! [`Extensions`]: what adapters keep in a simulation.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

/// The settings that adapters keep in a simulation, one value of each type. Cloning is cheap.
///
/// An adapter sets its own with [`Simulation::extension`](crate::Simulation::extension), and reads them where its code
/// runs, with [`ActivityLink::extensions`](super::ActivityLink::extensions) or
/// [`WorkflowLink::extensions`](super::WorkflowLink::extensions).
///
/// ```
/// use durasim::program::Extensions;
///
/// #[derive(Clone, Default)]
/// struct Codecs(Vec<&'static str>);
///
/// let mut extensions = Extensions::default();
/// assert!(extensions.get::<Codecs>().is_none());
/// extensions.change(|codecs: &mut Codecs| codecs.0.push("zip"));
/// extensions.change(|codecs: &mut Codecs| codecs.0.push("aes"));
/// assert_eq!(extensions.get::<Codecs>().unwrap().0, ["zip", "aes"]);
/// ```
#[derive(Clone, Default)]
pub struct Extensions(Arc<Vec<(TypeId, Arc<dyn Any + Send + Sync>)>>);

impl Extensions {
    /// Gives the value of this type, if it was ever changed.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        let (_, value) = self.0.iter().find(|(key, _)| *key == TypeId::of::<T>())?;
        value.downcast_ref()
    }

    /// Changes the value of this type, which begins as its default. Clones that were made before keep the value they have.
    pub fn change<T: Clone + Default + Send + Sync + 'static>(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = self.get::<T>().cloned().unwrap_or_default();
        change(&mut value);
        let values = Arc::make_mut(&mut self.0);
        values.retain(|(key, _)| *key != TypeId::of::<T>());
        values.push((TypeId::of::<T>(), Arc::new(value)));
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}
