//! Commands to Durable Objects, each with the type of its reply.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::json::{self, Flaw};

/// A command to a Durable Object.
///
/// Each command determines the type of its reply, so a Worker that expects another type does not compile. If
/// a reply does not parse as this type, the Worker that receives it gets an error.
pub trait Ask: Into<Self::Command> {
    /// All commands that the object answers, as one enum. A command travels as JSON: `{"open":{…}}`.
    type Command: Serialize;
    /// The reply, which travels as JSON and does not name its command.
    type Reply: Serialize + DeserializeOwned;

    /// Answers the command with the reply that `run` makes of it.
    ///
    /// # Errors
    ///
    /// Those of `run`.
    // Otherwise all commands of an object become one function.
    #[inline(never)]
    fn answer<E>(self, run: impl FnOnce(Self) -> Result<Self::Reply, E>) -> Result<Answer, E> {
        run(self).map(|reply| Answer::to::<Self>(&reply))
    }
}

/// A reply to any command, as JSON.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer(String);

impl Answer {
    /// Serializes the reply to a command of type `A`.
    #[must_use]
    pub fn to<A: Ask>(reply: &A::Reply) -> Self {
        Self(serde_json::to_string(reply).expect("every map in a reply has string keys"))
    }

    /// Returns a reply that another object has serialized.
    #[must_use]
    pub const fn of_json(json: String) -> Self {
        Self(json)
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn into_json(self) -> String {
        self.0
    }

    /// Parses the reply to a command of type `A`.
    ///
    /// # Errors
    ///
    /// The JSON does not parse as this reply.
    pub fn read<A: Ask>(&self) -> Result<A::Reply, Flaw> {
        json::read(&self.0)
    }
}

/// Parses one command, in a function of its own. Otherwise the compiler makes one function of all commands of an object.
#[inline(never)]
pub(crate) fn parsed_apart<'de, D: Deserializer<'de>, A: Deserialize<'de>>(
    command: D,
) -> Result<A, D::Error> {
    A::deserialize(command)
}

/// Declares the commands of an object: the enum that travels, and the type of each reply.
macro_rules! commands {
    ($(#[$attribute:meta])* pub enum $Command:ident { $($Ask:ident => $Reply:ty,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "each variant holds the command that it is named after")]
        pub enum $Command { $(#[serde(deserialize_with = "crate::ask::parsed_apart")] $Ask($Ask),)* }

        $(
            impl $crate::ask::Ask for $Ask {
                type Command = $Command;
                type Reply = $Reply;
            }

            impl From<$Ask> for $Command {
                fn from(ask: $Ask) -> Self {
                    Self::$Ask(ask)
                }
            }
        )*
    };
}
pub(crate) use commands;
