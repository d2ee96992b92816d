use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn hours(text: &str) -> Hours {
    Hours::parse(text).unwrap()
}

fn holds(window: &Window, instant: &str) -> bool {
    window.holds(Span::at(at(instant))).expect("an instant is in or out")
}

#[test]
fn days_and_hours_are_counted_where_the_window_says() {
    let offset = Offset::parse("+01:00").unwrap();
    let office = Window {
        days: vec![Day::Mon, Day::Fri],
        hours: Some(hours("08:00-18:00")),
        offset,
        ..Window::default()
    };

    // 2026-11-27 is a Friday.
    for (instant, expected) in [
        ("2026-11-27T06:59:59.999Z", false),
        ("2026-11-27T07:00:00Z", true),
        ("2026-11-27T16:59:59.999Z", true),
        ("2026-11-27T17:00:00Z", false),
        ("2026-11-26T12:00:00Z", false),
        ("2026-11-30T12:00:00Z", true),
    ] {
        assert_eq!(holds(&office, instant), expected, "{instant}");
    }
}

#[test]
fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
    let night = Window { days: vec![Day::Fri], hours: Some(hours("22:00-06:00")), ..Window::default() };

    for (instant, expected) in [
        ("2026-11-27T05:00:00Z", false),
        ("2026-11-27T23:00:00Z", true),
        ("2026-11-28T05:59:59Z", true),
        ("2026-11-28T06:00:00Z", false),
        ("2026-11-28T23:00:00Z", false),
    ] {
        assert_eq!(holds(&night, instant), expected, "{instant}");
    }
}

#[test]
fn a_window_of_dates_ends_before_its_end() {
    let window = Window {
        not_before: Some(at("2026-11-27T00:00:00Z")),
        before: Some(at("2026-12-01T00:00:00Z")),
        ..Window::default()
    };

    for (instant, expected) in [
        ("2026-11-26T23:59:59.999Z", false),
        ("2026-11-27T00:00:00Z", true),
        ("2026-11-30T23:59:59.999Z", true),
        ("2026-12-01T00:00:00Z", false),
    ] {
        assert_eq!(holds(&window, instant), expected, "{instant}");
    }
    let whole = Window { days: vec![Day::Sat, Day::Sun], ..window };
    assert!(holds(&whole, "2026-11-28T00:00:00Z") && !holds(&whole, "2026-11-27T12:00:00Z"));
}

#[test]
fn an_interval_that_the_window_covers_in_part_is_undecided() {
    let span = |from: &str, until: &str| Span { from: at(from), until: at(until) };
    let office = Window { hours: Some(hours("08:00-18:00")), ..Window::default() };
    let days = Window {
        days: Day::ALL.map(|(_, day)| day).to_vec(),
        hours: Some(hours("00:00-24:00")),
        ..Window::default()
    };

    let judge = |window: &Window, from, until| window.holds(span(from, until));
    assert_eq!(judge(&office, "2026-11-27T17:30:00Z", "2026-11-27T18:00:00Z"), Some(true));
    assert_eq!(judge(&office, "2026-11-27T17:30:00Z", "2026-11-27T18:00:00.001Z"), None);
    assert_eq!(judge(&office, "2026-11-27T18:00:00Z", "2026-11-28T08:00:00Z"), Some(false));
    assert_eq!(judge(&days, "2026-11-27T18:00:00Z", "2026-11-28T08:00:00Z"), Some(true), "days that touch");
    assert_eq!(judge(&office, "2026-11-27T17:30:00Z", "2026-12-27T17:30:00Z"), None);
    let ended = Window { before: Some(at("2026-11-27T17:00:00Z")), ..office };
    assert_eq!(judge(&ended, "2026-11-27T17:30:00Z", "2026-11-27T18:30:00Z"), Some(false));
    let forever = Span { from: Timestamp::from_millis(u64::MAX), until: Timestamp::from_millis(u64::MAX) };
    assert_eq!(ended.holds(forever), Some(false));
}

#[test]
fn times_and_offsets_are_read_as_they_are_written() {
    for good in ["00:00-24:00", "08:30-08:29"] {
        assert_eq!(String::from(Hours::parse(good).unwrap()), good);
    }
    for bad in [
        "",
        "8:00-18:00",
        "08:60-18:00",
        "08:00-24:01",
        "0800-1800",
        "+8:00-18:00",
        "08:00",
        "08:00-08:00",
        "24:00-08:00",
        "99:59-01:00",
    ] {
        assert_eq!(Hours::parse(bad), None, "{bad}");
    }
    for good in ["+00:00", "+05:30", "-08:00", "+14:00", "-14:00"] {
        assert_eq!(String::from(Offset::parse(good).unwrap()), good);
    }
    for bad in ["", "01:00", "+1:00", "+14:01", "Z", "Europe/Berlin"] {
        assert_eq!(Offset::parse(bad), None, "{bad}");
    }
}
