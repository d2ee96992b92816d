//! Requests and responses as texts, in which they cross between the JavaScript entry and wasm.
//!
//! A request is lines: its method, its URL, then `name:value` for each header. A response is lines, too: its status, then
//! `name:value` for each header; then an empty line, then its body. No value contains a line break: the runtime accepts none
//! in a request, and [`text`] writes none into a response.

use std::collections::BTreeMap;

use serde::Serialize;

use super::http::{MAX_BODY, MAX_POLICY, Request, Response, is_ray};
use super::route::{ADMIN_PREFIX, BrowserHeaders, CONSOLE_PREFIX, Reads, Route};
use super::server::Server;
use crate::settings::issuer::Issuer;

/// The headers that every route reads.
const ALWAYS: [&str; 6] =
    ["authorization", "cf-connecting-ip", "cf-ray", "content-encoding", "content-type", "dpop"];
/// The headers that some routes read.
const SOMETIMES: [&str; 9] = [
    "accept",
    "accept-language",
    "cf-access-jwt-assertion",
    "cookie",
    "if-match",
    "origin",
    "sec-fetch-site",
    "upgrade",
    "user-agent",
];

/// The paths with an entry of their own in [`Table`], relative to the issuer: those that devices and APIs use.
const PATHS: [&str; 7] =
    ["/token", "/device_authorization", "/instant", "/introspect", "/revoke", "/userinfo", "/device"];

/// What the entry reads of a request. It asks once.
#[derive(Serialize)]
pub struct Table {
    /// Size of the largest body that it reads, in bytes.
    most: usize,
    /// The same for the path of a URL with another limit.
    sizes: BTreeMap<String, usize>,
    /// Names of headers, by the path of a URL.
    routes: BTreeMap<String, Vec<&'static str>>,
    /// Names of headers, for every other path. These are all, and [`request`] drops those that the route does not read.
    others: Vec<&'static str>,
}

/// Returns what the entry reads of a request. There is no server if it is not configured.
#[must_use]
pub fn table<P>(server: Option<&Server<P>>) -> Table {
    let (routes, sizes, others) = (BTreeMap::new(), BTreeMap::new(), names(Reads::EVERYTHING));
    let mut table = Table { most: MAX_BODY, sizes, routes, others };
    let issuer = server.map(|server| server.settings.issuer.clone());
    // Without a setting, the address of each request is the issuer, and has no path.
    let Some(issuer) = issuer.and_then(|issuer| issuer.or_else(|| Issuer::parse("http://localhost"))) else {
        return table;
    };
    for path in ["policy", "policy/what-if"] {
        table.sizes.insert(format!("{}{ADMIN_PREFIX}/{path}", issuer.path()), MAX_POLICY);
    }
    // A form writes many characters of a policy as three.
    table.sizes.insert(format!("{}{CONSOLE_PREFIX}/policy/draft", issuer.path()), 3 * MAX_POLICY);
    for path in PATHS.map(|path| format!("{}{path}", issuer.path())) {
        if let Some(route) = Route::find(&path, &issuer) {
            table.routes.insert(path, names(route.terms().reads));
        }
    }
    table
}

/// Returns the names of the headers that a route reads.
fn names(reads: Reads) -> Vec<&'static str> {
    ALWAYS.into_iter().chain(SOMETIMES.into_iter().filter(|name| does_read(reads, name))).collect()
}

fn does_read(reads: Reads, name: &str) -> bool {
    match name {
        "accept" => reads.accept,
        "accept-language" => reads.language,
        "cf-access-jwt-assertion" => reads.access_assertion,
        "cookie" => reads.browser >= BrowserHeaders::Cookie,
        "if-match" => reads.if_match,
        "origin" => reads.browser >= BrowserHeaders::Origin,
        "sec-fetch-site" => reads.browser >= BrowserHeaders::Site,
        "upgrade" => reads.upgrade,
        "user-agent" => reads.user_agent,
        _ => true,
    }
}

/// A request, with what only its log lines need.
pub struct Incoming {
    /// The request, without body, place and certificate.
    pub request: Request,
    /// The `CF-Ray` header; empty if there is none.
    pub ray: String,
    /// Whether the route also reads the client certificate.
    pub reads_certificate: bool,
}

/// Reads the text of a request, as far as its route reads it.
pub fn request<P>(server: &Server<P>, text: &str) -> Incoming {
    let mut lines = text.split('\n');
    let method = lines.next().unwrap_or_default().to_owned();
    let mut incoming = Incoming {
        request: Request { method, ..address(lines.next().unwrap_or_default()) },
        ray: String::new(),
        reads_certificate: false,
    };
    let reads = super::reads(server, &incoming.request);
    incoming.reads_certificate = reads.certificate;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if does_read(reads, name) {
            set(&mut incoming, name, value);
        }
    }
    incoming
}

/// Returns a request for a URL in normal form.
fn address(url: &str) -> Request {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, rest) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Request {
        secure: scheme == "https",
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        ..Request::default()
    }
}

fn set(incoming: &mut Incoming, name: &str, value: &str) {
    let request = &mut incoming.request;
    let field = match name {
        "accept" => &mut request.accept,
        "accept-language" => &mut request.accept_language,
        "authorization" => &mut request.authorization,
        "cf-access-jwt-assertion" => &mut request.access_assertion,
        "cf-connecting-ip" => &mut request.address,
        "content-encoding" => &mut request.content_coding,
        "content-type" => &mut request.content_type,
        "cookie" => &mut request.cookie,
        "dpop" => &mut request.dpop,
        "if-match" => &mut request.if_match,
        "origin" => &mut request.origin,
        "sec-fetch-site" => &mut request.sec_fetch_site,
        "upgrade" => &mut request.upgrade,
        "user-agent" => &mut request.user_agent,
        "cf-ray" if is_ray(value) => {
            value.clone_into(&mut incoming.ray);
            return;
        }
        _ => return,
    };
    *field = Some(value.to_owned());
}

/// Returns the text of a response, without its body if that is not text. `None` if a header has a line break, which could
/// start another header.
#[must_use]
pub fn text(response: &Response) -> Option<String> {
    let mut text = response.status.to_string();
    for (name, value) in &response.headers {
        if value.contains(['\n', '\r']) {
            return None;
        }
        text.extend(["\n", name, ":", value]);
    }
    text.extend(["\n\n", &response.body]);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn server(issuer: &str) -> Server<()> {
        let settings = Settings::read(|name| {
            let value = match name {
                "ENVIRONMENT" => "development",
                "ISSUER" => issuer,
                "MASTER_KEY" => "ZGV2ZWxvcG1lbnQta2V5LW5ldmVyLWluLXByb2R1Y3Rpb24",
                _ => return None,
            };
            Some(value.to_owned())
        });
        Server::new(settings.unwrap(), ())
    }

    const EVERYTHING: &str = "accept:a\naccept-language:b\nauthorization:c\ncf-access-jwt-assertion:o\ncf-connecting-ip:d\ncf-ray:e\n\
        content-encoding:f\ncontent-type:g:h\ncookie:i\ndpop:j\nif-match:k\norigin:l\nsec-fetch-site:m\nupgrade:p\nuser-agent:n";

    #[test]
    fn a_request_is_read_as_far_as_its_route_reads_it() {
        let server = server("http://localhost:8787");
        let read = |path| request(&server, &format!("POST\nhttp://localhost:8787{path}\n{EVERYTHING}"));

        let Incoming { request: token, ray, .. } = read("/token?a=b?c#d");
        assert_eq!(
            [&token.method, &token.host, &token.path, &token.query],
            ["POST", "localhost:8787", "/token", "a=b?c"]
        );
        assert_eq!((token.secure, ray.as_str()), (false, "e"));
        assert_eq!(token.authorization.as_deref(), Some("c"));
        assert_eq!(token.address.as_deref(), Some("d"));
        assert_eq!(token.content_coding.as_deref(), Some("f"));
        assert_eq!(token.content_type.as_deref(), Some("g:h"));
        assert_eq!(token.dpop.as_deref(), Some("j"));
        assert_eq!(token.origin.as_deref(), Some("l"));
        assert_eq!(
            [token.cookie, token.sec_fetch_site, token.user_agent, token.if_match],
            [const { None }; 4]
        );
        assert_eq!([token.accept, token.accept_language], [const { None }; 2]);

        let page = read("/device").request;
        assert_eq!([page.cookie.as_deref(), page.user_agent.as_deref()], [Some("i"), Some("n")]);
        assert_eq!(page.access_assertion.as_deref(), Some("o"));
        assert_eq!(page.upgrade, None);
        assert_eq!(read("/instant").request.upgrade.as_deref(), Some("p"));
        assert_eq!(read("/admin/api/clients").request.cookie, None);
        assert_eq!(read("/elsewhere").request.accept.as_deref(), Some("a"));
    }

    #[test]
    fn the_table_names_for_each_path_what_its_route_reads() {
        let table = table(Some(&server("http://localhost:8787/tenant")));

        assert_eq!(table.most, MAX_BODY);
        let large = [
            ("/tenant/admin/api/policy", MAX_POLICY),
            ("/tenant/admin/api/policy/what-if", MAX_POLICY),
            ("/tenant/admin/policy/draft", 3 * MAX_POLICY),
        ];
        assert_eq!(table.sizes, BTreeMap::from(large.map(|(path, most)| (path.to_owned(), most))));
        assert_eq!(table.routes["/tenant/token"], [&ALWAYS[..], &["origin"]].concat());
        assert_eq!(
            table.routes["/tenant/device"],
            [
                &ALWAYS[..],
                &[
                    "accept-language",
                    "cf-access-jwt-assertion",
                    "cookie",
                    "origin",
                    "sec-fetch-site",
                    "user-agent"
                ]
            ]
            .concat(),
        );
        assert!(!table.routes.contains_key("/token"), "it is not a path of this server");
        assert_eq!(table.others, [&ALWAYS[..], &SOMETIMES].concat());
    }

    #[test]
    fn a_response_is_one_text_unless_a_header_could_start_another() {
        let response =
            Response::new(200, "text/plain", "a\n\nb".to_owned()).with("location", "x:y".to_owned());

        let written = text(&response).unwrap();

        assert_eq!(
            written,
            "200\ncontent-type:text/plain\nx-content-type-options:nosniff\nlocation:x:y\n\na\n\nb"
        );
        for bad in ["x\ny: z", "x\r", "\n"] {
            assert_eq!(text(&response.clone().with("location", bad.to_owned())), None, "{bad:?}");
        }
    }
}
