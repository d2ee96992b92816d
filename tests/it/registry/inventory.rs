//! The inventory of devices through the admin API.

use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use super::errors;
use crate::support::admin::Admin;
use crate::support::{World, json as body};

fn put(world: &World, identifier: &str, entry: &Value) -> Response {
    Admin(world).ask("PUT", &format!("/inventory/{identifier}"), None, Some(entry))
}

fn delete(world: &World, identifier: &str) -> u16 {
    Admin(world).ask("DELETE", &format!("/inventory/{identifier}"), None, None).status
}

#[test]
fn an_operator_keeps_the_inventory() {
    let world = World::new();
    let entry = json!({ "accounts": ["local:alice"], "groups": ["local:staff"], "note": "Room 4" });

    let created = put(&world, "sn-0042%20ab17", &entry);
    assert_eq!((created.status, body(&created)["identifier"].clone()), (201, json!("SN0042AB17")));
    assert_eq!(put(&world, "SN0042AB17", &entry).status, 200, "it is the same device");
    let found = body(&Admin(&world).get("/inventory/Sn-0042-Ab17"));
    assert_eq!((found["groups"].clone(), found["note"].clone()), (json!(["local:staff"]), json!("Room 4")));
    let tried = Admin(&world).ask("PUT", "/inventory/SN-NEW-0001?dry_run=true", None, Some(&entry));
    assert_eq!(tried.status, 200);
    assert_eq!(Admin(&world).get("/inventory/SN-NEW-0001").status, 404, "a dry run writes nothing");

    assert_eq!((delete(&world, "SN0042AB17"), delete(&world, "SN0042AB17")), (204, 404));
    assert_eq!(delete(&world, "odd%22name"), 404);
    let told: Vec<Value> = world.changes().iter().map(|change| change["what"].clone()).collect();
    assert_eq!(told, ["inventory_changed", "inventory_removed"], "the same entry again is no change");
}

#[test]
fn an_entry_names_whose_the_device_is_and_a_fault_says_what_to_write() {
    let world = World::new();
    for (identifier, entry, fault) in [
        ("SN0042AB17", json!({}), "write to whom the device is assigned"),
        ("SN0042AB17", json!({ "accounts": [], "groups": null }), "write to whom the device is assigned"),
        ("SN0042AB17", json!({ "accounts": ["alice"] }), "each entry must be the key of an account"),
        ("SN0042AB17", json!({ "groups": ["staff"] }), "each entry must be the full name of a group"),
        ("SN0042AB17", json!({ "groups": ["local:staff"], "room": 4 }), "unknown member"),
        (
            "SN0042AB17",
            json!({ "groups": ["local:staff"], "identifier": "SN0042AB18" }),
            "the one in the address",
        ),
        ("short", json!({ "groups": ["local:staff"] }), "identifier must be 8 to 64 letters and digits"),
    ] {
        let refused = put(&world, identifier, &entry);
        assert_eq!(refused.status, 422, "{entry}: {}", refused.body);
        assert!(refused.body.contains(fault) && !errors(&refused).is_empty(), "{entry}: {}", refused.body);
    }
    assert_eq!(body(&Admin(&world).get("/inventory"))["inventory"], json!([]));
}

#[test]
fn the_inventory_is_read_page_by_page_in_the_order_of_identifiers() {
    let world = World::new();
    for number in (0..25).rev() {
        put(&world, &format!("SN-0000-{number:04}"), &json!({ "groups": ["local:staff"] }));
    }
    let (mut cursor, mut found, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let page = body(&Admin(&world).get(&format!("/inventory?limit=10{cursor}")));
        let entries = page["inventory"].as_array().expect("a list").clone();
        found.extend(entries.iter().map(|entry| entry["identifier"].as_str().expect("text").to_owned()));
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }

    assert_eq!(pages, 3);
    assert_eq!(found, (0..25).map(|number| format!("SN0000{number:04}")).collect::<Vec<_>>());
    for query in ["limit=0", "cursor=%22", "sort=note"] {
        assert_eq!(Admin(&world).get(&format!("/inventory?{query}")).status, 422, "{query}");
    }
}
