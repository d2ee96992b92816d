//! Logos, of the service and of clients: PNG, WebP or JPEG images.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::secret::{self, Digest};

/// Size of the largest image that is fetched and kept, in bytes.
pub const LARGEST: usize = 32_768;

/// Longest URI, in characters: Cloudflare gives a variable 5 KB. That is an image of about 3.7 KB.
const LONGEST_URI: usize = 5_000;

/// An image for the pages. In JSON, it is the file in base64.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Logo {
    format: Format,
    /// The file itself, which begins as its format does.
    bytes: Vec<u8>,
    /// SHA-256 of `bytes`, base64url. Another image has another address, so browsers may keep each one for ever.
    hash: String,
}

/// A format that every browser shows. SVG is not one of them, because it can hold scripts and load other files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Png,
    Webp,
    Jpeg,
}

/// Why a logo cannot be used. Displays as what is allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogoFlaw {
    /// It is not a `data:` URI of one of the three types, in base64.
    Form,
    /// The text has this many bytes.
    Long(usize),
    /// The bytes do not begin as those of this media type do.
    Bytes(&'static str),
    /// The bytes do not begin as those of any of the three types do.
    Unknown,
    /// The file has this many bytes.
    Large(usize),
}

impl fmt::Display for LogoFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "must be the https URL of an image, or an image inside a data: URI, which begins with \
                 data:image/png;base64, (or webp or jpeg) and goes on as `base64 -w0 logo.png` prints it",
            ),
            Self::Long(length) => write!(
                f,
                "has {length} characters, and must have at most {LONGEST_URI}, which is an image of about 3.7 KB: \
                 for a larger one, name its https URL"
            ),
            Self::Bytes(media_type) => {
                write!(f, "does not hold an image of the type that it names: the bytes are not {media_type}")
            }
            Self::Unknown => f.write_str("is no PNG, WebP or JPEG image"),
            Self::Large(length) => write!(f, "has {length} bytes, and must have at most {LARGEST}"),
        }
    }
}

impl Logo {
    /// Parses a `data:` URI (RFC 2397) of a PNG, WebP or JPEG image in base64.
    ///
    /// # Errors
    ///
    /// [`LogoFlaw`] if the text is another URI, is too long, or holds something else than it says.
    pub fn parse(text: &str) -> Result<Self, LogoFlaw> {
        if text.len() > LONGEST_URI {
            return Err(LogoFlaw::Long(text.len()));
        }
        let (media_type, base64) =
            text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).ok_or(LogoFlaw::Form)?;
        let format = Format::of(media_type).ok_or(LogoFlaw::Form)?;
        let bytes = STANDARD.decode(base64).map_err(|_| LogoFlaw::Form)?;
        if !format.begins(&bytes) {
            return Err(LogoFlaw::Bytes(format.media_type()));
        }
        Ok(Self::of(format, bytes))
    }

    /// Reads a file, whose format its first bytes tell.
    ///
    /// # Errors
    ///
    /// [`LogoFlaw`] if the file is too large, or no image of the three formats.
    pub fn read(bytes: Vec<u8>) -> Result<Self, LogoFlaw> {
        if bytes.len() > LARGEST {
            return Err(LogoFlaw::Large(bytes.len()));
        }
        let format = Format::ALL.into_iter().find(|format| format.begins(&bytes)).ok_or(LogoFlaw::Unknown)?;
        Ok(Self::of(format, bytes))
    }

    fn of(format: Format, bytes: Vec<u8>) -> Self {
        Self { format, hash: secret::encode(Digest::of(&bytes).bytes()), bytes }
    }

    /// Returns the media type of the image.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.format.media_type()
    }

    /// Returns the image file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the SHA-256 of the image file, base64url.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl TryFrom<String> for Logo {
    type Error = LogoFlaw;

    fn try_from(base64: String) -> Result<Self, LogoFlaw> {
        Self::read(STANDARD.decode(base64).map_err(|_| LogoFlaw::Unknown)?)
    }
}

impl From<Logo> for String {
    fn from(logo: Logo) -> Self {
        STANDARD.encode(logo.bytes)
    }
}

impl Format {
    const ALL: [Self; 3] = [Self::Png, Self::Webp, Self::Jpeg];

    fn of(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == media_type)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// Returns whether a file begins as those of this format do.
    fn begins(self, bytes: &[u8]) -> bool {
        match self {
            Self::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            // Between the two are 4 bytes with the length of the file.
            Self::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
            Self::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 ";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

    fn uri(media_type: &str, bytes: &[u8]) -> String {
        format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
    }

    #[test]
    fn png_webp_and_jpeg_are_kept_as_they_are() {
        for (media_type, bytes) in [("image/png", PNG), ("image/webp", WEBP), ("image/jpeg", JPEG)] {
            let logo = Logo::parse(&uri(media_type, bytes)).unwrap();
            assert_eq!((logo.media_type(), logo.bytes()), (media_type, bytes));
        }
    }

    #[test]
    fn another_image_has_another_hash() {
        let hash = |bytes: &[u8]| Logo::parse(&uri("image/png", bytes)).unwrap().hash().to_owned();
        assert_eq!(hash(PNG), hash(PNG));
        assert_ne!(hash(PNG), hash(&[PNG, b"x"].concat()));
        assert_eq!(hash(PNG).len(), 43);
    }

    #[test]
    fn what_is_not_such_an_image_is_refused_with_the_reason() {
        for (text, flaw) in [
            ("https://cdn.example/logo.png".to_owned(), LogoFlaw::Form),
            ("data:image/png,abc".to_owned(), LogoFlaw::Form),
            ("data:image/png;base64,!".to_owned(), LogoFlaw::Form),
            (uri("image/svg+xml", SVG), LogoFlaw::Form),
            (uri("image/gif", b"GIF89a"), LogoFlaw::Form),
            (uri("image/png", SVG), LogoFlaw::Bytes("image/png")),
            (uri("image/png", JPEG), LogoFlaw::Bytes("image/png")),
            (uri("image/jpeg", WEBP), LogoFlaw::Bytes("image/jpeg")),
            (uri("image/webp", b"RIFF\x24\0\0\0WAVE"), LogoFlaw::Bytes("image/webp")),
            (uri("image/webp", b"RIFF"), LogoFlaw::Bytes("image/webp")),
            (uri("image/png", b""), LogoFlaw::Bytes("image/png")),
        ] {
            assert_eq!(Logo::parse(&text), Err(flaw), "{text}");
        }
    }

    #[test]
    fn the_first_bytes_of_a_file_tell_its_format() {
        for (media_type, bytes) in [("image/png", PNG), ("image/webp", WEBP), ("image/jpeg", JPEG)] {
            let logo = Logo::read(bytes.to_vec()).unwrap();
            assert_eq!((logo.media_type(), logo.bytes()), (media_type, bytes));
            assert_eq!(serde_json::from_value::<Logo>(serde_json::to_value(&logo).unwrap()).unwrap(), logo);
        }
        for other in [SVG, b"GIF89a", b"<html>", b""] {
            assert_eq!(Logo::read(other.to_vec()), Err(LogoFlaw::Unknown));
        }
        assert!(serde_json::from_str::<Logo>("\"R0lGODlh\"").is_err());
        let of_bytes = |count: usize| Logo::read([PNG, &vec![0; count - PNG.len()]].concat());
        assert_eq!(of_bytes(LARGEST).map(|logo| logo.bytes().len()), Ok(LARGEST));
        assert_eq!(of_bytes(LARGEST + 1), Err(LogoFlaw::Large(LARGEST + 1)));
    }

    #[test]
    fn a_uri_is_as_long_as_a_variable_can_be() {
        let of_bytes = |count: usize| uri("image/png", &[PNG, &vec![0; count - PNG.len()]].concat());
        let (longest, longer) = (of_bytes(3_732), of_bytes(3_735));
        assert_eq!((longest.len(), longer.len()), (4_998, 5_002));
        assert_eq!(Logo::parse(&longest).map(|logo| logo.bytes().len()), Ok(3_732));
        assert_eq!(Logo::parse(&longer), Err(LogoFlaw::Long(5_002)));
        assert_eq!(Logo::parse(&"x".repeat(LONGEST_URI)), Err(LogoFlaw::Form), "not too long");
    }
}
