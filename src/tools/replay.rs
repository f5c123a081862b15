//! Recorded requests sent again: [`recording`] reads them, [`rewrite`] gives a repetition its own trace IDs and times,
//! [`source`] yields them in order at the wanted pace.

pub mod recording;
pub mod rewrite;
pub mod source;
