//! The schema of events, by which every event of every story is judged.

use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde::Serialize;
use serde_json::Value;

const NAME: &str = "urn:device-grant:event:2";

static SCHEMA: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| {
    let document = serde_json::from_str(include_str!("../../../docs/event.schema.json")).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(NAME, document).unwrap();
    let index = compiler.compile(NAME, &mut schemas).unwrap();
    (schemas, index)
});

/// Returns what is wrong with an event according to `docs/event.schema.json`.
pub(crate) fn fault(event: &Value) -> Option<String> {
    let (schemas, index) = &*SCHEMA;
    schemas.validate(event, *index).err().map(|fault| format!("{fault:#}"))
}

/// Returns an event. It must be as the schema says.
pub(crate) fn valid<E: Clone + Serialize>(event: &E) -> E {
    let value = serde_json::to_value(event).unwrap();
    if let Some(fault) = fault(&value) {
        panic!("{value} is not as docs/event.schema.json says: {fault}");
    }
    event.clone()
}
