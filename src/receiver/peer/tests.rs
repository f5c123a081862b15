//! The peer port as strangers and broken replicas see it.
