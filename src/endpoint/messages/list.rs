//! The list of all messages: the key of each, and the values that it takes.
//!
//! `[number]` is the number that the plural form depends on. `{ name: Kind }` is a value, of a kind of
//! [`Value`](super::Value).

use super::Messages;
use super::markup::{Html, Value};

/// The Rust type of a value of a kind.
macro_rules! given {
    (Html) => {
        &Html
    };
    ($kind:ident) => {
        &str
    };
}

macro_rules! messages {
    ($($key:ident $([$number:ident])? $({ $($name:ident: $kind:ident),+ })?;)+) => {
        impl Messages<'_> {
            $(pub(crate) fn $key(self $(, $number: u64)? $($(, $name: given!($kind))+)?) -> Html {
                self.fill(stringify!($key), &[
                    $((stringify!($number), Value::Count($number)),)?
                    $($((stringify!($name), Value::$kind($name)),)+)?
                ])
            })+
        }

        /// Key, number and values of every message.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, Option<&str>, &[&str])] = &[
            $((stringify!($key), number!($($number)?), &[$($(stringify!($name)),+)?]),)+
        ];
    };
}

#[cfg(test)]
macro_rules! number {
    () => {
        None
    };
    ($number:ident) => {
        Some(stringify!($number))
    };
}

messages! {
    // Every page.
    language_name;
    language_menu;
    service_name;
    help;
    title_problem { title: Html };
    signed_in_as { name: Text };
    sign_out;

    // Entering a code.
    enter_title;
    enter_heading;
    enter_warning;
    enter_code;
    enter_hint { example: Code };
    enter_hint_digits { example: Code };
    enter_hint_either { example: Code, digits: Code };
    enter_continue;
    enter_after;
    compare_title;
    compare_heading;
    compare_warning;
    compare_hint;
    compare_continue;
    check_label;
    check_loading { host: Host };
    check_needs_script;

    // Signing in.
    sign_in_title;
    sign_in_heading;
    sign_in_lead;
    sign_in_again_heading;
    sign_in_again_lead { name: Account };
    sign_in_username;
    sign_in_password;
    sign_in_button;
    sign_in_after;
    sign_in_with { provider: Text };
    going_title;
    going_heading { provider: Text };
    going_text;

    // Consent.
    consent_title;
    consent_heading { client: Client };
    consent_account { name: Account, detail: Text };
    consent_switch;
    consent_expected { name: Account };
    consent_website { client: Text, uri: Uri };
    consent_unchecked { client: Text };
    consent_vouched { client: Text, host: Uri };
    consent_warning;
    consent_details;
    consent_device;
    consent_you;
    consent_place;
    consent_network;
    consent_kind;
    consent_time;
    consent_hidden_page;
    consent_page { origin: Uri };
    consent_permissions;
    consent_no_permissions;
    consent_resources { resources: Html };
    consent_words_of { client: Text };
    consent_policy;
    consent_terms;
    consent_document { host: Host };
    consent_code;
    consent_decision;
    consent_confirm;
    consent_refuse;
    consent_approve;
    consent_report;
    consent_choices { refuse: Html, report: Html };
    near_place { place: Html };
    near_network;
    far_heading_countries { there: Html, here: Html };
    far_heading { there: Html, here: Html };
    far_advice;
    far_reasons;
    far_distance { kilometers: Html };
    doubt_place_device;
    doubt_place_person;
    doubt_tor_device;
    doubt_tor_person;
    doubt_hosting_device;
    doubt_hosting_person;
    doubt_between;
    doubt_advice;
    identifier_label;
    identifier_hint;
    expires_soon;
    expires_in_minutes [minutes];

    // Places and times.
    unknown_place;
    unknown_network;
    place_in_area { place: Html, area: Html };
    just_now;
    time_and_clock { ago: Html, clock: Html };

    // Kinds of devices.
    device_unknown;
    device_console { product: Text };
    device_television { maker: Text };
    device_television_or_other { maker: Text };
    device_smart_television;
    device_printer;
    device_command_line { program: Text };
    device_app { platform: Text };
    device_phone_or_tablet { platform: Text };
    device_computer { platform: Text };
    device_example;

    // Standard permissions.
    scope_openid;
    scope_profile;
    scope_email;
    scope_offline_access;

    // Results.
    approved_title;
    approved_now;
    approved_client { client: Client };
    approved_time { time: Html };
    approved_after;
    end_hint;
    end_button;
    verify_title;
    verify_now { client: Client };
    verify_warning;
    verify_check;
    verify_hidden;
    unverified_title;
    mistyped_now { time: Html };
    misidentified_now { time: Html };
    lapsed_now;
    unverified_advice;
    refused_title;
    refused_now;
    refused_client { client: Client };
    refused_time { time: Html };
    refused_after;
    reported_title;
    reported_now;
    reported_client { client: Client };
    reported_time { time: Html };
    reported_advice;
    reported_after;
    ended_title;
    ended_now [minutes] { time: Html };
    ended_client { client: Client };
    ended_after;
    result_kept;

    // What went wrong, above a form.
    wrong_code;
    code_missing;
    code_script;
    code_symbol { symbol: Code };
    code_short [needed];
    code_long [longest];
    code_length [typed];
    link_expired { time: Html };
    link_expired_on { day: Html };
    wait_seconds [seconds];
    wait_minutes [minutes];
    wrong_credentials;
    unconfirmed;
    identifier_missing;
    identifier_wrong;
    undecided;
    unchecked;
    check_failed;
    no_cookie;
    old_cookie;
    too_old;
    other_browser;
    not_ours;
    signed_in_elsewhere;
    signed_out;
    changed_elsewhere;
    session_over;
    provider_down { provider: Text };
    provider_clock { provider: Text };
    provider_key { provider: Text };
    provider_answer { provider: Text };
    provider_denied { provider: Text };
    provider_setup { provider: Text };
    provider_not_allowed { provider: Text };
    provider_other { provider: Text };
    provider_stale { provider: Text };
    provider_replayed;
    provider_other_browser;
    provider_too_late { provider: Text };
    provider_gone;

    // Pages that only say what happened.
    problem_enter_code;
    not_a_form_title;
    not_a_form_text;
    foreign_title;
    foreign_text;
    elsewhere_title;
    elsewhere_text;
    unavailable_title;
    unavailable_text;
    over_title;
    over_text;
    request_expired_title;
    request_expired_text { time: Html };
    lost_title;
    lost_text;
    not_allowed_title;
    not_allowed_text;
    denied_title;
    denied_text;
    denied_near;
    denied_verification;
    denied_binding;
    denied_ask;
    denied_contact { contact: Text };
    denied_help;
    access_title;
    access_lead { client: Client };
    access_warning;
    access_reason;
    access_reason_hint;
    access_button;
    access_reason_missing;
    access_reason_long;
    access_asked_thrice;
    access_asked_often;
    access_asked_by_many;
    access_was_refused;
    access_was_unanswered;
    access_waiting_title;
    access_waiting_lead { client: Client, time: Html };
    access_waiting_next;
    access_waiting_after;
    access_look;
    access_sign_in_lead;
    access_requests_title;
    access_list_title;
    access_list_none;
    access_asked { time: Html };
    access_open { day: Html };
    access_granted { time: Html };
    access_over { time: Html };
    access_refused;
    access_lapsed;
    access_not_needed { client: Client };
    access_hopeless;
    account_refused_title;
    account_refused_text;
    authorize_title;
    authorize_text;

    // Passkeys.
    passkey_button;
    passkey_or_password;
    passkey_unsupported;
    passkey_cancelled;
    passkey_exists;
    passkey_no_script;
    passkey_no_domain;
    passkey_refused;
    passkey_copied;
    passkey_expired;
    passkey_missing;
    passkeys_title;
    passkeys_sign_in_lead;
    passkeys_again_lead { name: Text };
    console_sign_in_lead;
    console_again_lead { name: Text };
    passkeys_lead;
    passkeys_none;
    passkey_unnamed;
    passkey_added { date: Html };
    passkey_last_used { date: Html };
    passkey_never_used;
    passkey_synced;
    passkey_bound;
    passkey_name;
    passkey_rename_button;
    passkey_remove_button;
    passkey_add_button;
    passkey_last_way;
    passkey_name_malformed;
    passkey_create_hint;
    passkey_not_made;
    passkey_by_access { provider: Text };

    // Sign-ins that a request demands.
    sign_in_passkey_lead { name: Text };
    sign_in_strong_lead { name: Text };

    // Invitations.
    invitation_title;
    invitation_lead;
    recovery_title;
    recovery_lead { name: Text };
    admit_lead;
    admit_account { name: Text, detail: Text };
    admit_button;
    admit_or;
    invitation_name;
    invitation_passkey_button;
    invitation_password_heading;
    invitation_password_hint;
    invitation_password_button;
    username_malformed;
    username_taken;
    name_missing;
    password_length;
    password_common;
    invitation_done_title;
    invitation_done_text;
    invitation_gone_title;
    invitation_gone_text;

    // The page of an account.
    account_title;
    account_sign_in_lead;
    account_ways;
    first_access { time: Html, place: Html, client: Client };
    first_access_known;
    first_access_look;
    devices_title;
    devices_lead;
    devices_none;
    devices_more;
    devices_back;
    devices_end_all;
    devices_end_all_confirm;
    devices_end_unconfirmed;
    devices_ended [devices];
    device_gone;
    device_page_title;
    device_from { place: Html };
    device_used { time: Html };
    device_client;
    device_started;
    device_approved;
    device_first_used;
    device_last_used;
    device_can;
    device_label;
    device_name_malformed;
    device_end_hint [minutes];
    sessions_title;
    sessions_lead;
    session_here;
    session_password;
    session_passkey;
    session_upstream { provider: Text };
    session_end;
    sessions_end;
    activity_title;
    activity_approved { client: Client };
    activity_refused { client: Client };
    activity_reported { client: Client };
    consent_end_days [days] { page: Html };
    consent_end_minutes [minutes] { page: Html };
    reported_source [devices];
    reported_source_advice;
    reported_source_button;
}
