//! The OpenAPI 3.1 document of the admin API.

use crate::endpoint::http::Response;

const SOURCE: &str = include_str!("openapi.json");
const LENGTH: usize = compact(SOURCE.as_bytes(), &mut [0; SOURCE.len()]);
/// The document without the white space that makes it readable, which is a fourth of it.
static DOCUMENT: [u8; LENGTH] = {
    let mut document = [0; LENGTH];
    compact(SOURCE.as_bytes(), &mut document);
    document
};

/// Returns the document.
pub(super) fn answer() -> Response {
    let document = core::str::from_utf8(&DOCUMENT).expect("only white space is left out of a text");
    Response::new(200, "application/json", document.to_owned()).with("cache-control", "no-store".to_owned())
}

/// Copies JSON without the white space between its values, as far as there is room. Returns how many bytes these are.
const fn compact(mut json: &[u8], mut copy: &mut [u8]) -> usize {
    let (mut length, mut in_string, mut is_escaped) = (0, false, false);
    while let [byte, rest @ ..] = json {
        json = rest;
        if !in_string && byte.is_ascii_whitespace() {
            continue;
        }
        in_string = in_string != (*byte == b'"' && !is_escaped);
        is_escaped = in_string && *byte == b'\\' && !is_escaped;
        if let [place, room @ ..] = copy {
            *place = *byte;
            copy = room;
        }
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::endpoint::admin::route;

    #[test]
    fn the_document_is_the_source_without_white_space_between_values() {
        let source: Value = serde_json::from_str(SOURCE).unwrap();
        let answer = answer();

        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), source);
        assert_eq!(answer.body.len(), source.to_string().len());
    }

    #[test]
    fn the_answer_to_every_change_that_replicas_must_hear_of_may_name_those_that_have_not() {
        let document: Value = serde_json::from_str(SOURCE).unwrap();
        let operations = document["paths"].as_object().unwrap().iter().flat_map(|(path, members)| {
            let methods = members.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters");
            methods.map(move |(method, operation)| (path, method.to_uppercase(), operation))
        });

        for (path, method, operation) in operations {
            let changes = route::find(&path.replace(['{', '}'], "")).unwrap().changes_replicas(&method);
            let responses = operation["responses"].as_object().unwrap().iter();
            for (status, response) in responses.filter(|(status, _)| status.starts_with('2')) {
                let named = response["headers"].get("Registry-Replicas-Expired").is_some();
                assert_eq!(named, changes, "{method} {path}: {status}");
            }
        }
    }

    #[test]
    fn white_space_and_quotation_marks_in_strings_stay() {
        let json = br#" { "a \" b" : [ 1 , "\\" , " \\\" " ] } "#;
        let mut copy = [0; 28];

        assert_eq!(compact(json, &mut copy), 28);
        assert_eq!(core::str::from_utf8(&copy).unwrap(), r#"{"a \" b":[1,"\\"," \\\" "]}"#);
    }
}
