//! Pages of the three kinds of lists, asked for from several types: arguments in, connection out.

use std::sync::Arc;

use super::{
    DeviceConnection, DeviceFilter, DeviceOrder, DeviceOrderField, LatestBy, OrderDirection, PackageConnection,
    PackageFilter, PackageListing, PackageOrder, PackageOrderField, ReleaseConnection, ReleaseFilter, ReleaseOrder,
    ReleaseOrderField,
};
use crate::{
    catalog::{DeviceField, PackageField, ReleaseField, Scope, Selection, Snapshot},
    graphql::{connection::PageArguments, cursor, error::ApiResult, limits::Limits},
};

/// A page of devices, by codename where no order is given.
pub(crate) fn devices_page(
    limits: Limits,
    snapshot: Arc<Snapshot>,
    filter: Option<DeviceFilter>,
    order: Option<DeviceOrder>,
    page: PageArguments,
) -> ApiResult<DeviceConnection> {
    let order = order.unwrap_or(DeviceOrder {
        field: DeviceOrderField::Codename,
        direction: OrderDirection::Asc,
    });
    let field = DeviceField::from(order.field);
    let window = page.window(limits, |text| cursor::device(field, text))?;
    let selection = snapshot.select_devices(&filter.unwrap_or_default().into());
    let page = snapshot.page_of_devices(&selection, field, order.direction.into(), &window);
    Ok(DeviceConnection::new(snapshot, selection, order.field, page))
}

/// A page of releases, newest first where no order is given.
pub(crate) fn releases_page(
    limits: Limits,
    snapshot: Arc<Snapshot>,
    scope: Scope,
    filter: Option<ReleaseFilter>,
    order: Option<ReleaseOrder>,
    page: PageArguments,
) -> ApiResult<ReleaseConnection> {
    let order = order.unwrap_or(ReleaseOrder {
        field: ReleaseOrderField::ReleasedOn,
        direction: OrderDirection::Desc,
    });
    let field = ReleaseField::from(order.field);
    let window = page.window(limits, |text| cursor::release(field, text))?;
    let selection = snapshot.select_releases(scope, &filter.unwrap_or_default().into());
    let page = snapshot.page_of_releases(&selection, field, order.direction.into(), &window);
    Ok(ReleaseConnection::new(snapshot, selection, order.field, page))
}

/// A page of packages, newest first where no order is given.
pub(crate) fn packages_page(
    limits: Limits,
    snapshot: Arc<Snapshot>,
    scope: Scope,
    filter: Option<PackageFilter>,
    order: Option<PackageOrder>,
    page: PageArguments,
) -> ApiResult<PackageConnection> {
    let order = order.unwrap_or(PackageOrder {
        field: PackageOrderField::ReleasedOn,
        direction: OrderDirection::Desc,
    });
    let field = PackageField::from(order.field);
    let window = page.window(limits, |text| cursor::package(field, text))?;
    let selection = snapshot.select_packages(scope, &filter.unwrap_or_default().into());
    let page = snapshot.page_of_packages(&selection, field, order.direction.into(), &window);
    Ok(PackageConnection::new(
        snapshot,
        selection,
        PackageListing::By(order.field),
        page,
    ))
}

/// A page of the newest packages, by variant, branch and type.
pub(crate) fn latest_page(
    limits: Limits,
    snapshot: Arc<Snapshot>,
    filter: Option<PackageFilter>,
    by: LatestBy,
    page: PageArguments,
) -> ApiResult<PackageConnection> {
    let window = page.window(limits, cursor::latest)?;
    let newest = snapshot.latest(Scope::Catalogue, &filter.unwrap_or_default().into(), by.into());
    let page = snapshot.page_of_latest(&newest, &window);
    Ok(PackageConnection::new(
        snapshot,
        Selection::listed(newest),
        PackageListing::Latest,
        page,
    ))
}
