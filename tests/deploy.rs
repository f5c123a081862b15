//! The files under `deploy/` and the examples in the documentation: what they configure is what our parsers take, every
//! key of them is one that its reader knows, and what they say of each other holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a file that is missing or another than expected fails the test"
)]

mod deploy {
    pub(crate) mod files;
    pub(crate) mod kustomize;
    pub(crate) mod strict;

    mod cluster;
    mod compose;
    mod dockerfile;
    mod documentation;
    mod kubernetes;
    mod systemd;
}
