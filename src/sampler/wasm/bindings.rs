//! What `plugins/wit/policy.wit` is in Rust.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; the WIT has the documentation"
)]

wasmtime::component::bindgen!({
    path: "plugins/wit",
    world: "sampling-policy",
    imports: { default: trappable },
    with: {
        "tailsieve:policy/host.trace": super::host::Lent,
        "tailsieve:policy/host.spans": super::host::Cursors,
    },
});
