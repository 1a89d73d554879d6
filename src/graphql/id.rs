//! Opaque ids of nodes: what identifies each in any copy of the catalogue, encoded.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::catalog::{DeviceAt, PackageAt, ReleaseAt, Snapshot, VariantAt};

/// A node's place in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeAt {
    /// A device.
    Device(DeviceAt),
    /// A variant.
    Variant(VariantAt),
    /// A release.
    Release(ReleaseAt),
    /// A package.
    Package(PackageAt),
}

/// The id of a node.
#[must_use]
pub fn encode(snapshot: &Snapshot, at: NodeAt) -> String {
    BASE64.encode(match at {
        NodeAt::Device(at) => format!("device:{}", snapshot.text(snapshot.device(at).codename)),
        NodeAt::Variant(at) => format!("variant:{}", snapshot.text(snapshot.variant(at).codename)),
        NodeAt::Release(at) => {
            let row = snapshot.release(at);
            format!(
                "release:{}/{}",
                snapshot.text(snapshot.variant(row.variant).codename),
                snapshot.version(row.version)
            )
        }
        NodeAt::Package(at) => format!("package:{}", snapshot.text(snapshot.package(at).filename)),
    })
}

/// The node with this id; `None` for an id of something that the catalogue does not hold, and for text that is no id.
#[must_use]
pub fn find(snapshot: &Snapshot, id: &str) -> Option<NodeAt> {
    let key = String::from_utf8(BASE64.decode(id).ok()?).ok()?;
    let (kind, key) = key.split_once(':')?;
    match kind {
        "device" => snapshot
            .find_base(key)
            .map(NodeAt::Device)
            .filter(|at| encode(snapshot, *at) == id),
        "variant" => snapshot.find_variant(key).map(NodeAt::Variant),
        "release" => {
            let (variant, version) = key.split_once('/')?;
            let at = NodeAt::Release(
                snapshot.find_release(snapshot.find_variant(variant)?, snapshot.find_version(version)?)?,
            );
            (encode(snapshot, at) == id).then_some(at)
        }
        "package" => snapshot.find_package(key).map(NodeAt::Package),
        _ => None,
    }
}
