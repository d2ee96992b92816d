//! The accent color: of links, marks and the main button.

use core::fmt;

/// The contrast that WCAG 2.2 asks for between text and its background (§1.4.3, level AA).
const ENOUGH: f64 = 4.5;
/// The card in the dark scheme of `templates/style.css`, on which links stand.
const DARK_CARD: Color = Color([0x17, 0x20, 0x29]);
const WHITE: Color = Color([0xff; 3]);
/// The lighter the color, the more steps it takes to be lighter still: a twentieth of the way to white each.
const STEPS: u8 = 20;

/// An sRGB color. Displays as `#0a5878`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Color([u8; 3]);

/// The accent color in both schemes. Its contrast is at least 4.5:1 with white in the light scheme, where it is behind
/// white text and on white, and with the dark card in the dark one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Accent {
    /// `ACCENT_COLOR` itself. Text on it is white.
    pub light: Color,
    /// The same color, mixed with as little white as its contrast with the dark card needs. Text on it has the color of
    /// that card.
    pub dark: Color,
}

/// Why a color cannot be used. Displays as what is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColorFlaw {
    /// It is not written as six hex digits.
    Form,
    /// Its contrast with white is too low.
    Pale(f64),
}

impl fmt::Display for ColorFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("must be a color such as #0a5878"),
            Self::Pale(contrast) => {
                // Cut, not rounded, so that 4.49 is not called 4.5.
                let cut = (contrast * 10.0).floor() / 10.0;
                write!(
                    f,
                    "has a contrast of {cut} with white text, and must have at least {ENOUGH}: choose a darker color"
                )
            }
        }
    }
}

impl Accent {
    /// Parses the color of the light scheme, and derives that of the dark one.
    ///
    /// # Errors
    ///
    /// [`ColorFlaw`] if the text is not a color, or white text on it would be hard to read.
    pub fn parse(text: &str) -> Result<Self, ColorFlaw> {
        let light = Color::parse(text).ok_or(ColorFlaw::Form)?;
        let contrast = light.contrast_with(WHITE);
        if contrast < ENOUGH {
            return Err(ColorFlaw::Pale(contrast));
        }
        let lighter = (0..=STEPS).map(|step| light.mixed_with_white(step));
        let dark =
            lighter.into_iter().find(|color| color.contrast_with(DARK_CARD) >= ENOUGH).unwrap_or(WHITE);
        Ok(Self { light, dark })
    }
}

impl Color {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let number =
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16));
        let [_, red, green, blue] = number?.ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    fn mixed_with_white(self, step: u8) -> Self {
        let (step, steps) = (u16::from(step), u16::from(STEPS));
        let mixed = |channel: u8| u16::from(channel) + (255 - u16::from(channel)) * step / steps;
        Self(self.0.map(|channel| u8::try_from(mixed(channel)).unwrap_or(u8::MAX)))
    }

    /// Returns the contrast ratio of WCAG 2.2, from 1 to 21.
    fn contrast_with(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Returns the relative luminance of WCAG 2.2, from 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contrast_is_that_of_wcag() {
        let contrast = |one: &str, two: &str| {
            let color = |text| Color::parse(text).unwrap();
            (color(one).contrast_with(color(two)) * 100.0).round() / 100.0
        };
        for (one, two, expected) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#767676", "#ffffff", 4.54),
            ("#0000ff", "#ffffff", 8.59),
            ("#0a0a0a", "#ffffff", 19.8),
        ] {
            assert!((contrast(one, two) - expected).abs() < 0.011, "{one} {two}: {}", contrast(one, two));
        }
    }

    #[test]
    fn each_channel_approaches_white_in_equal_steps() {
        let mixed = |step| Color([0, 55, 255]).mixed_with_white(step).0;

        assert_eq!(mixed(0), [0, 55, 255]);
        assert_eq!(mixed(STEPS / 2), [127, 155, 255]);
        assert_eq!(mixed(STEPS), [255; 3]);
    }

    #[test]
    fn a_color_has_six_hex_digits_and_enough_contrast_with_white() {
        for text in ["blue", "#fff", "0a5878", "#0a587", "#0a58788", "#0a587g", "#+a5878", ""] {
            assert_eq!(Accent::parse(text), Err(ColorFlaw::Form), "{text}");
        }
        assert!(Accent::parse("#767676").is_ok());
        let refused = Accent::parse("#777777").unwrap_err();
        assert!(refused.to_string().starts_with("has a contrast of 4.4 with white text"), "{refused}");
    }

    #[test]
    fn every_accepted_color_can_be_read_in_both_schemes() {
        let mut accepted = 0;
        for number in (0..0x0100_0000_u32).step_by(9_973) {
            let text = format!("#{number:06x}");
            let Ok(Accent { light, dark }) = Accent::parse(&text) else { continue };
            accepted += 1;
            assert_eq!(light.to_string(), text);
            assert!(
                light.contrast_with(WHITE) >= ENOUGH && dark.contrast_with(DARK_CARD) >= ENOUGH,
                "{text}"
            );
        }
        assert!(accepted > 300, "{accepted}");
        let black = Accent::parse("#000000").unwrap();
        assert!(black.dark.contrast_with(DARK_CARD) < 6.0, "no lighter than it has to be");
    }

    #[test]
    fn the_dark_card_is_that_of_the_style_sheet() {
        let style = include_str!("../../templates/style.css");
        let (_, dark) = style.split_once("prefers-color-scheme: dark").unwrap();

        assert!(dark.split("--card: ").nth(1).unwrap().starts_with(&DARK_CARD.to_string()));
    }
}
