//! What the documents say, held against the code.

mod imports;
mod references;
