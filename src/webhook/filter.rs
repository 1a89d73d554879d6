//! Which changes a webhook wants, as it is stored.

use entity::{
    change::ChangeKind,
    value::{Branch, OperatingSystem, PackageType, Region},
};
use serde::{Deserialize, Serialize};

use crate::catalog::{self, ChangeFilter};

/// Which changes a webhook wants. A member that is `None` admits everything, an empty list nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Kinds of changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Vec<ChangeKind>>,
    /// Codenames, base or regional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Vec<String>>,
    /// Operating systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<Vec<OperatingSystem>>,
    /// Branches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Vec<Branch>>,
    /// Regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Vec<Region>>,
    /// Package types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Vec<PackageType>>,
}

impl From<Filter> for ChangeFilter {
    fn from(filter: Filter) -> Self {
        Self {
            kind: filter.kind,
            subject: catalog::Filter {
                device: filter.device,
                os: filter.os.map(|values| values.into_iter().collect()),
                branch: filter.branch.map(|values| values.into_iter().collect()),
                region: filter.region.map(|values| values.into_iter().collect()),
                r#type: filter.r#type.map(|values| values.into_iter().collect()),
                ..catalog::Filter::default()
            },
        }
    }
}
