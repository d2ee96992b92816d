//! Whole logins, from the first request to the last.

mod logins;
