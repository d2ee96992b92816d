//! What the server says about itself (RFC 7643 §5, §6, §7; RFC 7644 §4).

use serde_json::{Value, json};

use super::user::SCHEMA;

/// Returns the `ServiceProviderConfig`.
#[must_use]
pub fn config(base: &str) -> Value {
    let no = json!({ "supported": false });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": 200 },
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token whose SHA-256 is stored with the provider",
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}

/// Returns the only `ResourceType`.
#[must_use]
pub fn resource_type(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "schema": SCHEMA,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/User") },
    })
}

/// Returns the only `Schema`, with the attributes that this server keeps.
#[must_use]
pub fn schema(base: &str) -> Value {
    let text = |name: &str, required: bool, uniqueness: &str, exact: bool| {
        json!({
            "name": name,
            "type": "string",
            "multiValued": false,
            "required": required,
            "caseExact": exact,
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": uniqueness,
        })
    };
    let formatted = [text("formatted", false, "none", false)];
    let flag = |name: &str| {
        json!({
            "name": name,
            "type": "boolean",
            "multiValued": false,
            "required": false,
            "mutability": "readWrite",
            "returned": "default",
        })
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": SCHEMA,
        "name": "User",
        "description": "A person who may sign in with the provider",
        "attributes": [
            text("userName", true, "server", false),
            text("externalId", true, "server", true),
            text("displayName", false, "none", false),
            {
                "name": "name", "type": "complex", "multiValued": false, "required": false,
                "mutability": "readWrite", "returned": "default", "subAttributes": formatted,
            },
            {
                "name": "emails", "type": "complex", "multiValued": true, "required": false,
                "mutability": "readWrite", "returned": "default",
                "subAttributes": [text("value", false, "none", false), flag("primary")],
            },
            flag("active"),
        ],
        "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{SCHEMA}") },
    })
}

/// Returns a list of resources (RFC 7644 §3.4.2), which begins at the number `start`, counted from 1.
#[must_use]
pub fn list(resources: &[Value], total: usize, start: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
