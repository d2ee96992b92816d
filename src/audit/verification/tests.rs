use super::*;

/// Returns an honest ledger with these events.
fn ledger(numbers: &[i64]) -> Vec<Link> {
    let mut head = String::new();
    let record = |number: &i64| format!(r#"{{"id":"weur/3/{number}","event":{{"at":{number}}}}}"#);
    let mut links = Vec::new();
    for (row, record) in (1..).zip(numbers.iter().map(record)) {
        head = link(&head, &record);
        links.push(Link { row, record, head: head.clone() });
    }
    links
}

fn seal(links: &[Link]) -> Seal {
    let (first, last) = (links[0].row, links[links.len() - 1].clone());
    Seal { first, last: last.row, head: last.head }
}

fn faults(links: &[Link], seal: Option<Seal>) -> Vec<(Tampering, Vec<String>)> {
    let verified = VerifyLedger { seal, ..VerifyLedger::default() }.verify(links);
    assert_eq!(verified.next, None);
    verified.faults.into_iter().map(|fault| (fault.what, fault.events)).collect()
}

fn none() -> Vec<(Tampering, Vec<String>)> {
    Vec::new()
}

fn of(what: Tampering, events: &[&str]) -> Vec<(Tampering, Vec<String>)> {
    vec![(what, events.iter().map(|event| (*event).to_owned()).collect())]
}

/// Renumbers the rows, as somebody would who hides what he has done.
fn renumbered(mut links: Vec<Link>) -> Vec<Link> {
    (1..).zip(&mut links).for_each(|(row, link)| link.row = row);
    links
}

fn altered(link: &mut Link) {
    link.record = link.record.replace(r#""at":"#, r#""at":9"#);
}

#[test]
fn an_honest_ledger_has_no_fault_even_if_numbers_are_missing() {
    for numbers in [&[1, 2, 3][..], &[7, 8, 12, 13], &[1]] {
        let links = ledger(numbers);
        assert_eq!(faults(&links, None), none());
        assert_eq!(faults(&links, Some(seal(&links))), none());
    }
    assert_eq!(faults(&[], None), none());
    assert_eq!(faults(&[], Some(Seal::default())), none());
}

#[test]
fn a_changed_record_is_named_wherever_it_is() {
    for at in 0..5 {
        for sealed in [false, true] {
            let honest = ledger(&[3, 4, 5, 6, 7]);
            let mut links = honest.clone();
            altered(&mut links[at]);
            let name = format!("weur/3/{}", at + 3);

            let found = faults(&links, sealed.then(|| seal(&honest)));

            assert_eq!(found, of(Tampering::Changed, &[&name]), "{at} {sealed}");
        }
    }
}

#[test]
fn a_changed_head_is_named() {
    for at in 0..4 {
        let mut links = ledger(&[1, 2, 3, 4, 5]);
        links[at].head = "x".to_owned();

        assert_eq!(faults(&links, None), of(Tampering::Changed, &[&format!("weur/3/{}", at + 1)]), "{at}");
    }
}

#[test]
fn several_changes_are_all_named() {
    let mut links = ledger(&[1, 2, 3, 4, 5, 6]);
    for at in [0, 2, 5] {
        altered(&mut links[at]);
    }

    let named: Vec<_> = faults(&links, None).into_iter().flat_map(|(_, events)| events).collect();

    assert_eq!(named, ["weur/3/1", "weur/3/3", "weur/3/6"]);
}

#[test]
fn a_removed_record_is_named_even_if_the_rows_are_renumbered() {
    for at in 1..4 {
        let honest = ledger(&[1, 2, 3, 4, 5]);
        let mut links = honest.clone();
        links.remove(at);
        let expected = of(Tampering::Removed, &[&format!("weur/3/{}", at + 1)]);

        assert_eq!(faults(&links, None), expected, "{at}");
        assert_eq!(faults(&links, Some(seal(&honest))), expected, "{at}");
        assert_eq!(faults(&renumbered(links), None), expected, "{at}");
    }
}

#[test]
fn the_end_of_a_sealed_ledger_cannot_be_cut_off_and_neither_can_its_begin() {
    let honest = ledger(&[1, 2, 3, 4]);

    let missing = |links: &[Link]| {
        let all = VerifyLedger { seal: Some(seal(&honest)), ..VerifyLedger::default() }.verify(links).faults;
        let [fault] = &*all else { panic!("one fault: {all:?}") };
        assert_eq!((fault.what, fault.events.len()), (Tampering::Removed, 0));
        fault.records.map(|Numbers { first, last }| (first, last))
    };

    assert_eq!(missing(&honest[..3]), Some((4, 4)));
    assert_eq!(missing(&honest[..1]), Some((2, 4)));
    assert_eq!(missing(&honest[1..]), Some((1, 1)));
    assert_eq!(missing(&honest[3..]), Some((1, 3)));
    assert_eq!(missing(&[]), Some((1, 4)));
}

#[test]
fn an_inserted_record_is_named() {
    for at in 1..4 {
        let honest = ledger(&[1, 2, 3, 4]);
        let mut links = honest.clone();
        let mut forged = Link { record: r#"{"id":"weur/3/99","event":{}}"#.to_owned(), ..links[at].clone() };
        forged.head = link(&links[at - 1].head, &forged.record);
        links.insert(at, forged);

        assert_eq!(faults(&renumbered(links), None), of(Tampering::Inserted, &["weur/3/99"]), "{at}");
    }
}

#[test]
fn a_record_that_follows_the_seal_is_inserted_however_well_it_fits() {
    let links = ledger(&[1, 2, 3]);

    assert_eq!(faults(&links, None), none());
    assert_eq!(faults(&links, Some(seal(&links[..2]))), of(Tampering::Inserted, &["weur/3/3"]));
}

#[test]
fn a_chain_that_was_computed_again_has_another_end_than_the_sealed_one() {
    let honest = ledger(&[1, 2, 3]);
    let mut rewritten = honest.clone();
    altered(&mut rewritten[1]);
    let mut head = rewritten[0].head.clone();
    for link in &mut rewritten[1..] {
        head = super::link(&head, &link.record);
        link.head = head.clone();
    }

    assert_eq!(faults(&rewritten, None), none());
    assert_eq!(faults(&rewritten, Some(seal(&honest))), of(Tampering::Rewritten, &[]));
}

#[test]
fn many_removed_events_are_not_all_named() {
    let mut links = ledger(&(1..=50).collect::<Vec<_>>());
    links.drain(1..49);

    let found = faults(&links, None);

    assert_eq!(found[0].1.len(), 10);
    assert_eq!(found[0].1[0], "weur/3/2");
}

#[test]
fn a_long_ledger_is_verified_in_steps_that_find_what_one_step_would() {
    let most = usize::try_from(MOST_VERIFIED).unwrap();
    let numbers: Vec<i64> = (1..).take(2 * most + 1).collect();
    for at in [0, most - 1, most, most + 1, 2 * most] {
        let mut links = ledger(&numbers);
        altered(&mut links[at]);
        let (mut ask, mut named, mut steps) = (VerifyLedger::default(), Vec::new(), 0);
        loop {
            let left: Vec<_> =
                links.iter().filter(|link| link.row > ask.after.row).take(most + 1).cloned().collect();
            let verified = ask.verify(&left);
            named.extend(verified.faults.into_iter().flat_map(|fault| fault.events));
            steps += 1;
            let Some(next) = verified.next else { break };
            ask.after = next;
        }

        assert_eq!((named, steps), (vec![format!("weur/3/{}", at + 1)], 3), "{at}");
    }
}

#[test]
fn a_record_that_does_not_parse_is_a_fault_without_a_name() {
    let mut links = ledger(&[1, 2, 3]);
    links[1].record = "{".to_owned();

    assert_eq!(faults(&links, None), of(Tampering::Changed, &[]));
}
