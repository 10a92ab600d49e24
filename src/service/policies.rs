//! [`PolicyCache`]: retry policies in force.

use std::sync::Arc;

use super::dialect::Dialect;
use crate::program::RetrySpec;

/// A cache of policies after defaulting. Activities with the same options share one.
#[derive(Debug, Default)]
pub(super) struct PolicyCache {
    known: Vec<(Option<RetrySpec>, Arc<RetrySpec>)>,
}

impl PolicyCache {
    /// The number of policies that are kept. Programs have few. Beyond these, each activity gets its own copy.
    const LIMIT: usize = 16;

    /// An empty cache in the memory of this one.
    pub(super) fn emptied(mut self) -> PolicyCache {
        self.known.clear();
        self
    }

    /// The policy in force. The dialect decides which policy an activity without one gets: Temporal gives it the
    /// default policy (temporal `service/history/api/command_attr_validator.go`, recorded scenario
    /// `raw_no_retry_policy`).
    ///
    /// A cache serves one dialect.
    pub(super) fn get(&mut self, policy: &Option<RetrySpec>, dialect: Dialect) -> Result<Arc<RetrySpec>, String> {
        if let Some((_, normal)) = self.known.iter().find(|(given, _)| given == policy) {
            return Ok(normal.clone());
        }
        let normal = Arc::new(dialect.normalize_retry(policy.as_ref())?);
        if self.known.len() < Self::LIMIT {
            self.known.push((policy.clone(), normal.clone()));
        }
        Ok(normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Span;

    #[test]
    fn same_options_share_a_policy() {
        let mut cache = PolicyCache::default();
        let two = Some(RetrySpec { maximum_attempts: 2, ..RetrySpec::default() });
        let first = cache.get(&two, Dialect::Temporal).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.get(&two, Dialect::Temporal).unwrap()));
        assert!(!Arc::ptr_eq(&first, &cache.get(&None, Dialect::Temporal).unwrap()));
        assert_eq!(first.maximum_interval, Span::from_secs(100));
    }

    #[test]
    fn a_cache_keeps_sixteen_policies() {
        let mut cache = PolicyCache::default();
        let attempts = |attempts| Some(RetrySpec { maximum_attempts: attempts, ..RetrySpec::default() });
        let mut is_shared = |policy| {
            let first = cache.get(&policy, Dialect::Temporal).unwrap();
            Arc::ptr_eq(&first, &cache.get(&policy, Dialect::Temporal).unwrap())
        };
        assert!((1..=16).all(|number| is_shared(attempts(number))));
        assert!(!is_shared(attempts(17)));
    }

    #[test]
    fn a_coefficient_that_is_no_number_is_refused() {
        let policy = RetrySpec { backoff_coefficient: f64::NAN, ..RetrySpec::default() };
        assert!(PolicyCache::default().get(&Some(policy), Dialect::Temporal).is_err());
    }
}
