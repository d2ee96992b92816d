//! The documents, the imports and the inputs for fuzzing, checked against the source.

mod advice;
mod corpus;
mod detections;
mod imports;
mod policies;
mod references;
