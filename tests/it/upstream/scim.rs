//! SCIM about people who sign in at the provider: those who leave lose their devices at once.

use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::Digest;
use serde_json::{Value, json};

use super::{CORP, add, come_back, device};
use crate::support::dpop::userinfo;
use crate::support::{World, get, json as body, outcome};

const TOKEN: &str = "a-scim-token-of-corp-with-more-than-thirty-two-characters";

fn ask(world: &World, method: &str, path: &str, body: &Value) -> Response {
    world.send(&Request {
        method: method.to_owned(),
        path: format!("/scim/v2/Users{path}"),
        authorization: Some(format!("Bearer {TOKEN}")),
        body: Some(body.to_string().into_bytes()),
        ..get()
    })
}

fn refreshed(world: &World, tokens: &Value) -> String {
    outcome(&world.refresh(tokens["refresh_token"].as_str().unwrap()))
}

/// Returns whether the access token is still good at `/userinfo`.
fn is_good(world: &World, tokens: &Value) -> bool {
    let token = tokens["access_token"].as_str().unwrap();
    userinfo(world, "Bearer", token, None).status == 200
}

#[test]
fn whoever_leaves_loses_every_device_at_once_and_signs_in_no_more() {
    let inactive = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let active = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "True" }] });
    let whole = json!({ "userName": "alice@corp.example", "externalId": "alice-upstream", "active": false });
    for (method, change) in [("PATCH", &inactive), ("PUT", &whole), ("DELETE", &json!({}))] {
        let world = World::new();
        let corp = add(&world, "corp", CORP, |provider| {
            provider.scim_token = Some(Digest::of(TOKEN.as_bytes()));
        });
        let (first, second) = (device(&world, &corp), device(&world, &corp));
        let user =
            json!({ "userName": "alice@corp.example", "externalId": "alice-upstream", "active": true });
        let pushed = ask(&world, "POST", "", &user);
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        assert!(is_good(&world, &first));
        let path = format!("/{}", body(&pushed)["id"].as_str().unwrap());
        // The families cannot be reached, and the block counts all the same.
        world.set_down("grants", true);
        let left = ask(&world, method, &path, change);
        assert_eq!(left.status, 503, "{}", left.body);
        world.set_down("grants", false);

        for tokens in [&first, &second] {
            assert_eq!(
                (refreshed(&world, tokens).as_str(), is_good(&world, tokens)),
                ("invalid_grant", false)
            );
        }
        assert_eq!(world.sessions(), 0, "{method}");
        let (_, page) = come_back(&world, &corp, &world.start().user_code);
        assert_eq!((page.status, world.sessions()), (403, 0), "{method}");
        assert!([200, 204].contains(&ask(&world, method, &path, change).status), "it is sent again");
        assert_eq!(world.live_families(), 0, "{method}");
        let back = match method {
            "DELETE" => ask(&world, "POST", "", &user),
            _ => ask(&world, "PATCH", &path, &active),
        };
        assert_eq!(body(&back)["active"], true, "{}", back.body);
        assert_eq!((refreshed(&world, &first).as_str(), is_good(&world, &second)), ("invalid_grant", false));
        assert!(is_good(&world, &device(&world, &corp)), "she can approve a device again");
    }
}
