//! The update check.

use std::sync::Arc;

use async_graphql::{Enum, InputObject};

use super::{Branch, Package, PackageType, Release, Variant};
use crate::{
    catalog::{self, Snapshot},
    graphql::object::{enums, object},
};

/// What a phone says about itself, and what it would take.
#[derive(InputObject, Clone, Debug)]
pub struct UpdateCheckInput {
    /// What the phone calls itself (`ro.product.device`): a regional codename, or a base one, which is read together with the region that the version tells.
    pub(crate) codename: String,
    /// The build it runs (`ro.build.version.incremental`): `V12.5.4.0.RKHMIXM`.
    pub(crate) version: String,
    /// Branches that it would take an update from.
    #[graphql(default_with = "vec![Branch::Stable]")]
    pub(crate) branch: Vec<Branch>,
    /// The type of package wanted.
    #[graphql(name = "type", default_with = "PackageType::Recovery")]
    pub(crate) r#type: PackageType,
}

impl From<UpdateCheckInput> for catalog::Installed {
    fn from(input: UpdateCheckInput) -> Self {
        Self {
            codename: input.codename,
            version: input.version,
            branch: input.branch.into_iter().map(entity::value::Branch::from).collect(),
            r#type: input.r#type.into(),
        }
    }
}

/// How a phone's build stands to the catalogue.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "catalog::UpdateStatus")]
pub enum UpdateStatus {
    /// Nothing newer is known on the wanted branches.
    UpToDate,
    /// There is something newer: `latest`, reached by `packages` or `path`.
    UpdateAvailable,
    /// The catalogue does not know the build. What is newer by its number is listed all the same.
    UnknownBuild,
}

enums!(UpdateStatus);

/// Whether a phone's build is current, what is newer, and how to get there. Newer is a higher version on the same variant
/// and the wanted branches. What is built on an older Android version than the installed build is never offered, whatever its number.
pub struct UpdateCheck {
    snapshot: Arc<Snapshot>,
    check: catalog::UpdateCheck,
}

impl UpdateCheck {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, check: catalog::UpdateCheck) -> Self {
        Self { snapshot, check }
    }

    fn release(&self, at: catalog::ReleaseAt) -> Release {
        Release::new(Arc::clone(&self.snapshot), at)
    }

    fn packages_at(&self, places: &[catalog::PackageAt]) -> Vec<Package> {
        places
            .iter()
            .map(|at| Package::new(Arc::clone(&self.snapshot), *at))
            .collect()
    }
}

object! {
    /// Whether a phone's build is current, what is newer, and how to get there. Newer is a higher version on the same variant
    /// and the wanted branches. What is built on an older Android version than the installed build is never offered, whatever its number.
    impl UpdateCheck {
        /// How the build stands.
        fn status(&self) -> UpdateStatus {
            self.check.status.into()
        }

        /// The variant that the phone is of.
        fn variant(&self) -> Variant {
            Variant::new(Arc::clone(&self.snapshot), self.check.variant)
        }

        /// The installed build's release; null where the catalogue does not know it.
        fn installed(&self) -> Option<Release> {
            self.check.installed.map(|at| self.release(at))
        }

        /// The highest release to have: the first of `releases`, or the installed one where nothing is newer; null where that is not on a wanted branch, or not known.
        fn latest(&self) -> Option<Release> {
            self.check.latest.map(|at| self.release(at))
        }

        /// Releases newer than the installed build, newest first.
        fn releases(&self) -> Vec<Release> {
            self.check.releases.iter().map(|at| self.release(*at)).collect()
        }

        /// The latest release's packages of the wanted type.
        fn packages(&self) -> Vec<Package> {
            self.packages_at(&self.check.packages)
        }

        /// Incremental packages to install one after another, from the installed build to the latest release: the fewest, and of
        /// those the smallest together. Empty where there is no such chain, and where nothing is newer.
        fn path(&self) -> Vec<Package> {
            self.packages_at(&self.check.path)
        }
    }
}
