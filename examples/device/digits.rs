//! Asks for the digits that the person who approved reads on their phone: see `docs/verification.md`.

use std::error::Error;
use std::io::{Write as _, stdin, stdout};

use oauth2::{DeviceCodeErrorResponse, RequestTokenError};

/// Returns what the person types, if the server's answer asks for it.
pub(crate) fn ask<E: Error>(
    error: &RequestTokenError<E, DeviceCodeErrorResponse>,
) -> Result<Option<String>, Box<dyn Error>> {
    let RequestTokenError::ServerResponse(answer) = error else { return Ok(None) };
    match answer.error().as_ref() {
        "initiation_verification_required" => println!("  Your phone shows four digits."),
        "initiation_verification_incorrect" => println!("  Those are not the digits on your phone."),
        _ => return Ok(None),
    }
    typed().map(Some)
}

/// Reads four digits. What cannot be digits costs no try, because it is not sent.
fn typed() -> Result<String, Box<dyn Error>> {
    loop {
        print!("  Type them here: ");
        stdout().flush()?;
        let mut line = String::new();
        if stdin().read_line(&mut line)? == 0 {
            return Err("Nobody can type the digits here, so the device cannot be signed in.".into());
        }
        let typed = line.trim();
        if typed.len() == 4 && typed.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(typed.to_owned());
        }
        println!("  These are not four digits.");
    }
}
