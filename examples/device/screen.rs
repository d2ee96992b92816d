//! What the device's screen shows. The screen is the terminal, so what a server sends is escaped: otherwise the
//! server could move the cursor or hide a part of its answer.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::{Duration, Instant};

use device_grant::visible::escaped;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::instant::{Codes, Waiting};

/// Shows where to enter the code, and a QR code of the address (RFC 8628 §3.3, §3.3.1).
pub(crate) fn show_code(details: &Codes) -> Result<(), Box<dyn Error>> {
    let address = escaped(details.verification_uri().as_str());
    println!("\n  To sign this device in, open\n\n      {address}\n\n  and enter the code\n");
    println!("      {}\n", escaped(details.user_code().secret()));
    if let Some(complete) = details.verification_uri_complete() {
        println!("  or scan this, and compare the code:\n");
        show_qr_code(complete.secret())?;
    }
    Ok(())
}

fn show_qr_code(address: &str) -> Result<(), Box<dyn Error>> {
    let picture = QrCode::new(address)?.render::<Dense1x2>().quiet_zone(true).build();
    // Scanners need dark on light, so this is black on white whatever the terminal's own colors are.
    let (paint, plain) = if stdout().is_terminal() { ("\x1b[30;47m", "\x1b[0m") } else { ("", "") };
    for line in picture.lines() {
        println!("      {paint}{line}{plain}");
    }
    println!();
    Ok(())
}

/// Shows a token's claims. A real client verifies the signature before it believes them.
pub(crate) fn show_claims(name: &str, token: &str) -> Result<(), Box<dyn Error>> {
    let payload = token.split('.').nth(1).and_then(device_grant::secret::decode);
    let payload = payload.ok_or_else(|| format!("{name} is not a JWT, so it has no claims to show."))?;
    let claims: serde_json::Value = serde_json::from_slice(&payload)?;
    println!("  {name}");
    for line in serde_json::to_string_pretty(&claims)?.lines() {
        println!("    {}", escaped(line));
    }
    println!();
    Ok(())
}

/// The line that says how long the code is still good. On a terminal it is updated in place every second. A
/// file or a pipe gets it once.
pub(crate) struct Countdown {
    began: Instant,
    lifetime: Duration,
    on_terminal: bool,
}

impl Countdown {
    pub(crate) fn start(lifetime: Duration) -> Self {
        let countdown = Self { began: now(), lifetime, on_terminal: stdout().is_terminal() };
        let line = countdown.line(true);
        if countdown.on_terminal {
            draw(&line);
        } else {
            println!("{line}\n");
        }
        countdown
    }

    /// Sleeps until the next poll, which comes sooner if the server says so. `answered` says whether the last poll got an
    /// answer.
    pub(crate) fn sleep(&self, interval: Duration, waiting: &Waiting, answered: bool) {
        let began = now();
        loop {
            if self.on_terminal {
                draw(&self.line(answered));
            }
            let left = waiting.pause(interval).saturating_sub(began.elapsed());
            if left.is_zero() || waiting.sleep(left.min(Duration::from_secs(1))) {
                return;
            }
        }
    }

    /// Clears the line, for what is shown next.
    pub(crate) fn clear(&self) {
        if self.on_terminal {
            draw("");
        }
    }

    fn line(&self, answered: bool) -> String {
        let left = self.lifetime.saturating_sub(self.began.elapsed());
        let seconds = left.as_millis().div_ceil(1000);
        let state = if answered {
            "Waiting for you to approve."
        } else {
            "The server does not answer. Trying again."
        };
        format!("  {state} The code is good for {}:{:02}.", seconds / 60, seconds % 60)
    }
}

/// Replaces the line that the cursor is on.
fn draw(line: &str) {
    print!("\r{line}\x1b[K");
    // A terminal that is gone is no reason to stop: somebody may still approve.
    stdout().flush().ok();
}

#[expect(clippy::disallowed_methods, reason = "the device reads its own clock")]
fn now() -> Instant {
    Instant::now()
}
