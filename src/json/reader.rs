//! What `serde` asks of a reader.

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::kind::Kind;
use super::scanner::{Number, Scanner};

/// The value that comes next.
pub(super) struct Value<'s, 'a>(pub(super) &'s mut Scanner<'a>);

impl Value<'_, '_> {
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        match self.0.number()? {
            Number::Natural(number) => visitor.visit_u64(number),
            Number::Negative(number) => visitor.visit_i64(number),
            Number::Float(number) => visitor.visit_f64(number),
        }
    }
}

/// Methods that all do the same.
macro_rules! alike {
    ($($deserialize:ident)* => $method:ident) => {
        $(
            fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
                self.$method(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Value<'_, '_> {
    type Error = Kind;

    alike! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_f64 => number
    }
    alike! { deserialize_char deserialize_string deserialize_identifier => deserialize_str }
    // Texts and lists are the ways in which JSON can have bytes.
    alike! { deserialize_bytes deserialize_byte_buf => deserialize_any }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        match self.0.peek()? {
            b'n' => self.deserialize_unit(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'"' => self.deserialize_str(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'{' => self.deserialize_map(visitor),
            _ => self.number(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        visitor.visit_bool(self.0.truth()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        visitor.visit_str(self.0.string()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        if self.0.peek()? != b'n' {
            return visitor.visit_some(self);
        }
        self.0.null()?;
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        self.0.null()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Kind> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Kind> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        self.0.open(b'[')?;
        let value = visitor.visit_seq(Parts { scanner: &mut *self.0, first: true })?;
        self.0.close(b']')?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Kind> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Kind> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        self.0.open(b'{')?;
        let value = visitor.visit_map(Parts { scanner: &mut *self.0, first: true })?;
        self.0.close(b'}')?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Kind> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Kind> {
        let is_bare = self.0.peek()? == b'"';
        if !is_bare {
            self.0.open(b'{')?;
        }
        let value = visitor.visit_enum(Variant { scanner: &mut *self.0, is_bare })?;
        if !is_bare {
            self.0.close(b'}')?;
        }
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        self.0.skip()?;
        visitor.visit_unit()
    }
}

/// The values of a list, or the members of an object.
struct Parts<'s, 'a> {
    scanner: &'s mut Scanner<'a>,
    /// Whether no part has been read.
    first: bool,
}

impl<'de> SeqAccess<'de> for Parts<'_, '_> {
    type Error = Kind;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Kind> {
        if !self.scanner.goes_on(b']', &mut self.first)? {
            return Ok(None);
        }
        seed.deserialize(Value(self.scanner)).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_, '_> {
    type Error = Kind;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Kind> {
        if !self.scanner.goes_on(b'}', &mut self.first)? {
            return Ok(None);
        }
        seed.deserialize(Name(self.scanner)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Kind> {
        self.scanner.colon()?;
        seed.deserialize(Value(self.scanner))
    }
}

/// The name of a member or of a variant: a text.
struct Name<'s, 'a>(&'s mut Scanner<'a>);

impl<'de> Deserializer<'de> for Name<'_, '_> {
    type Error = Kind;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Kind> {
        visitor.visit_str(self.0.string()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Kind> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A variant of an enum: its name, or an object whose only member it is.
struct Variant<'s, 'a> {
    scanner: &'s mut Scanner<'a>,
    /// Whether it is only the name.
    is_bare: bool,
}

impl Variant<'_, '_> {
    /// Refuses a mere name.
    const fn content(self) -> Result<Self, Kind> {
        if self.is_bare { Err(Kind::Data) } else { Ok(self) }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Kind;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Kind> {
        let variant = seed.deserialize(Name(&mut *self.scanner))?;
        if !self.is_bare {
            self.scanner.colon()?;
        }
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Kind;

    fn unit_variant(self) -> Result<(), Kind> {
        if self.is_bare { Ok(()) } else { self.scanner.null() }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Kind> {
        seed.deserialize(Value(self.content()?.scanner))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Kind> {
        Value(self.content()?.scanner).deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Kind> {
        Value(self.content()?.scanner).deserialize_map(visitor)
    }
}
