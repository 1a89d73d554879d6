//! Opaque cursors: an order's name and a row's place in it, encoded. A cursor of one order is refused by every other.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::catalog::{
    Day, DeviceField, DeviceKey, DeviceValue, LatestKey, PackageField, PackageKey, PackageValue, ReleaseField,
    ReleaseKey, ReleaseValue,
};

/// What stands between the parts of a cursor: a character that no part can have, save the last.
const SEPARATOR: char = '|';

fn seal(parts: &[&str]) -> String {
    BASE64.encode(parts.join("|"))
}

/// The parts of a cursor that starts with `tag`; the last takes whatever is left.
fn open<const N: usize>(cursor: &str, tag: &str) -> Option<[String; N]> {
    let text = String::from_utf8(BASE64.decode(cursor).ok()?).ok()?;
    let rest = text.strip_prefix(tag)?.strip_prefix(SEPARATOR)?;
    let parts: Vec<String> = rest.splitn(N, SEPARATOR).map(str::to_owned).collect();
    parts.try_into().ok()
}

fn day(day: Option<Day>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// `Some(None)` for no date, `None` for text that is no date.
#[expect(
    clippy::option_option,
    reason = "no date is a place in the order, no text is a mistake"
)]
fn read_day(text: &str) -> Option<Option<Day>> {
    if text.is_empty() {
        Some(None)
    } else {
        Day::parse(text).map(Some)
    }
}

const fn device_tag(field: DeviceField) -> &'static str {
    match field {
        DeviceField::Codename => "d.codename",
        DeviceField::Name => "d.name",
        DeviceField::LastReleasedOn => "d.date",
    }
}

const fn release_tag(field: ReleaseField) -> &'static str {
    match field {
        ReleaseField::ReleasedOn => "r.date",
        ReleaseField::Version => "r.version",
    }
}

const fn package_tag(field: PackageField) -> &'static str {
    match field {
        PackageField::ReleasedOn => "p.date",
        PackageField::Version => "p.version",
        PackageField::Size => "p.size",
    }
}

const LATEST_TAG: &str = "l";
const CHANGE_TAG: &str = "c";
const HIT_TAG: &str = "s";
const WEBHOOK_TAG: &str = "w";
const DELIVERY_TAG: &str = "y";

/// A hit's place among the results of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct HitKey {
    /// Its score.
    pub score: f64,
    /// Its id.
    pub id: String,
}

/// The cursor of a hit.
pub fn of_hit(key: &HitKey) -> String {
    seal(&[HIT_TAG, &key.score.to_string(), &key.id])
}

/// Reads the cursor of a hit.
pub fn hit(cursor: &str) -> Option<HitKey> {
    let [score, id] = open(cursor, HIT_TAG)?;
    let score = score.parse().ok().filter(|score: &f64| score.is_finite())?;
    Some(HitKey { score, id })
}

/// The cursor of a webhook.
pub fn of_webhook(id: &str) -> String {
    seal(&[WEBHOOK_TAG, id])
}

/// Reads the cursor of a webhook.
pub fn webhook(cursor: &str) -> Option<String> {
    let [id] = open(cursor, WEBHOOK_TAG)?;
    Some(id)
}

/// The cursor of a delivery.
pub fn of_delivery(id: i64) -> String {
    seal(&[DELIVERY_TAG, &id.to_string()])
}

/// Reads the cursor of a delivery.
pub fn delivery(cursor: &str) -> Option<i64> {
    let [id] = open(cursor, DELIVERY_TAG)?;
    id.parse().ok()
}

/// The cursor of a change: its place in the change log.
#[must_use]
pub fn of_change(id: i64) -> String {
    seal(&[CHANGE_TAG, &id.to_string()])
}

/// Reads the cursor of a change.
pub fn change(cursor: &str) -> Option<i64> {
    let [id] = open(cursor, CHANGE_TAG)?;
    id.parse().ok()
}

/// The cursor of a device.
pub fn of_device(field: DeviceField, key: &DeviceKey) -> String {
    let value = match &key.value {
        DeviceValue::Codename => String::new(),
        DeviceValue::Name(name) => name.clone(),
        DeviceValue::LastReleasedOn(date) => day(*date),
    };
    seal(&[device_tag(field), &key.codename, &value])
}

/// Reads the cursor of a device.
pub fn device(field: DeviceField, cursor: &str) -> Option<DeviceKey> {
    let [codename, value] = open(cursor, device_tag(field))?;
    let value = match field {
        DeviceField::Codename => DeviceValue::Codename,
        DeviceField::Name => DeviceValue::Name(value),
        DeviceField::LastReleasedOn => DeviceValue::LastReleasedOn(read_day(&value)?),
    };
    Some(DeviceKey { value, codename })
}

/// The cursor of a release.
pub fn of_release(field: ReleaseField, key: &ReleaseKey) -> String {
    let value = match key.value {
        ReleaseValue::ReleasedOn(date) => day(date),
        ReleaseValue::Version => String::new(),
    };
    seal(&[release_tag(field), &value, &key.version, &key.variant])
}

/// Reads the cursor of a release.
pub fn release(field: ReleaseField, cursor: &str) -> Option<ReleaseKey> {
    let [value, version, variant] = open(cursor, release_tag(field))?;
    let value = match field {
        ReleaseField::ReleasedOn => ReleaseValue::ReleasedOn(read_day(&value)?),
        ReleaseField::Version => ReleaseValue::Version,
    };
    Some(ReleaseKey {
        value,
        version,
        variant,
    })
}

/// The cursor of a package.
pub fn of_package(field: PackageField, key: &PackageKey) -> String {
    let value = match &key.value {
        PackageValue::ReleasedOn(date) => day(*date),
        PackageValue::Version(version) => version.clone(),
        PackageValue::Size(size) => size.map(|size| size.to_string()).unwrap_or_default(),
    };
    seal(&[package_tag(field), &value, &key.filename])
}

/// Reads the cursor of a package.
pub fn package(field: PackageField, cursor: &str) -> Option<PackageKey> {
    let [value, filename] = open(cursor, package_tag(field))?;
    let value = match field {
        PackageField::ReleasedOn => PackageValue::ReleasedOn(read_day(&value)?),
        PackageField::Version => PackageValue::Version(value),
        PackageField::Size if value.is_empty() => PackageValue::Size(None),
        PackageField::Size => PackageValue::Size(Some(value.parse().ok()?)),
    };
    Some(PackageKey { value, filename })
}

/// The cursor of a newest package.
pub fn of_latest(key: &LatestKey) -> String {
    seal(&[LATEST_TAG, key.branch.name(), key.r#type.name(), &key.variant])
}

/// Reads the cursor of a newest package.
pub fn latest(cursor: &str) -> Option<LatestKey> {
    let [branch, r#type, variant] = open(cursor, LATEST_TAG)?;
    Some(LatestKey::new(variant, branch.parse().ok()?, r#type.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_in_its_own_order_alone() {
        let key = PackageKey {
            value: PackageValue::ReleasedOn(Day::parse("2017-12-28")),
            filename: "odd|name.zip".to_owned(),
        };
        let cursor = of_package(PackageField::ReleasedOn, &key);
        assert_eq!(package(PackageField::ReleasedOn, &cursor), Some(key));
        assert_eq!(package(PackageField::Size, &cursor), None);
        assert_eq!(release(ReleaseField::ReleasedOn, &cursor), None);
        for garbage in ["", "x", "🦀", "cC5kYXRl", &BASE64.encode("p.date|2017-13-01|a.zip")] {
            assert_eq!(package(PackageField::ReleasedOn, garbage), None, "{garbage}");
        }
    }

    #[test]
    fn rows_without_a_value_have_cursors_too() {
        let key = PackageKey {
            value: PackageValue::Size(None),
            filename: "a.zip".to_owned(),
        };
        assert_eq!(
            package(PackageField::Size, &of_package(PackageField::Size, &key)),
            Some(key)
        );
    }
}
