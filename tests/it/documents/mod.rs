//! The documents and the imports, checked against the source.

mod imports;
mod references;
