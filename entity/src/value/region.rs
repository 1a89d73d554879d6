//! Sales regions, and every way in which sources write them.

use super::{Invalid, named_enum};

named_enum! {
    /// The region for which a variant is built. The order of the members is the order in which variants are listed.
    Region: "region" {
        /// Mainland China.
        China = "CHINA",
        /// Everywhere without a build of its own.
        Global = "GLOBAL",
        /// The European Economic Area.
        Eea = "EEA",
        /// India.
        India = "INDIA",
        /// Russia.
        Russia = "RUSSIA",
        /// Indonesia.
        Indonesia = "INDONESIA",
        /// Turkey.
        Turkey = "TURKEY",
        /// Taiwan.
        Taiwan = "TAIWAN",
        /// Japan.
        Japan = "JAPAN",
        /// South Korea.
        Korea = "KOREA",
        /// Singapore.
        Singapore = "SINGAPORE",
        /// Latin America.
        LatinAmerica = "LATIN_AMERICA",
        /// Mexico.
        Mexico = "MEXICO",
        /// Chile.
        Chile = "CHILE",
        /// Guatemala.
        Guatemala = "GUATEMALA",
        /// South Africa.
        SouthAfrica = "SOUTH_AFRICA",
        /// Thailand.
        Thailand = "THAILAND",
    }
}

/// How one region is written where.
struct Spelling {
    region: Region,
    /// In a codename, between the base and `_global`.
    codename: &'static [&'static str],
    /// In a version's tail, the fourth and fifth letter.
    version: &'static [&'static str],
    /// In a ROM code, behind the base's part; the first is the usual one.
    rom_code: &'static [&'static str],
    /// In a fastboot package's file name.
    token: &'static str,
    /// At the end of a label, the region's own word first.
    words: &'static [&'static str],
}

#[rustfmt::skip]
const SPELLINGS: &[Spelling] = &[
    Spelling { region: Region::China, codename: &[], version: &["CN", "CM"], rom_code: &[""], token: "cn", words: &["China"] },
    Spelling { region: Region::Global, codename: &[""], version: &["MI"], rom_code: &["Global"], token: "global", words: &["Global"] },
    Spelling { region: Region::Eea, codename: &["eea"], version: &["EU"], rom_code: &["EEAGlobal", "EUGlobal"], token: "eea", words: &["EEA", "Europe"] },
    Spelling { region: Region::India, codename: &["in", "india"], version: &["IN"], rom_code: &["INGlobal"], token: "in", words: &["India"] },
    Spelling { region: Region::Russia, codename: &["ru"], version: &["RU"], rom_code: &["RUGlobal"], token: "ru", words: &["Russia"] },
    Spelling { region: Region::Indonesia, codename: &["id"], version: &["ID"], rom_code: &["IDGlobal"], token: "id", words: &["Indonesia"] },
    Spelling { region: Region::Turkey, codename: &["tr"], version: &["TR"], rom_code: &["TRGlobal"], token: "tr", words: &["Turkey"] },
    Spelling { region: Region::Taiwan, codename: &["tw"], version: &["TW"], rom_code: &["TWGlobal"], token: "tw", words: &["Taiwan"] },
    Spelling { region: Region::Japan, codename: &["jp"], version: &["JP"], rom_code: &["JPGlobal"], token: "jp", words: &["Japan"] },
    Spelling { region: Region::Korea, codename: &["kr"], version: &["KR"], rom_code: &["KRGlobal"], token: "kr", words: &["Korea", "South Korea"] },
    Spelling { region: Region::Singapore, codename: &["sg"], version: &["SG"], rom_code: &["SGP", "SGGlobal"], token: "sg", words: &["Singapore"] },
    Spelling { region: Region::LatinAmerica, codename: &["lm"], version: &["LM"], rom_code: &["LMGlobal"], token: "lm", words: &["Latin America"] },
    Spelling { region: Region::Mexico, codename: &["mx"], version: &["MX"], rom_code: &["MXGlobal"], token: "mx", words: &["Mexico"] },
    Spelling { region: Region::Chile, codename: &["cl"], version: &["CL"], rom_code: &["CLGlobal"], token: "cl", words: &["Chile"] },
    Spelling { region: Region::Guatemala, codename: &["gt"], version: &["GT"], rom_code: &["GTGlobal"], token: "gt", words: &["Guatemala"] },
    Spelling { region: Region::SouthAfrica, codename: &["za"], version: &["ZA"], rom_code: &["ZAGlobal"], token: "za", words: &["South Africa"] },
    Spelling { region: Region::Thailand, codename: &["th"], version: &["TH"], rom_code: &["THGlobal"], token: "th", words: &["Thailand"] },
];

fn find(matches: impl Fn(&Spelling) -> bool) -> Option<Region> {
    SPELLINGS
        .iter()
        .find(|spelling| matches(spelling))
        .map(|spelling| spelling.region)
}

impl Region {
    fn spelling(self) -> Option<&'static Spelling> {
        SPELLINGS.iter().find(|spelling| spelling.region == self)
    }

    /// By the letters between a codename's base and its `_global`; empty letters are [`Region::Global`].
    #[must_use]
    pub fn from_codename_letters(letters: &str) -> Option<Self> {
        find(|spelling| spelling.codename.contains(&letters))
    }

    /// What a regional codename of this region usually ends in: `_eea_global`, `_global`, nothing for China.
    #[must_use]
    pub fn codename_suffix(self) -> String {
        match self.spelling().and_then(|spelling| spelling.codename.first()) {
            None => String::new(),
            Some(&"") => "_global".to_owned(),
            Some(letters) => format!("_{letters}_global"),
        }
    }

    /// By the two region letters of a version's tail. `MI` is [`Region::Global`], though Singapore's builds carry it too.
    ///
    /// # Errors
    /// When no region has these letters.
    pub fn from_version_letters(letters: &str) -> Result<Self, Invalid> {
        find(|spelling| spelling.version.contains(&letters))
            .ok_or_else(|| Invalid::new("version's region", "a known pair of letters", letters))
    }

    /// By what a ROM code has behind its base's part: `ALIOTHEEAGlobal` read against `ALIOTH` leaves `EEAGlobal`.
    #[must_use]
    pub fn from_rom_code_infix(infix: &str) -> Option<Self> {
        find(|spelling| spelling.rom_code.contains(&infix))
    }

    /// Every infix by which a ROM code may tell this region, the usual one first.
    #[must_use]
    pub fn rom_code_infixes(self) -> &'static [&'static str] {
        self.spelling().map_or(&[], |spelling| spelling.rom_code)
    }

    /// By the token of a fastboot package's name. `global` is a weak witness: packages of many regions carry it.
    #[must_use]
    pub fn from_fastboot_token(token: &str) -> Option<Self> {
        find(|spelling| spelling.token == token)
    }

    /// By a source's word for the region, whole: `Europe`, `South Korea`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        find(|spelling| {
            spelling
                .words
                .iter()
                .any(|known| known.eq_ignore_ascii_case(word.trim()))
        })
    }

    /// Splits a label into the name and the region that its last word or words tell: `POCO F3 EEA` is `POCO F3`, EEA.
    #[must_use]
    pub fn split_label(label: &str) -> (&str, Option<Self>) {
        let label = label.trim();
        SPELLINGS
            .iter()
            .flat_map(|spelling| spelling.words.iter().map(move |word| (word, spelling.region)))
            .filter_map(|(word, region)| {
                let name = label.strip_suffix(word)?;
                name.ends_with(char::is_whitespace)
                    .then(|| (name.trim_end(), Some(region)))
            })
            .min_by_key(|(name, _)| name.len())
            .unwrap_or((label, None))
    }

    /// The region's English name, as labels end in it.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.spelling()
            .and_then(|spelling| spelling.words.first())
            .copied()
            .unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_spelt_and_found_again() {
        for &region in Region::ALL {
            assert_eq!(
                Region::split_label(&format!("POCO F3 {}", region.label())),
                ("POCO F3", Some(region))
            );
            assert_eq!(region.name().parse(), Ok(region));
            let suffix = region.codename_suffix();
            if let Some(letters) = suffix.strip_suffix("_global") {
                assert_eq!(
                    Region::from_codename_letters(letters.trim_start_matches('_')),
                    Some(region)
                );
            }
        }
    }

    #[test]
    fn a_label_ends_in_its_region() {
        for (label, name, region) in [
            ("POCO F3 EEA", "POCO F3", Some(Region::Eea)),
            ("Mi 9 Europe", "Mi 9", Some(Region::Eea)),
            ("Mi 10 South Korea", "Mi 10", Some(Region::Korea)),
            ("Mi 10 Korea", "Mi 10", Some(Region::Korea)),
            ("Redmi K40/POCO F3", "Redmi K40/POCO F3", None),
            ("China", "China", None),
        ] {
            assert_eq!(Region::split_label(label), (name, region));
        }
    }

    #[test]
    fn unknown_version_letters_are_not_guessed() {
        assert_eq!(Region::from_version_letters("CM"), Ok(Region::China));
        assert!(Region::from_version_letters("QQ").is_err());
    }
}
