//! A person with a phone: a browser that keeps its cookies and sends the forms that it shows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use device_grant::endpoint::http::{Request, Response};

use super::{World, get, post};

/// A browser with its cookies, and the page it shows.
pub(crate) struct Person<'a> {
    server: Rc<dyn Fn(&Request) -> Response + 'a>,
    cookies: RefCell<BTreeMap<String, String>>,
    /// What the browser sends as `Accept-Language`.
    languages: Option<&'static str>,
    /// The IP address of the browser.
    pub(crate) address: String,
    /// The page that the browser shows.
    pub(crate) page: RefCell<Response>,
    /// Where the last redirect led.
    location: RefCell<Option<String>>,
}

impl<'a> Person<'a> {
    /// Returns a browser without cookies.
    pub(crate) fn of(world: &'a World) -> Self {
        Self::at(world, "198.51.100.23")
    }

    /// Returns a browser without cookies, at another IP address.
    pub(crate) fn at(world: &'a World, address: &str) -> Self {
        Self::before(|request| world.send(request), address)
    }

    /// Returns a browser without cookies, whose requests `server` answers.
    pub(crate) fn before(server: impl Fn(&Request) -> Response + 'a, address: &str) -> Self {
        let page = RefCell::new(Response::text(204, ""));
        Self {
            server: Rc::new(server),
            cookies: RefCell::default(),
            languages: None,
            address: address.to_owned(),
            page,
            location: RefCell::default(),
        }
    }

    /// Sets what the browser sends as `Accept-Language`.
    pub(crate) fn reading(self, languages: Option<&'static str>) -> Self {
        Self { languages, ..self }
    }

    /// Returns the request that opens a path of the server.
    pub(crate) fn request(&self, path: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.addressed(Request { path: path.to_owned(), query: query.to_owned(), ..get() })
    }

    /// Opens a path of the server.
    pub(crate) fn open(&self, path: &str) -> Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.send(Request { path: path.to_owned(), query: query.to_owned(), ..get() })
    }

    /// Opens the entry page, and enters a code.
    pub(crate) fn enter(&self, user_code: &str) -> Response {
        self.open("/device");
        self.submit(&[("step", "code"), ("user_code", user_code)])
    }

    /// Signs in on the page that the browser shows.
    pub(crate) fn sign_in(&self, username: &str, password: &str) -> Response {
        self.submit(&[("step", "sign_in"), ("username", username), ("password", password)])
    }

    /// Presses a button of the consent page, with the checkbox ticked.
    pub(crate) fn decide(&self, decision: &str) -> Response {
        self.submit(&[("step", "decide"), ("decision", decision), ("confirm_device", "yes")])
    }

    /// Enters a code and signs in.
    pub(crate) fn enter_as(&self, username: &str, password: &str, user_code: &str) -> Response {
        self.enter(user_code);
        self.sign_in(username, password)
    }

    /// Enters a code, signs in and approves. The server must accept it.
    pub(crate) fn approve_as(&self, username: &str, password: &str, user_code: &str) -> Response {
        self.enter_as(username, password, user_code);
        let page = self.decide("approve");
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Sends a form with the hidden fields of the page that the browser shows.
    pub(crate) fn submit(&self, fields: &[(&str, &str)]) -> Response {
        self.send(self.form(fields))
    }

    /// Returns the request that [`submit`](Self::submit) sends.
    pub(crate) fn form(&self, fields: &[(&str, &str)]) -> Request {
        let page = self.page.borrow().body.clone();
        let csrf = hidden(&page, "csrf").unwrap_or_default();
        let transaction = hidden(&page, "transaction").unwrap_or_default();
        let hidden = [("csrf", csrf.as_str()), ("transaction", transaction.as_str())];
        self.addressed(post("/device", &[&hidden, fields].concat()))
    }

    /// Sends a form to a path, with the CSRF token of the page that the browser shows unless a field has another one.
    pub(crate) fn submit_to(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let own = ["csrf", "opened"].map(|name| (name, hidden(&self.page.borrow().body, name)));
        let is_given = |name: &str| fields.iter().any(|(given, _)| *given == name);
        let own = own.iter().filter(|(name, _)| !is_given(name));
        let own = own.filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        self.send(post(path, &own.chain(fields.iter().copied()).collect::<Vec<_>>()))
    }

    /// Sends a form with the CSRF token of the page that the browser shows, but without its transaction.
    pub(crate) fn submit_only(&self, fields: &[(&str, &str)]) -> Response {
        let csrf = hidden(&self.page.borrow().body, "csrf").unwrap_or_default();
        self.send(post("/device", &[&[("csrf", csrf.as_str())], fields].concat()))
    }

    /// Sends a request with the cookies and the address of this browser, and follows a redirect. The decisions of the
    /// redirect are those of the page.
    pub(crate) fn send(&self, request: Request) -> Response {
        let mut response = self.exchange(request);
        if response.status == 303 {
            let location = response.header("location").expect("a location").to_owned();
            let (path, query) = location.split_once('?').unwrap_or((&location, ""));
            let next = self.exchange(Request { path: path.to_owned(), query: query.to_owned(), ..get() });
            response = Response { decisions: [response.decisions, next.decisions].concat(), ..next };
            self.location.replace(Some(location));
        }
        self.page.replace(response.clone());
        response
    }

    /// Sends a request, and keeps the cookies of the response. Shows nothing and follows nothing.
    pub(crate) fn exchange(&self, request: Request) -> Response {
        let response = (self.server)(&self.addressed(request));
        for (_, value) in response.headers.iter().filter(|(name, _)| *name == "set-cookie") {
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a name and a value");
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        response
    }

    /// Returns the address of the last redirect.
    pub(crate) fn location(&self) -> String {
        self.location.borrow().clone().expect("a redirect before")
    }

    /// Opens the address of the last redirect again.
    pub(crate) fn reload(&self) -> Response {
        self.reload_from(get())
    }

    /// Opens the address of the last redirect again, with a request like `from`.
    pub(crate) fn reload_from(&self, from: Request) -> Response {
        let location = self.location();
        let (path, query) = location.split_once('?').unwrap_or((&location, ""));
        self.send(Request { path: path.to_owned(), query: query.to_owned(), ..from })
    }

    /// Adds the cookies and the address of this browser.
    fn addressed(&self, request: Request) -> Request {
        let accept_language = self.languages.map(str::to_owned);
        Request { cookie: self.cookie(), address: Some(self.address.clone()), accept_language, ..request }
    }

    /// Returns another window of this browser, with the page that it shows now.
    ///
    /// From then on each has its own copies of the cookies.
    pub(crate) fn window(&self) -> Person<'a> {
        let page = RefCell::new(self.page.borrow().clone());
        let (cookies, location) = (self.cookies.clone(), self.location.clone());
        Person {
            server: Rc::clone(&self.server),
            cookies,
            address: self.address.clone(),
            page,
            location,
            ..*self
        }
    }

    /// Returns the cookies as the browser would send them.
    pub(crate) fn cookie(&self) -> Option<String> {
        let cookies = self.cookies.borrow();
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Makes the browser refuse cookies from now on.
    pub(crate) fn forget_cookies(&self) {
        self.cookies.borrow_mut().clear();
    }
}

/// Returns the value of a hidden field of a page.
pub(crate) fn hidden(page: &str, name: &str) -> Option<String> {
    let field = page.split("<input").find(|field| field.contains(&format!("name=\"{name}\"")))?;
    let (_, value) = field.split_once("value=\"")?;
    value.split('"').next().map(str::to_owned)
}
