//! [`Carried`]: the values that a run of a workflow carries beside its input.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::payload::Payload;

/// Values by their names.
pub type Fields = BTreeMap<Arc<str>, Payload>;

/// The values that a run carries beside its input. The service keeps them and hands them on; code of the run reads them
/// through its SDK.
///
/// The next run of a retry or of a schedule carries what this one was started with. One that continues as new carries what its
/// command says.
///
/// Source: temporal `service/history/workflow/retry.go` (`SetupNewWorkflowForRetryOrCron`).
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct Carried {
    /// The headers: values that interceptors of an SDK give to each other.
    pub headers: Fields,
    /// The memo: values that are shown with the run.
    pub memo: Fields,
    /// The search attributes: values by which runs are found.
    pub search_attributes: Fields,
}

impl Carried {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<Arc<str>>, value: Payload) -> Carried {
        self.headers.insert(name.into(), value);
        self
    }

    /// Sets the headers.
    pub fn headers(mut self, headers: Fields) -> Carried {
        self.headers = headers;
        self
    }

    /// Sets the memo.
    pub fn memo(mut self, memo: Fields) -> Carried {
        self.memo = memo;
        self
    }

    /// Sets the search attributes.
    pub fn search_attributes(mut self, search_attributes: Fields) -> Carried {
        self.search_attributes = search_attributes;
        self
    }

    /// Gives all values.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&Arc<str>, &Payload)> {
        self.headers.iter().chain(&self.memo).chain(&self.search_attributes)
    }
}
