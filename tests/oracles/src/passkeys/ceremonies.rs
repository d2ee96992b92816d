//! Ceremonies that nobody altered: both servers accept them.

use super::browser::Browser;
use super::second::{Second, registered, signed_in};

#[test]
fn both_servers_accept_what_the_software_authenticator_makes_with_our_options() {
    for counts in [false, true] {
        let (second, mut browser) = (Second::new(), Browser::new(counts));
        let (challenge, state) = second.begin();
        let made = browser.create(&challenge);
        let ours = registered(&made, &challenge).unwrap_or_else(|flaw| panic!("{flaw:?}: {made}"));
        let theirs = second.register(&made, &state).unwrap();
        assert_eq!(ours.counter, theirs.counter);
        assert_eq!(ours.id.to_string(), device_grant::secret::encode(theirs.cred_id.as_slice()));

        let (challenge, state) = second.begin_sign_in(&theirs);
        let got = browser.get(&challenge);
        assert_eq!(signed_in(&got, &challenge, &ours), Ok(()), "{got}");
        assert_eq!(second.sign_in(&got, &state), Ok(()));
    }
}
