//! One export request.

pub use crate::batch::export::ExportBatch;
pub use crate::batch::metadata::RequestMetadata;
