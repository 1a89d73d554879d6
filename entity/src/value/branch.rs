//! The branch on which a release is published.

use super::{Invalid, Version, named_enum};

named_enum! {
    /// How finished a release is, and for whom. The order of the members is the order in which disagreeing copies are
    /// settled: the first wins, so a build that became stable stays stable.
    Branch: "branch" {
        /// For everyone.
        Stable = "STABLE",
        /// A stable build in its first days, for testers; it becomes stable under the same version and file.
        StableBeta = "STABLE_BETA",
        /// Public beta, versions that end in `.DEV`.
        PublicBeta = "PUBLIC_BETA",
        /// The weekly developer ROM that was published until 2022.
        Weekly = "WEEKLY",
    }
}

impl Branch {
    /// Reads the label that a source gives a package (`Stable Beta`, `weekly`); case does not matter.
    ///
    /// # Errors
    /// When the label is none of the known ones.
    pub fn from_label(label: &str) -> Result<Self, Invalid> {
        Ok(match label.trim().to_ascii_lowercase().as_str() {
            "stable" => Self::Stable,
            "stable beta" => Self::StableBeta,
            "public beta" => Self::PublicBeta,
            "weekly" => Self::Weekly,
            _ => {
                return Err(Invalid::new(
                    "branch",
                    "Stable, Stable Beta, Public Beta or Weekly",
                    label,
                ));
            }
        })
    }

    /// The label that sources give it, as [`Branch::from_label`] reads it: `Stable Beta`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Stable => "Stable",
            Self::StableBeta => "Stable Beta",
            Self::PublicBeta => "Public Beta",
            Self::Weekly => "Weekly",
        }
    }

    /// The branch of a release, from its version and the branches its copies are labelled with.
    ///
    /// A version that ends in `.DEV` is a public beta whatever the labels say. Among labels that disagree the first
    /// in the order of the members wins. Without any label the version decides.
    #[must_use]
    pub fn settle(version: &Version, labels: impl IntoIterator<Item = Self>) -> Self {
        if version.is_public_beta() {
            return Self::PublicBeta;
        }
        labels.into_iter().min().unwrap_or(if version.is_weekly() {
            Self::Weekly
        } else {
            Self::Stable
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_as_it_is_written() {
        for branch in Branch::ALL {
            assert_eq!(Branch::from_label(branch.label()), Ok(*branch));
        }
    }

    #[test]
    fn the_branch_is_settled_from_version_and_labels() {
        use Branch::{PublicBeta, Stable, StableBeta, Weekly};
        for (version, labels, branch) in [
            ("V13.1.22.10.11.DEV", &[Stable][..], PublicBeta),
            ("V12.5.4.0.RKHMIXM", &[StableBeta, Stable], Stable),
            ("V12.5.4.0.RKHMIXM", &[StableBeta], StableBeta),
            ("23.5.6", &[PublicBeta], PublicBeta),
            ("9.6.27", &[], Weekly),
            ("V12.5.4.0.RKHMIXM", &[], Stable),
        ] {
            let version: Version = version.parse().unwrap();
            assert_eq!(
                Branch::settle(&version, labels.iter().copied()),
                branch,
                "{version} {labels:?}"
            );
        }
    }
}
