//! Applies commands about devices to the rows of one `AccountShard`.

use super::account::Account;
use super::account_key::AccountKey;
use super::command::{
    Checked, EnterDevice, Entered, ListDevices, NameDevice, NoteKill, SettleDevices, UseDevice, WalkDevices,
};
use super::device::{Device, DeviceId, State};
use super::histories;
use super::recheck::Upkeep;
use super::rows::Rows;
use super::walk::Walked;
use crate::time::Timestamp;

pub(super) fn enter<R: Rows>(rows: &R, ask: &EnterDevice, now: Timestamp) -> Result<Entered, R::Error> {
    let Some(account) = usable(rows, &ask.device.account)? else { return Ok(Entered::Refused) };
    if account.groups != ask.groups {
        return Ok(Entered::OtherGroups(account.groups));
    }
    // A kill switch ends the devices that are entered. One that is entered later must have been judged by it.
    if rows.latest_kill()?.is_some_and(|kill| !kill.is_in(ask.judged_by)) {
        return Ok(Entered::Outdated);
    }
    // The platform may deliver the command twice.
    if rows.device(&ask.id)?.is_none() {
        rows.put_device(&ask.id, &ask.device)?;
        histories::admit(rows, ask, &account, now)?;
        extend_upkeep(rows, &ask.device)?;
    }
    Ok(Entered::Entered(Box::new(account)))
}

/// Keeps what the leaver check needs for as long as the device can refresh.
fn extend_upkeep<R: Rows>(rows: &R, device: &Device) -> Result<(), R::Error> {
    match rows.upkeep(&device.account)? {
        Some(upkeep) if upkeep.ends_at < device.ends_at => {
            rows.put_upkeep(&Upkeep { ends_at: device.ends_at, ..upkeep })
        }
        Some(_) | None => Ok(()),
    }
}

/// Notes that a device was used, and returns its account.
pub(super) fn touch<R: Rows>(
    rows: &R,
    UseDevice { id, good_until }: &UseDevice,
    now: Timestamp,
) -> Result<Option<Account>, R::Error> {
    let Some(mut device) = good(rows, id, now)? else { return Ok(None) };
    let account = usable(rows, &device.account)?;
    if account.is_some() && device.touch(*good_until, now) {
        rows.put_device(id, &device)?;
        extend_upkeep(rows, &device)?;
    }
    Ok(account)
}

pub(super) fn check<R: Rows>(rows: &R, id: &DeviceId, now: Timestamp) -> Result<Checked, R::Error> {
    let Some(device) = good(rows, id, now)? else { return Ok(Checked { account: None, kill: None }) };
    Ok(Checked { account: usable(rows, &device.account)?, kill: rows.latest_kill()? })
}

pub(super) fn note_kill<R: Rows>(rows: &R, NoteKill { kill }: &NoteKill) -> Result<(), R::Error> {
    let is_later = rows.latest_kill()?.is_none_or(|known| known.at <= kill.at);
    if is_later { rows.put_latest_kill(kill) } else { Ok(()) }
}

pub(super) fn list<R: Rows>(rows: &R, ask: &ListDevices) -> Result<Vec<(DeviceId, Device)>, R::Error> {
    let mut found = Vec::new();
    rows.each_device(ask.account.as_ref(), ask.after.as_ref(), |id, device| {
        if ask.selection.has(&id, &device) {
            found.push((id, device));
        }
        found.len() < ask.limit as usize
    })?;
    Ok(found)
}

pub(super) fn walk<R: Rows>(rows: &R, ask: &WalkDevices) -> Result<Walked<DeviceId, Device>, R::Error> {
    let mut walked = Walked::begin();
    rows.each_device(ask.account.as_ref(), ask.after.as_ref(), |id, device| {
        let is_wanted = ask.selection.has(&id, &device);
        walked.see(id, Some(device).filter(|_| is_wanted), ask.bounds)
    })?;
    Ok(walked)
}

pub(super) fn settle<R: Rows>(rows: &R, ask: &SettleDevices, now: Timestamp) -> Result<(), R::Error> {
    for id in &ask.live {
        if let Some(device) = rows.device(id)?.filter(|device| device.state == State::Pending) {
            rows.put_device(id, &Device { state: State::Confirmed, ..device })?;
        }
    }
    for id in &ask.gone {
        if rows.device(id)?.is_some_and(|device| device.is_over(now)) {
            rows.remove_device(id)?;
        }
    }
    Ok(())
}

pub(super) fn name<R: Rows>(rows: &R, ask: NameDevice, now: Timestamp) -> Result<bool, R::Error> {
    let NameDevice { id, account, label } = ask;
    let Some(device) = good(rows, &id, now)?.filter(|device| device.account == account) else {
        return Ok(false);
    };
    rows.put_device(&id, &Device { label, ..device })?;
    Ok(true)
}

pub(super) fn end<R: Rows>(rows: &R, ids: &[DeviceId]) -> Result<(), R::Error> {
    for id in ids {
        if let Some(device) = rows.device(id)? {
            rows.put_device(id, &Device { state: State::Ended, ..device })?;
        }
    }
    Ok(())
}

pub(super) fn end_all<R: Rows>(rows: &R, account: &AccountKey) -> Result<(), R::Error> {
    let mut ids = Vec::new();
    rows.each_device(Some(account), None, |id, device| {
        if device.state != State::Ended {
            ids.push(id);
        }
        true
    })?;
    end(rows, &ids)
}

pub(super) fn forget<R: Rows>(rows: &R, ids: &[DeviceId]) -> Result<(), R::Error> {
    for id in ids {
        if rows.device(id)?.is_some_and(|device| device.state == State::Ended) {
            rows.remove_device(id)?;
        }
    }
    Ok(())
}

fn good<R: Rows>(rows: &R, id: &DeviceId, now: Timestamp) -> Result<Option<Device>, R::Error> {
    Ok(rows.device(id)?.filter(|device| device.is_good(now)))
}

/// Returns an account, unless it may not be used.
fn usable<R: Rows>(rows: &R, account: &AccountKey) -> Result<Option<Account>, R::Error> {
    Ok(rows.account(account)?.filter(|account| account.standing.is_active()))
}
