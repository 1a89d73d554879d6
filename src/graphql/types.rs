//! The API's types. Each wraps a place in a snapshot, and its doc comments are the manual.
//!
//! Types may refer to one another, as a schema is cyclic; what they answer comes from [`crate::catalog`].

mod catalog;
mod change;
mod changelog;
mod device;
mod facet;
mod filter;
mod list;
mod node;
mod package;
mod rate_limit;
mod release;
mod scalar;
mod search;
mod update;
mod value;
mod variant;
mod webhook;

pub use catalog::{Catalog, Source};
pub use change::{Change, ChangeConnection, ChangeEdge, ChangeFilter, ChangeKind, ChangeSubject};
pub use changelog::{Changelog, ChangelogSection};
pub use device::{Device, DeviceConnection, DeviceEdge};
pub use facet::{BranchCount, Facets, OperatingSystemCount, PackageTypeCount, RegionCount};
pub use filter::{
    DateRange, DeviceFilter, DeviceOrder, DeviceOrderField, LatestBy, OrderDirection, PackageBy, PackageFilter,
    PackageOrder, PackageOrderField, ReleaseFilter, ReleaseOrder, ReleaseOrderField,
};
pub use node::Node;
pub use package::{Package, PackageConnection, PackageEdge};
pub use rate_limit::{RateLimit, RateLimitConfig};
pub use release::{Release, ReleaseConnection, ReleaseEdge};
pub use scalar::{ByteCount, Date, DateTime, Url};
pub use search::{SearchResult, SearchResultConnection, SearchResultEdge};
pub use update::{UpdateCheck, UpdateCheckInput, UpdateStatus};
pub use value::{Branch, OperatingSystem, PackageType, Region};
pub use variant::Variant;
pub use webhook::{
    CreateWebhookInput, CreateWebhookPayload, DeleteWebhookInput, DeleteWebhookPayload, PingWebhookInput,
    PingWebhookPayload, RedeliverInput, RedeliverPayload, RotateWebhookSecretInput, RotateWebhookSecretPayload,
    UpdateWebhookInput, UpdateWebhookPayload, Webhook, WebhookConfig, WebhookConnection, WebhookDelivery,
    WebhookDeliveryConnection, WebhookDeliveryEdge, WebhookDeliveryStatus, WebhookEdge, WebhookFilter,
};

pub(crate) use facet::int;
pub(crate) use list::{devices_page, latest_page, packages_page, releases_page};
pub(crate) use package::PackageListing;

use super::{
    connection::PageInfo,
    execute::ObjectType,
    limits::{Limits, ServiceConfig},
    query::Query,
};

/// The types whose fields are answered from memory, as far as they can be.
pub(super) fn in_memory() -> Vec<ObjectType> {
    vec![
        ObjectType::of::<Query>(),
        ObjectType::of::<BranchCount>(),
        ObjectType::of::<Catalog>(),
        ObjectType::of::<Change>(),
        ObjectType::of::<ChangeConnection>(),
        ObjectType::of::<ChangeEdge>(),
        ObjectType::of::<Changelog>(),
        ObjectType::of::<ChangelogSection>(),
        ObjectType::of::<Device>(),
        ObjectType::of::<DeviceConnection>(),
        ObjectType::of::<DeviceEdge>(),
        ObjectType::of::<Facets>(),
        ObjectType::of::<Limits>(),
        ObjectType::of::<OperatingSystemCount>(),
        ObjectType::of::<Package>(),
        ObjectType::of::<PackageConnection>(),
        ObjectType::of::<PackageEdge>(),
        ObjectType::of::<PackageTypeCount>(),
        ObjectType::of::<PageInfo>(),
        ObjectType::of::<RateLimitConfig>(),
        ObjectType::of::<RegionCount>(),
        ObjectType::of::<Release>(),
        ObjectType::of::<ReleaseConnection>(),
        ObjectType::of::<ReleaseEdge>(),
        ObjectType::of::<SearchResultConnection>(),
        ObjectType::of::<SearchResultEdge>(),
        ObjectType::of::<ServiceConfig>(),
        ObjectType::of::<WebhookConfig>(),
        ObjectType::of::<Source>(),
        ObjectType::of::<UpdateCheck>(),
        ObjectType::of::<Variant>(),
    ]
}
