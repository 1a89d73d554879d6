//! What has an id.

use std::sync::Arc;

use async_graphql::{ID, Interface};

use super::{Device, Package, Release, Variant};
use crate::{
    catalog::Snapshot,
    graphql::{id::NodeAt, object::kinds},
};

/// Anything with an id, by which it can be asked for again: `Query.node`.
#[derive(Interface, Clone)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Identifies the object in every copy of the catalogue. Opaque: do not take it apart."
))]
pub enum Node {
    /// A device.
    Device(Device),
    /// A variant.
    Variant(Variant),
    /// A release.
    Release(Release),
    /// A package.
    Package(Package),
}

impl Node {
    pub(crate) fn new(snapshot: Arc<Snapshot>, at: NodeAt) -> Self {
        match at {
            NodeAt::Device(at) => Self::Device(Device::new(snapshot, at)),
            NodeAt::Variant(at) => Self::Variant(Variant::new(snapshot, at)),
            NodeAt::Release(at) => Self::Release(Release::new(snapshot, at)),
            NodeAt::Package(at) => Self::Package(Package::new(snapshot, at)),
        }
    }
}

kinds!(Node {
    Device,
    Variant,
    Release,
    Package
});
