//! Codenames: what a phone calls itself.

use std::{fmt, str::FromStr};

use super::{Invalid, Region, text_column};

/// A base codename (`alioth`) or a regional one (`alioth_eea_global`).
///
/// ASCII letters, digits, `_`, `-` and `.`, at most [`Codename::MAX_LENGTH`] of them. The letter case is kept (`HM2014011`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Codename(String);

/// Build channels that stand between a base codename and the region. What is built there is a pre-release of the plain
/// codename's build (`alioth_pre_images_22.1.19…` goes with `miui_ALIOTHPRE_22.1.19…`), so they make no variant.
const BUILD_CHANNELS: [&str; 3] = ["_dpp", "_pre", "_alpha"];

/// Two-letter endings of base codenames that name a carrier or a radio, not a region.
const CARRIERS: [&str; 2] = ["ct", "td"];

/// The parts of a codename.
struct Parts<'a> {
    /// Without channel and region.
    base: &'a str,
    /// The region's letters (`eea`), empty for plain `_global`; `None` where the codename has no region.
    letters: Option<&'a str>,
    /// All of the region's suffix (`_in_rf_global`), empty where there is none.
    suffix: &'a str,
}

impl Codename {
    /// The longest codename accepted, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The codename as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The base codename: this one less its region and channel only. `sweet_k6a_in_global` is `sweet_k6a`, a phone of its own.
    #[must_use]
    pub fn base(&self) -> Self {
        Self(self.parts().base.to_owned())
    }

    /// The codename of the variant that a build belongs to: this one less its build channel (`nuwa_pre_dpp_global` is `nuwa_global`).
    #[must_use]
    pub fn variant(&self) -> Self {
        let Parts { base, suffix, .. } = self.parts();
        Self(format!("{base}{suffix}"))
    }

    /// The region that the suffix tells. `None` without a suffix, which means China only together with another witness.
    ///
    /// # Errors
    /// When there is a suffix of the right form whose region is not known.
    pub fn region(&self) -> Result<Option<Region>, Invalid> {
        match self.parts().letters {
            None => Ok(None),
            Some(letters) => Region::from_codename_letters(letters)
                .map(Some)
                .ok_or_else(|| Invalid::new("codename", "one whose region suffix is known", &self.0)),
        }
    }

    /// The codename of this base codename's variant for a region: `alioth` and EEA make `alioth_eea_global`.
    #[must_use]
    pub fn for_region(&self, region: Region) -> Self {
        Self(format!("{}{}", self.0, region.codename_suffix()))
    }

    fn parts(&self) -> Parts<'_> {
        let text = self.0.as_str();
        let (stem, letters) = match text.strip_suffix("_global") {
            None => (text, None),
            Some(stem) => {
                let (stem, letters) = split_region(stem);
                (stem, Some(letters))
            }
        };
        let suffix = text.get(stem.len()..).unwrap_or("");
        let mut base = stem;
        while let Some(shorter) = BUILD_CHANNELS.iter().find_map(|channel| base.strip_suffix(channel)) {
            base = shorter;
        }
        Parts { base, letters, suffix }
    }
}

/// Splits what stands before `_global` into the rest and the region's letters, dropping a sales channel behind them.
fn split_region(stem: &str) -> (&str, &str) {
    let Some((rest, last)) = stem.rsplit_once('_') else {
        return (stem, "");
    };
    if Region::from_codename_letters(last).is_some() && !last.is_empty() {
        return (rest, last);
    }
    if !is_two_letters(last) || CARRIERS.contains(&last) {
        return (stem, "");
    }
    match rest.rsplit_once('_') {
        // Two more letters behind a known region are a sales channel: `_in_rf`, `_eea_or`.
        Some((base, region)) if !region.is_empty() && Region::from_codename_letters(region).is_some() => (base, region),
        _ => (rest, last),
    }
}

fn is_two_letters(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

impl FromStr for Codename {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(Invalid::new(
                "codename",
                "1 to 64 ASCII letters, digits, underscores, hyphens and full stops",
                text,
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Codename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_column!(Codename);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codename_splits_into_base_and_region_only() {
        use Region::{Eea, Global, India, Mexico, Russia, Singapore};
        for (text, base, variant, region) in [
            ("alioth", "alioth", "alioth", Ok(None)),
            ("alioth_eea_global", "alioth", "alioth_eea_global", Ok(Some(Eea))),
            ("alioth_global", "alioth", "alioth_global", Ok(Some(Global))),
            ("sakura_india_global", "sakura", "sakura_india_global", Ok(Some(India))),
            (
                "lancelot_in_rf_global",
                "lancelot",
                "lancelot_in_rf_global",
                Ok(Some(India)),
            ),
            ("venus_eea_or_global", "venus", "venus_eea_or_global", Ok(Some(Eea))),
            ("sweet_k6a", "sweet_k6a", "sweet_k6a", Ok(None)),
            (
                "sweet_k6a_in_global",
                "sweet_k6a",
                "sweet_k6a_in_global",
                Ok(Some(India)),
            ),
            (
                "emerald_r_ru_global",
                "emerald_r",
                "emerald_r_ru_global",
                Ok(Some(Russia)),
            ),
            (
                "laurel_sprout_global",
                "laurel_sprout",
                "laurel_sprout_global",
                Ok(Some(Global)),
            ),
            ("virgo_lte_ct", "virgo_lte_ct", "virgo_lte_ct", Ok(None)),
            (
                "virgo_lte_ct_global",
                "virgo_lte_ct",
                "virgo_lte_ct_global",
                Ok(Some(Global)),
            ),
            ("picasso_48m", "picasso_48m", "picasso_48m", Ok(None)),
            (
                "dandelion_c3l2_eea_global",
                "dandelion_c3l2",
                "dandelion_c3l2_eea_global",
                Ok(Some(Eea)),
            ),
            ("venus_sg_global", "venus", "venus_sg_global", Ok(Some(Singapore))),
            ("venus_mx_tl_global", "venus", "venus_mx_tl_global", Ok(Some(Mexico))),
            ("alioth_pre", "alioth", "alioth", Ok(None)),
            ("nuwa_pre_dpp", "nuwa", "nuwa", Ok(None)),
            ("nuwa_pre_dpp_global", "nuwa", "nuwa_global", Ok(Some(Global))),
            ("sagit_alpha", "sagit", "sagit", Ok(None)),
            ("venus_qq_global", "venus", "venus_qq_global", Err(())),
        ] {
            let codename: Codename = text.parse().unwrap();
            assert_eq!(codename.base().as_str(), base, "{text}");
            assert_eq!(codename.variant().as_str(), variant, "{text}");
            assert_eq!(codename.region().map_err(|_| ()), region, "{text}");
        }
    }

    #[test]
    fn what_is_no_codename_is_refused() {
        for text in ["", "a b", "../etc", "ümit", &"a".repeat(65)] {
            assert!(text.parse::<Codename>().is_err(), "{text}");
        }
    }
}
