//! What replicas say to each other on the peer port: shared by the router, which asks, and the receiver, which answers.

pub mod order;
