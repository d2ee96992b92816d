//! The documents, the imports and the inputs for fuzzing, checked against the source.

mod corpus;
mod detections;
mod imports;
mod policies;
mod references;
