//! SCIM (RFC 7643, RFC 7644): a provider pushes its users, and those who leave lose their access.

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::Platform as _;
use device_grant::identity::account::{Account, Standing};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::command::{ClaimPointer, FindAccount, Put, PutAccount};
use device_grant::identity::pointer::{Pointer, Target};
use device_grant::secret::Digest;
use serde_json::{Value, json};

use crate::support::admin::{Admin, provider};
use crate::support::{ISSUER, World, get, json as body_of, now_or_never};

const TOKEN: &str = "a-scim-token-of-64-characters-that-nobody-has-ever-used-before-00";

/// A provider at its SCIM endpoint.
struct Okta<'a>(&'a World);

impl Okta<'_> {
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.ask_with(TOKEN, method, path, body)
    }

    fn ask_with(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.0.send(&Self::request(token, method, path, body))
    }

    fn request(token: &str, method: &str, path: &str, body: Option<&Value>) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method: method.to_owned(),
            path: format!("/scim/v2{path}"),
            query: query.to_owned(),
            authorization: Some(format!("Bearer {token}")),
            content_type: body.map(|_| "application/scim+json".to_owned()),
            body: Some(body.map(|body| body.to_string().into_bytes()).unwrap_or_default()),
            ..get()
        }
    }

    fn push(&self, body: &Value) -> Value {
        let created = self.ask("POST", "/Users", Some(body));
        assert_eq!(created.status, 201, "{}", created.body);
        body_of(&created)
    }

    fn patch(&self, id: &str, operations: &Value) -> Response {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.ask(
            "PATCH",
            &format!("/Users/{id}"),
            Some(&json!({ "schemas": [schema], "Operations": operations })),
        )
    }

    fn found(&self, filter: &str) -> Vec<Value> {
        let list = body_of(&self.ask("GET", &format!("/Users?filter={filter}"), None));
        list.get("Resources").and_then(Value::as_array).expect("a list").clone()
    }
}

/// Returns a world with the provider `okta`, and another one with another token.
fn world() -> World {
    let world = World::new();
    for (id, token) in [("okta", TOKEN), ("other", "another token of at least thirty-two bytes")] {
        let members = json!({ "scim_token_sha256": Digest::of(token.as_bytes()).hex() });
        let created = Admin(&world).ask("POST", "/providers", None, Some(&provider(id, &members)));
        assert_eq!(created.status, 201, "{}", created.body);
    }
    world
}

fn carol() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": "7",
        "userName": "Carol@Example.com",
        "name": { "givenName": "Carol", "familyName": "Danvers" },
        "emails": [{ "value": "home@example.com" }, { "value": "work@example.com", "primary": true }],
        "active": true,
        "title": "Captain",
    })
}

fn text<'a>(user: &'a Value, name: &str) -> &'a str {
    user.get(name).and_then(Value::as_str).expect("a text")
}

fn account(world: &World) -> Account {
    let key = AccountKey::oidc("okta", "7").expect("a key");
    let find = world.server.platform.accounts(key.shard(), FindAccount { account: key.clone() });
    now_or_never(find).expect("an account shard").expect("the account")
}

/// Blocks the account as an administrator.
fn block(world: &World) {
    let blocked = Admin(world).ask("POST", "/accounts/oidc:okta:7/block", None, Some(&json!({})));
    assert_eq!(blocked.status, 200);
}

#[test]
fn a_user_is_made_read_and_found_by_name_and_identifier() {
    let world = world();
    let okta = Okta(&world);

    let created = okta.ask("POST", "/Users", Some(&carol()));

    let user = body_of(&created);
    let id = text(&user, "id");
    assert_eq!(created.header("content-type"), Some("application/scim+json"));
    assert_eq!(created.header("location"), Some(format!("{ISSUER}/scim/v2/Users/{id}").as_str()));
    assert_eq!((text(&user, "userName"), text(&user, "externalId")), ("Carol@Example.com", "7"));
    assert_eq!((text(&user, "displayName"), &user["active"]), ("Carol Danvers", &json!(true)));
    assert_eq!(user["emails"][0]["value"], "work@example.com");
    assert_eq!(body_of(&okta.ask("GET", &format!("/Users/{id}"), None)), user);
    for filter in ["userName%20eq%20%22carol@EXAMPLE.com%22", "externalId+eq+%227%22"] {
        assert_eq!(okta.found(filter), std::slice::from_ref(&user), "{filter}");
    }
    for filter in ["userName%20eq%20%22dan%22", "externalId%20eq%20%228%22"] {
        assert!(okta.found(filter).is_empty(), "{filter}");
    }
    assert_eq!(body_of(&okta.ask("GET", "/Users", None))["totalResults"], 1);
    assert_eq!(account(&world).sub.as_str(), id);
    let again = okta.ask("POST", "/Users", Some(&carol()));
    assert_eq!((again.status, &body_of(&again)["scimType"]), (409, &json!("uniqueness")));
}

#[test]
fn a_user_is_matched_by_identifier_and_never_by_address() {
    let world = world();
    let okta = Okta(&world);
    okta.push(&carol());

    let mut other = carol();
    other["externalId"] = "8".into();
    let taken = okta.ask("POST", "/Users", Some(&other));
    assert_eq!((taken.status, &body_of(&taken)["detail"]), (409, &json!("another user has this userName")));
    other["userName"] = "carol2@example.com".into();
    assert_ne!(
        okta.push(&other)["id"],
        body_of(&okta.ask("GET", "/Users?filter=externalId%20eq%20%227%22", None))["Resources"][0]["id"]
    );
    other["externalId"] = Value::Null;
    assert_eq!(okta.ask("POST", "/Users", Some(&other)).status, 400, "an address alone matches nobody");
}

#[test]
fn every_shape_of_active_false_ends_the_access_and_active_true_revives_none() {
    for operations in [
        json!([{ "op": "replace", "path": "active", "value": false }]),
        json!([{ "op": "Replace", "path": "active", "value": "False" }]),
        json!([{ "op": "replace", "value": { "active": false } }]),
    ] {
        let world = world();
        let okta = Okta(&world);
        let user = okta.push(&carol());
        let id = text(&user, "id");

        let patched = okta.patch(id, &operations);

        assert_eq!((patched.status, &body_of(&patched)["active"]), (200, &json!(false)), "{operations}");
        assert!(!account(&world).standing.is_active());
        let back = okta.patch(id, &json!([{ "op": "replace", "path": "active", "value": true }]));
        assert_eq!(body_of(&back)["active"], true);
        assert!(account(&world).standing.is_active());
    }
}

#[test]
fn a_user_is_replaced_but_keeps_its_identifier() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    let path = format!("/Users/{}", text(&user, "id"));
    let mut next = carol();
    (next["userName"], next["displayName"], next["active"]) =
        ("new@example.com".into(), "New".into(), false.into());

    let replaced = body_of(&okta.ask("PUT", &path, Some(&next)));

    assert_eq!((text(&replaced, "userName"), text(&replaced, "displayName")), ("new@example.com", "New"));
    assert_eq!((&replaced["active"], &replaced["id"]), (&json!(false), &user["id"]));
    assert_eq!(okta.found("userName%20eq%20%22new@example.com%22").len(), 1);
    assert!(okta.found("userName%20eq%20%22carol@example.com%22").is_empty(), "the old name is free");
    next["externalId"] = "8".into();
    let refused = okta.ask("PUT", &path, Some(&next));
    assert_eq!((refused.status, &body_of(&refused)["scimType"]), (400, &json!("mutability")));
}

#[test]
fn a_deleted_user_is_gone_and_its_account_refuses_sign_in_until_it_is_pushed_again() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    let path = format!("/Users/{}", text(&user, "id"));

    assert_eq!(okta.ask("DELETE", &path, None).status, 204);

    assert!(matches!(account(&world).standing, Standing::Deleted { .. }));
    for method in ["GET", "DELETE", "PUT", "PATCH"] {
        assert_eq!(okta.ask(method, &path, Some(&carol())).status, 404, "{method}");
    }
    assert_eq!(body_of(&okta.ask("GET", "/Users", None))["totalResults"], 0);
    assert_eq!(okta.push(&carol())["id"], user["id"], "the same account");
    assert!(account(&world).standing.is_active());
}

#[test]
fn a_provider_lifts_no_block_of_an_administrator() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    let id = text(&user, "id");
    block(&world);

    let patched = okta.patch(id, &json!([{ "op": "replace", "path": "active", "value": true }]));
    assert_eq!(body_of(&patched)["active"], false);
    assert_eq!(okta.ask("DELETE", &format!("/Users/{id}"), None).status, 204);
    okta.push(&carol());

    assert!(matches!(account(&world).standing, Standing::Blocked { .. }));
}

#[test]
fn somebody_who_has_signed_in_before_becomes_a_user_with_the_same_account() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    okta.ask("DELETE", &format!("/Users/{}", text(&user, "id")), None);
    let gone = account(&world);
    let signed_in = Account { standing: Standing::Active, ..gone.clone() };
    let put = PutAccount { expected: Some(gone.version), account: Box::new(signed_in), event: None };
    let put = now_or_never(world.server.platform.accounts(gone.key.shard(), put));
    assert!(matches!(put, Ok(Put::Stored(_))));

    assert!(okta.found("externalId%20eq%20%227%22").is_empty(), "SCIM does not know the account yet");
    assert_eq!(okta.push(&carol())["id"], user["id"]);
}

#[test]
fn each_token_opens_the_users_of_its_provider_only() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    let path = format!("/Users/{}", text(&user, "id"));

    let other = |method: &str| {
        okta.ask_with("another token of at least thirty-two bytes", method, &path, None).status
    };
    assert_eq!((other("GET"), other("DELETE")), (404, 404));
    let wrong = okta.ask_with("a wrong token", "GET", &path, None);
    assert_eq!(
        (wrong.status, wrong.header("www-authenticate")),
        (401, Some("Bearer realm=\"device-grant-scim\""))
    );
    let nothing = world.send(&Request { path: format!("/scim/v2{path}"), ..get() });
    assert_eq!(nothing.status, 401);
}

#[test]
fn the_server_says_what_it_supports() {
    let world = world();
    let okta = Okta(&world);
    let schema = "urn:ietf:params:scim:schemas:core:2.0:User";

    let config = body_of(&okta.ask("GET", "/ServiceProviderConfig", None));
    assert_eq!((&config["patch"]["supported"], &config["bulk"]["supported"]), (&json!(true), &json!(false)));
    for (path, id) in [("/ResourceTypes/User", "User"), (&format!("/Schemas/{schema}"), schema)] {
        assert_eq!(body_of(&okta.ask("GET", path, None))["id"], id);
    }
    for path in ["/ResourceTypes", "/Schemas"] {
        assert_eq!(body_of(&okta.ask("GET", path, None))["totalResults"], 1);
    }
    for (method, path, status) in [
        ("GET", "/Groups", 404),
        ("GET", "", 404),
        ("PUT", "/Users", 405),
        ("POST", "/Users/1", 405),
        ("GET", "/Users?filter=active%20eq%20true", 400),
    ] {
        let refused = okta.ask(method, path, None);
        assert_eq!(
            (refused.status, &body_of(&refused)["status"]),
            (status, &json!(status.to_string())),
            "{method} {path}"
        );
    }
}

#[test]
fn a_body_that_is_too_large_and_too_many_wrong_tokens_are_named() {
    let world = world();
    let okta = Okta(&world);
    let detail = |answer: &Response| body_of(answer).get("detail").cloned().expect("a text");
    let request = Request { method: "POST".to_owned(), path: "/scim/v2/Users".to_owned(), ..get() };
    let too_large = Request { authorization: Some(format!("Bearer {TOKEN}")), body: None, ..request };

    let refused = world.send(&too_large);
    assert_eq!((refused.status, detail(&refused)), (413, json!("the body is larger than 16384 bytes")));

    let mut answers: Vec<Response> = (0..21).map(|_| okta.ask_with("wrong", "GET", "/Users", None)).collect();
    let refused = answers.pop().expect("an answer");
    assert_eq!(refused.status, 429);
    let seconds = refused.header("retry-after").expect("a number");
    let expected = format!("Too many wrong tokens came from this network; try again in {seconds} seconds.");
    assert_eq!(detail(&refused), json!(expected));
}

#[test]
fn a_block_comes_before_anything_that_can_fail() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    let mut other = carol();
    (other["externalId"], other["userName"]) = ("8".into(), "dan@example.com".into());
    okta.push(&other);

    let both = json!([{ "op": "replace", "value": { "userName": "DAN@example.com", "active": "False" } }]);
    let refused = okta.patch(text(&user, "id"), &both);

    assert_eq!((refused.status, &body_of(&refused)["scimType"]), (409, &json!("uniqueness")));
    assert!(!account(&world).standing.is_active());
    let both = json!([{ "op": "replace", "value": { "userName": "DAN@example.com", "active": "True" } }]);
    assert_eq!(okta.patch(text(&user, "id"), &both).status, 409);
    assert!(!account(&world).standing.is_active(), "a block is lifted at last");
}

#[test]
fn a_user_who_is_pushed_as_inactive_is_blocked_from_the_first_moment() {
    let world = world();
    let okta = Okta(&world);
    let mut inactive = carol();
    inactive["active"] = "False".into();

    let user = okta.push(&inactive);

    assert_eq!((&user["active"], account(&world).version), (&json!(false), 2), "made, then named");
    okta.ask("DELETE", &format!("/Users/{}", text(&user, "id")), None);
    assert_eq!(okta.push(&inactive)["active"], false);
    assert!(matches!(account(&world).standing, Standing::Blocked { .. }));
}

#[test]
fn a_name_that_a_lost_change_has_claimed_is_free() {
    let world = world();
    let okta = Okta(&world);
    let pointer = Pointer::name("okta", "carol@example.com");
    let nobody = AccountKey::oidc("okta", "9").expect("a key");
    let claim = ClaimPointer { pointer: pointer.clone(), target: Target { account: nobody, ends_at: None } };
    now_or_never(world.server.platform.accounts(pointer.shard(), claim)).expect("an account shard");
    assert!(okta.found("userName%20eq%20%22carol@example.com%22").is_empty());

    let user = okta.push(&carol());

    assert_eq!(okta.found("userName%20eq%20%22carol@example.com%22"), std::slice::from_ref(&user));
    let pointer = Pointer::name("okta", "former@example.com");
    let target = Target { account: account(&world).key, ends_at: None };
    let claim = ClaimPointer { pointer: pointer.clone(), target };
    now_or_never(world.server.platform.accounts(pointer.shard(), claim)).expect("an account shard");
    assert!(okta.found("userName%20eq%20%22former@example.com%22").is_empty(), "she is called otherwise");
}

#[test]
fn a_list_is_read_in_pages() {
    let world = world();
    let okta = Okta(&world);
    for number in 0..5 {
        let name = format!("user{number}@example.com");
        okta.push(&json!({ "externalId": number.to_string(), "userName": name }));
    }
    let page = |query: &str| {
        let list = body_of(&okta.ask("GET", &format!("/Users?{query}"), None));
        let users = list["Resources"].as_array().expect("a list").clone();
        assert_eq!(
            (&list["totalResults"], &list["itemsPerPage"]),
            (&json!(5), &json!(users.len())),
            "{query}"
        );
        (list["startIndex"].as_u64().expect("a number"), users)
    };

    let (_, all) = page("");
    let mut read = Vec::new();
    for start in [1, 3, 5] {
        let (index, users) = page(&format!("startIndex={start}&count=2"));
        assert_eq!(index, start);
        read.extend(users);
    }
    assert_eq!(read, all);
    for (query, start, count) in
        [("count=0", 1, 0), ("count=-2", 1, 0), ("startIndex=-7&count=9999", 1, 5), ("startIndex=6", 6, 0)]
    {
        let (index, users) = page(query);
        assert_eq!((index, users.len()), (start, count), "{query}");
    }
    for query in ["count=x", "startIndex=1.5", "count=99999999999999999999"] {
        let refused = okta.ask("GET", &format!("/Users?{query}"), None);
        assert_eq!(
            (refused.status, &body_of(&refused)["scimType"]),
            (400, &json!("invalidValue")),
            "{query}"
        );
    }
}

#[test]
fn an_answer_has_the_attributes_that_are_asked_for() {
    let world = world();
    let okta = Okta(&world);
    let user = okta.push(&carol());
    let path = format!("/Users/{}", text(&user, "id"));
    let names = |answer: &Value| {
        let mut names: Vec<_> = answer.as_object().expect("a user").keys().cloned().collect();
        names.sort();
        names.join(" ")
    };

    let one = body_of(&okta.ask("GET", &format!("{path}?attributes=userName,active"), None));
    assert_eq!(names(&one), "active id schemas userName");
    let found = okta.found("externalId%20eq%20%227%22&excludedAttributes=emails,name,meta,displayName");
    assert_eq!(names(found.first().expect("Carol")), "active externalId id schemas userName");
    let changed = okta.ask("PUT", &format!("{path}?attributes=id"), Some(&carol()));
    assert_eq!(names(&body_of(&changed)), "id schemas");
}

#[test]
fn an_address_names_the_methods_that_it_supports_and_the_log_names_the_provider() {
    let world = world();
    let okta = Okta(&world);

    for (method, path, allow) in
        [("DELETE", "/Users", "GET, HEAD, POST"), ("POST", "/Users/1", "GET, HEAD, PUT, PATCH, DELETE")]
    {
        let refused = okta.ask(method, path, None);
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allow)));
        let line = refused.decisions.last().expect("a line");
        assert_eq!(line.provider.as_ref().expect("a provider").as_str(), "okta");
    }
}

#[test]
fn a_list_of_all_users_asks_several_shards_at_once() {
    let world = world();
    Okta(&world).push(&carol());
    let request = |path: &str| Okta::request(TOKEN, "GET", path, None);
    let (one, _) = world.in_rounds(request("/Users?filter=externalId%20eq%20%227%22"));

    let (rounds, answer) = world.in_rounds(request("/Users"));

    assert_eq!((answer.status, body_of(&answer)["totalResults"].as_u64()), (200, Some(1)));
    assert!(rounds - one < 8, "{rounds} rounds for 32 shards");
}
