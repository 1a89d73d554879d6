//! The words behind a command: `poco f3 eea stable-beta recovery`.

use std::str::FromStr;

use strum::VariantNames;

use crate::api::{Branch, Device, PackageType, Region};

/// What a command asks for. What is `None` narrows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// A codename or a name: every word that is nothing else.
    pub device: String,
    /// The region.
    pub region: Option<Region>,
    /// The branch.
    pub branch: Option<Branch>,
    /// The type of package.
    pub r#type: Option<PackageType>,
}

/// What a person is told who asks for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No device is named.
    #[error(
        "Of which device? Write its codename behind the command, and what narrows it: alioth eea stable.\n{}",
        words()
    )]
    NoDevice,
    /// A word of a kind stands twice.
    #[error("Only one region, one branch and one type, please.\n{}", words())]
    Twice,
    /// `/check` has not a codename and a version.
    #[error("Write what the phone calls itself and the build it runs: /check alioth_eea_global V14.0.9.0.TKHEUXM")]
    NoBuild,
    /// `/search` has no text.
    #[error("Search for what? A name, codename, version, file or MD5: /search poco f3")]
    NoText,
    /// `/unsubscribe` has no codename.
    #[error("From what? /unsubscribe alioth, or /unsubscribe all; /list shows what you have")]
    NoSubscription,
}

/// The words that narrow.
fn words() -> String {
    let listed = |names: &[&str]| {
        let names = names.iter().filter(|name| **name != "Other");
        names
            .map(|name| name.to_lowercase().replace(' ', "-"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "Regions: {}. Branches: {}. Types: {}.",
        listed(Region::VARIANTS),
        listed(Branch::VARIANTS),
        listed(PackageType::VARIANTS)
    )
}

/// Reads a word, or two joined by `-` or `_`, as a value of an enum.
fn term<T: FromStr>(word: &str, is_known: impl Fn(&T) -> bool) -> Option<T> {
    word.replace(['-', '_'], " ").parse().ok().filter(is_known)
}

/// Keeps a value, unless there is one already.
fn keep<T>(slot: &mut Option<T>, value: T) -> Result<(), RequestError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(RequestError::Twice),
    }
}

impl FromStr for Request {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let (mut region, mut branch, mut r#type) = (None, None, None);
        let mut device: Vec<&str> = Vec::new();
        for word in text.split_whitespace() {
            if let Some(found) = term(word, |region| !matches!(region, Region::Other(_))) {
                keep(&mut region, found)?;
            } else if let Some(found) = term(word, |branch| !matches!(branch, Branch::Other(_))) {
                keep(&mut branch, found)?;
            } else if let Some(found) = term(word, |r#type| !matches!(r#type, PackageType::Other(_))) {
                keep(&mut r#type, found)?;
            } else {
                device.push(word);
            }
        }
        if device.is_empty() {
            return Err(RequestError::NoDevice);
        }
        Ok(Self {
            device: device.join(" "),
            region,
            branch,
            r#type,
        })
    }
}

impl Request {
    /// What to ask for of a device: the variant, where the request names one, or else the device.
    #[must_use]
    pub fn codename_in(&self, device: &Device) -> String {
        let mut variants = device.variants.iter().map(|variant| &variant.codename);
        let named = variants.find(|codename| codename.eq_ignore_ascii_case(&self.device));
        named.unwrap_or(&device.codename).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_narrow_in_any_order_and_the_rest_is_the_device() {
        let request = Request {
            device: "POCO F3".to_owned(),
            region: Some(Region::Eea),
            branch: Some(Branch::StableBeta),
            r#type: Some(PackageType::Recovery),
        };
        for text in [
            "POCO F3 eea stable-beta recovery",
            "  recovery POCO STABLE_BETA EEA F3 ",
        ] {
            assert_eq!(text.parse(), Ok(request.clone()), "{text}");
        }
        let request = Request {
            device: "other".to_owned(),
            region: None,
            branch: None,
            r#type: None,
        };
        assert_eq!("other".parse(), Ok(request));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        assert_eq!("eea stable".parse::<Request>(), Err(RequestError::NoDevice));
        assert_eq!("alioth eea india".parse::<Request>(), Err(RequestError::Twice));
        let said = RequestError::Twice.to_string();
        assert!(
            said.contains("eea, india") && said.contains("latin-america") && !said.contains("other"),
            "{said}"
        );
    }
}
