//! SCIM 2.0 for users (RFC 7643, RFC 7644): what a provider pushes about the people who may sign in with it.
//!
//! Of a user, this server keeps the names, the e-mail address and whether the user is active. All other attributes are
//! accepted and ignored.

pub mod documents;
pub mod filter;
pub mod patch;
pub mod selection;
pub mod user;

use core::fmt;

/// Why a request is refused. The message is for the people who set the provider up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The body is not a JSON object, or not of the schema (`invalidSyntax`).
    Syntax(&'static str),
    /// An attribute has a value that it must not have (`invalidValue`).
    Value(&'static str),
    /// An attribute must not be changed (`mutability`).
    Mutability(&'static str),
    /// The filter is not one of those that are understood (`invalidFilter`).
    Filter,
    /// Another user has the identifier (`uniqueness`).
    Taken(&'static str),
    /// There are more users than an answer may count (`tooMany`).
    TooMany,
    /// The body is larger than 16,384 bytes.
    TooLarge,
    /// The body has this content coding, which comes printable here.
    Coding(String),
    /// There is no such user.
    Absent,
    /// There is no such address.
    NotFound,
    /// The address does not support the method. Carries those that it supports.
    Method(&'static str),
}

impl Refusal {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Syntax(_) | Self::Value(_) | Self::Mutability(_) | Self::Filter | Self::TooMany => 400,
            Self::Taken(_) => 409,
            Self::TooLarge => 413,
            Self::Coding(_) => 415,
            Self::Absent | Self::NotFound => 404,
            Self::Method(_) => 405,
        }
    }

    /// Returns the `scimType` (RFC 7644 §3.12), if there is one.
    #[must_use]
    pub const fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Syntax(_) => Some("invalidSyntax"),
            Self::Value(_) => Some("invalidValue"),
            Self::Mutability(_) => Some("mutability"),
            Self::Filter => Some("invalidFilter"),
            Self::Taken(_) => Some("uniqueness"),
            Self::TooMany => Some("tooMany"),
            Self::TooLarge | Self::Coding(_) | Self::Absent | Self::NotFound | Self::Method(_) => None,
        }
    }
}

impl Refusal {
    /// Returns the methods for the header `Allow`, if another one was used (RFC 9110 §15.5.6).
    #[must_use]
    pub const fn allowed(&self) -> Option<&'static str> {
        match self {
            Self::Method(methods) => Some(methods),
            Self::Syntax(_)
            | Self::Value(_)
            | Self::Mutability(_)
            | Self::Filter
            | Self::Taken(_)
            | Self::TooMany
            | Self::TooLarge
            | Self::Coding(_)
            | Self::Absent
            | Self::NotFound => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coding(sent) => {
                return write!(f, "the body has the content coding '{sent}': send it without one");
            }
            Self::Syntax(why) | Self::Value(why) | Self::Mutability(why) | Self::Taken(why) => why,
            Self::TooLarge => "the body is larger than 16384 bytes",
            Self::Filter => "filter must be userName eq \"…\" or externalId eq \"…\"",
            Self::TooMany => "there are too many users to list: send a filter",
            Self::Absent => "there is no such user",
            Self::NotFound => "there is nothing at this address",
            Self::Method(methods) => return write!(f, "this address supports only {methods}"),
        })
    }
}
