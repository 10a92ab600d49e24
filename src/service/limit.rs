//! Sizes the service does not accept.
