//! The grammar of package file names. Pure: a name in, its parts out.
//!
//! A name is the strongest witness of what a file is. What it does not tell (the variant behind a ROM code, the device
//! behind a maker's board name) is for [`super::attribute`] to find out.

use chrono::NaiveDate;
use entity::value::{Codename, Md5Prefix, PackageType, Region, Version};

/// What a file name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What the package is for.
    pub package_type: PackageType,
    /// What the name says the package was built for.
    pub target: Target,
    /// The version, for an incremental the one it leads to.
    pub version: Version,
    /// The version an incremental starts from.
    pub base_version: Option<Version>,
    /// The Android version, `13.0`.
    pub android: Option<String>,
    /// The build's date stamp.
    pub built_on: Option<NaiveDate>,
    /// The region's token in a fastboot name.
    pub token: Option<String>,
    /// The ten hex digits: of the file's own MD5, or, for firmware, of its source ROM's.
    pub md5_prefix: Option<Md5Prefix>,
}

/// How a name says what it was built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By a codename: a variant's, or, in some old fastboot names, a maker's board name.
    Codename(Codename),
    /// By a ROM code, its `PRE` stripped.
    RomCode(String),
}

/// Reads a package's file name; `None` when it is of no known form.
#[must_use]
pub fn parse(filename: &str) -> Option<Name> {
    if let Some(rest) = filename.strip_prefix("fw-vendor_") {
        return taken_out(rest, PackageType::Vendor);
    }
    if let Some(rest) = filename.strip_prefix("fw_") {
        return taken_out(rest, PackageType::Firmware);
    }
    if let Some(rest) = filename
        .strip_prefix("miui-ota-")
        .or_else(|| filename.strip_prefix("miui-blockota-"))
    {
        return incremental(rest);
    }
    if let Some(rest) = filename.strip_prefix("miui_") {
        return recovery(rest, PackageType::Recovery);
    }
    if let Some((variant, rest)) = filename.split_once("-ota_incremental-") {
        return new_incremental(variant, rest);
    }
    if let Some((variant, rest)) = filename.split_once("-ota_full-") {
        return new_full(variant, rest, PackageType::Recovery);
    }
    if let Some((variant, rest)) = filename.split_once("-images-") {
        return new_fastboot(variant, rest);
    }
    let (variant, rest) = filename.split_once("_images_")?;
    fastboot(variant, rest)
}

/// `{from}` and `{to}` and the rest, behind `miui-ota-{variant}-`: the variant may itself hold hyphens, so read from the end.
fn incremental(rest: &str) -> Option<Name> {
    let mut parts = rest.strip_suffix(".zip")?.rsplitn(5, '-');
    let android = android(parts.next()?)?;
    let md5_prefix = parts.next()?.parse().ok()?;
    let version = parts.next()?.parse().ok()?;
    let base_version = parts.next()?.parse().ok()?;
    Some(Name {
        package_type: PackageType::Incremental,
        target: Target::Codename(parts.next()?.parse().ok()?),
        version,
        base_version: Some(base_version),
        android: Some(android),
        built_on: None,
        token: None,
        md5_prefix: Some(md5_prefix),
    })
}

/// `{variant}-ota_incremental-{from}-{to}-user-{android}-{h}.zip`
fn new_incremental(variant: &str, rest: &str) -> Option<Name> {
    let (base, rest) = rest.split_once('-')?;
    let name = new_full(variant, rest, PackageType::Incremental)?;
    Some(Name {
        base_version: Some(base.parse().ok()?),
        ..name
    })
}

/// `{variant}-ota_full-{version}-user-{android}-{h}.zip`
fn new_full(variant: &str, rest: &str, package_type: PackageType) -> Option<Name> {
    let mut parts = rest.strip_suffix(".zip")?.split('-');
    let version = parts.next()?.parse().ok()?;
    if !parts.next()?.starts_with("user") {
        return None;
    }
    let android = android(parts.next()?)?;
    let md5_prefix = parts.next()?.parse().ok()?;
    if parts.next().is_some() {
        return None;
    }
    Some(Name {
        package_type,
        target: Target::Codename(variant.parse().ok()?),
        version,
        base_version: None,
        android: Some(android),
        built_on: None,
        token: None,
        md5_prefix: Some(md5_prefix),
    })
}

/// `{ROMCODE}_{version}_{h}_{android}.zip`, behind `miui_`
fn recovery(rest: &str, package_type: PackageType) -> Option<Name> {
    let mut parts = rest.strip_suffix(".zip")?.rsplitn(4, '_');
    let android = android(parts.next()?)?;
    let md5_prefix = parts.next()?.parse().ok()?;
    let version = parts.next()?.parse().ok()?;
    let rom_code = parts.next()?;
    let rom_code = rom_code
        .strip_suffix("PRE")
        .filter(|plain| !plain.is_empty())
        .unwrap_or(rom_code);
    let plausible = rom_code
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    plausible.then(|| Name {
        package_type,
        target: Target::RomCode(rom_code.to_owned()),
        version,
        base_version: None,
        android: Some(android),
        built_on: None,
        token: None,
        md5_prefix: Some(md5_prefix),
    })
}

/// Firmware, or firmware and vendor: behind `fw_` or `fw-vendor_`, the name of the ROM it was taken from, a codename before it or not.
fn taken_out(rest: &str, package_type: PackageType) -> Option<Name> {
    if let Some((variants, rest)) = rest.split_once("-ota_full-") {
        return new_full(second_codename(variants), rest, package_type);
    }
    if let Some(rom) = rest.strip_prefix("miui_") {
        return recovery(rom, package_type);
    }
    if let Some((_, rom)) = rest.split_once("_miui_") {
        return recovery(rom, package_type);
    }
    // The oldest: `fw-vendor_{variant}_{version}.zip`.
    let (variant, version) = rest.strip_suffix(".zip")?.rsplit_once('_')?;
    Some(Name {
        package_type,
        target: Target::Codename(variant.parse().ok()?),
        version: version.parse().ok()?,
        base_version: None,
        android: None,
        built_on: None,
        token: None,
        md5_prefix: None,
    })
}

/// Of `degas_degas_eea_global` or `degas_eea_global_degas_eea_global` the second codename, the variant's.
fn second_codename(both: &str) -> &str {
    // One name has "-ota" behind the first codename as well.
    if let Some((_, variant)) = both.rsplit_once("-ota_") {
        return variant;
    }
    both.match_indices('_')
        .filter_map(|(at, _)| Some((both.get(..at)?, both.get(at + 1..)?)))
        .find(|(first, second)| {
            let base = first.parse::<Codename>().map(|first| first.base());
            base.is_ok_and(|base| {
                second
                    .strip_prefix(base.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            })
        })
        .map_or_else(|| behind_region(both), |(_, second)| second)
}

/// A few names have a region's letters where the first codename should be: `eea_corot_eea_global`.
fn behind_region(both: &str) -> &str {
    match both.split_once('_') {
        Some((letters, variant)) if letters == "global" || Region::from_codename_letters(letters).is_some() => variant,
        _ => both,
    }
}

/// `{version}[_{yyyymmdd}[.0000.{nn}]]_{android}[_{token}][_{carrier}]_{h}.tgz`, behind `{variant}_images_`; a few names have no ending.
fn fastboot(variant: &str, rest: &str) -> Option<Name> {
    let rest = [".tgz", ".tar", ".zip"]
        .into_iter()
        .find_map(|ending| rest.strip_suffix(ending))
        .unwrap_or(rest);
    let mut parts = rest.split('_');
    let version = parts.next()?.parse().ok()?;
    let mut name = Name {
        package_type: PackageType::Fastboot,
        target: Target::Codename(variant.parse().ok()?),
        version,
        base_version: None,
        android: None,
        built_on: None,
        token: None,
        md5_prefix: None,
    };
    for part in parts {
        if name.android.is_none() && name.built_on.is_none() && stamp(part).is_some() {
            name.built_on = stamp(part);
        } else if name.android.is_none() && android(part).is_some() {
            name.android = android(part);
        } else if let Ok(prefix) = part.parse() {
            name.md5_prefix = Some(prefix);
        } else if name.token.is_none() && name.android.is_some() {
            name.token = Some(part.to_owned());
        }
    }
    Some(name)
}

/// `{version}-user[root]-{yyyymmdd}.0000.00-{android}-{token}-{h}.tgz`, behind `{variant}-images-`
fn new_fastboot(variant: &str, rest: &str) -> Option<Name> {
    let mut parts = rest.strip_suffix(".tgz")?.split('-');
    let version = parts.next()?.parse().ok()?;
    if !parts.next()?.starts_with("user") {
        return None;
    }
    let built_on = stamp(parts.next()?);
    let android = android(parts.next()?)?;
    let mut rest = parts.collect::<Vec<_>>();
    let md5_prefix = rest.pop()?.parse().ok()?;
    Some(Name {
        package_type: PackageType::Fastboot,
        target: Target::Codename(variant.parse().ok()?),
        version,
        base_version: None,
        android: Some(android),
        built_on,
        token: rest.first().map(|token| (*token).to_owned()),
        md5_prefix: Some(md5_prefix),
    })
}

/// `20171228` or `20171228.0000.00`, when it is a day of the calendar.
fn stamp(part: &str) -> Option<NaiveDate> {
    let day = part.split('.').next()?;
    let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| NaiveDate::parse_from_str(day, "%Y%m%d").ok())?
}

/// `7.1`, `13.0`: two numbers.
fn android(part: &str) -> Option<String> {
    let (major, minor) = part.split_once('.')?;
    let number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(major) && minor.split('.').all(number)).then(|| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(filename: &str) -> Option<String> {
        let name = parse(filename)?;
        let target = match name.target {
            Target::Codename(codename) => codename.to_string(),
            Target::RomCode(code) => format!("[{code}]"),
        };
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        Some(format!(
            "{} {target} {} {} {} {} {} {}",
            name.package_type,
            name.version,
            text(name.base_version.map(|version| version.to_string())),
            text(name.android),
            text(name.built_on.map(|day| day.to_string())),
            text(name.token),
            text(name.md5_prefix.map(|prefix| prefix.to_string())),
        ))
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    #[test]
    fn every_form_of_name_is_read() {
        for (filename, parts) in [
            (
                "miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip",
                "RECOVERY [HM4XGlobal] 7.12.28 - 7.1 - - 540efd7cf5",
            ),
            (
                "miui_ALIOTHPRE_22.1.19_106c3c6099_12.0.zip",
                "RECOVERY [ALIOTH] 22.1.19 - 12.0 - - 106c3c6099",
            ),
            (
                "miui_MI2S_JLB50.0_0123456789_4.1.zip",
                "RECOVERY [MI2S] JLB50.0 - 4.1 - - 0123456789",
            ),
            (
                "zeus_in_global-ota_full-OS2.0.209.0.VLBINXM-user-15.0-bed609785b.zip",
                "RECOVERY zeus_in_global OS2.0.209.0.VLBINXM - 15.0 - - bed609785b",
            ),
            (
                "santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
                "FASTBOOT santoni_global 7.12.28 - 7.1 2017-12-28 global 8f4f84af64",
            ),
            (
                "cancro_images_6.8.4_20160725.0000.28_6.0_cn_642dbd19d7.tgz",
                "FASTBOOT cancro 6.8.4 - 6.0 2016-07-25 cn 642dbd19d7",
            ),
            (
                "tissot_images_V.9.5.10.0.ODHMIFA_20180405.0000.00_8.0_b9e697ed56.tgz",
                "FASTBOOT tissot V9.5.10.0.ODHMIFA - 8.0 2018-04-05 - b9e697ed56",
            ),
            (
                "kenzo_global_images_V8.0.6.0.LHOMIDG_20161025.0000_5.1_global_e45dc39209.tgz",
                "FASTBOOT kenzo_global V8.0.6.0.LHOMIDG - 5.1 2016-10-25 global e45dc39209",
            ),
            (
                "laurel_sprout_global_images_V12.0.2.0.RFQMIXM_20201226.0000.00_11.0_9a673f1503",
                "FASTBOOT laurel_sprout_global V12.0.2.0.RFQMIXM - 11.0 2020-12-26 - 9a673f1503",
            ),
            (
                "whyred_images_V9.5.6.0.OEICNFA_20180420.0000.00_8.1_cn_chinatelecom_0123456789.tgz",
                "FASTBOOT whyred V9.5.6.0.OEICNFA - 8.1 2018-04-20 cn 0123456789",
            ),
            (
                "umi_images_V11.0.7.0.QJBCNXM_10.0_cn_0123456789.tgz",
                "FASTBOOT umi V11.0.7.0.QJBCNXM - 10.0 - cn 0123456789",
            ),
            (
                "somalia_in_global-images-OS3.0.11.0.WBWINXM-user-20260616.0000.00-16.0-in-6eb66f6f6f.tgz",
                "FASTBOOT somalia_in_global OS3.0.11.0.WBWINXM - 16.0 2026-06-16 in 6eb66f6f6f",
            ),
            (
                "miui-blockota-alioth_eea_global-V14.0.11.0.TKHEUXM-OS1.0.1.0.TKHEUXM-ed3c7864d6-13.0.zip",
                "INCREMENTAL alioth_eea_global OS1.0.1.0.TKHEUXM V14.0.11.0.TKHEUXM 13.0 - - ed3c7864d6",
            ),
            (
                "miui-ota-dior_global-6.1.14-6.1.21-0123456789-4.4.zip",
                "INCREMENTAL dior_global 6.1.21 6.1.14 4.4 - - 0123456789",
            ),
            (
                "zorn-ota_incremental-OS2.0.102.0.VOKCNXM-OS2.0.104.0.VOKCNXM-user-15.0-d076182401.zip",
                "INCREMENTAL zorn OS2.0.104.0.VOKCNXM OS2.0.102.0.VOKCNXM 15.0 - - d076182401",
            ),
            (
                "fw_miui_HMNote5ALITE_8.3.1_993584549c_7.1.zip",
                "FIRMWARE [HMNote5ALITE] 8.3.1 - 7.1 - - 993584549c",
            ),
            (
                "fw_santoni_miui_HM4X_9.10.10_9e9000fe7c_7.1.zip",
                "FIRMWARE [HM4X] 9.10.10 - 7.1 - - 9e9000fe7c",
            ),
            (
                "fw_degas_degas_global-ota_full-OS2.0.208.0.VNEMIXM-user-15.0-4434ede5b4.zip",
                "FIRMWARE degas_global OS2.0.208.0.VNEMIXM - 15.0 - - 4434ede5b4",
            ),
            (
                "fw_degas_eea_global_degas_eea_global-ota_full-OS2.0.5.0.VNEEUXM-user-15.0-4b8cfd7cc6.zip",
                "FIRMWARE degas_eea_global OS2.0.5.0.VNEEUXM - 15.0 - - 4b8cfd7cc6",
            ),
            (
                "fw_muyu_muyu-ota_full-OS3.0.10.0.WOYCNXM-user-16.0-b2fb1875c9.zip",
                "FIRMWARE muyu OS3.0.10.0.WOYCNXM - 16.0 - - b2fb1875c9",
            ),
            (
                "fw_sweet_sweet_k6a_global-ota_full-OS2.0.5.0.VNEMIXM-user-15.0-4b8cfd7cc6.zip",
                "FIRMWARE sweet_k6a_global OS2.0.5.0.VNEMIXM - 15.0 - - 4b8cfd7cc6",
            ),
            (
                "fw_global-ota_corot_global-ota_full-OS1.1.4.0.VMLMIXM-user-15.0-3734f0c91f.zip",
                "FIRMWARE corot_global OS1.1.4.0.VMLMIXM - 15.0 - - 3734f0c91f",
            ),
            (
                "fw_eea_corot_eea_global-ota_full-OS1.1.5.0.VMLEUXM-user-15.0-03d35d5f95.zip",
                "FIRMWARE corot_eea_global OS1.1.5.0.VMLEUXM - 15.0 - - 03d35d5f95",
            ),
            (
                "fw-vendor_andromeda_miui_ANDROMEDAEEAGlobal_V10.3.20.0.PEMEUXM_36a6223a3d_9.0.zip",
                "VENDOR [ANDROMEDAEEAGlobal] V10.3.20.0.PEMEUXM - 9.0 - - 36a6223a3d",
            ),
            (
                "fw-vendor_beryllium_global_V10.3.4.0.PEJMIXM.zip",
                "VENDOR beryllium_global V10.3.4.0.PEJMIXM - - - - -",
            ),
        ] {
            assert_eq!(row(filename).as_deref(), Some(parts), "{filename}");
        }
    }

    #[test]
    fn a_name_of_no_known_form_is_not_guessed_at() {
        for filename in [
            "",
            "santoni.zip",
            "miui_HM4X.zip",
            "readme_images_",
            "miui-ota-x-1-2.zip",
            "a-ota_full-.zip",
        ] {
            assert_eq!(row(filename), None, "{filename}");
        }
    }
}
