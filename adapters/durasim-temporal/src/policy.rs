//! Policies about workflow ids.

use durasim::program::{IdConflictPolicy, IdReusePolicy};

use crate::sdk::enums;

/// Takes a policy. `None` is the old one that terminates an open workflow, which has become one of conflicts.
#[allow(deprecated, reason = "requests may still have it")]
pub(crate) fn id_reuse(policy: enums::WorkflowIdReusePolicy) -> Option<IdReusePolicy> {
    Some(match policy {
        enums::WorkflowIdReusePolicy::Unspecified | enums::WorkflowIdReusePolicy::AllowDuplicate => {
            IdReusePolicy::AllowDuplicate
        }
        enums::WorkflowIdReusePolicy::AllowDuplicateFailedOnly => IdReusePolicy::AllowDuplicateFailedOnly,
        enums::WorkflowIdReusePolicy::RejectDuplicate => IdReusePolicy::RejectDuplicate,
        enums::WorkflowIdReusePolicy::TerminateIfRunning => return None,
    })
}

/// Takes a policy.
pub(crate) fn id_conflict(policy: enums::WorkflowIdConflictPolicy) -> IdConflictPolicy {
    match policy {
        enums::WorkflowIdConflictPolicy::Unspecified | enums::WorkflowIdConflictPolicy::Fail => IdConflictPolicy::Fail,
        enums::WorkflowIdConflictPolicy::UseExisting => IdConflictPolicy::UseExisting,
        enums::WorkflowIdConflictPolicy::TerminateExisting => IdConflictPolicy::TerminateExisting,
    }
}
