//! The root fields of queries: read arguments, ask the catalogue, wrap.

use std::sync::Arc;

use async_graphql::{Context, ID};
use chrono::Utc;

use super::{
    connection::PageArguments,
    context::ContextExt as _,
    cursor,
    error::{ApiError, ApiResult},
    id,
    limits::ServiceConfig,
    object::object,
    types::{
        Catalog, ChangeConnection, ChangeFilter, Device, DeviceConnection, DeviceFilter, DeviceOrder, LatestBy, Node,
        Package, PackageBy, PackageConnection, PackageFilter, PackageOrder, RateLimit, Release, ReleaseConnection,
        ReleaseFilter, ReleaseOrder, SearchResultConnection, UpdateCheck, UpdateCheckInput, Variant, Webhook,
        WebhookConnection, devices_page, latest_page, packages_page, releases_page,
    },
};
use crate::{
    catalog::{PackageAt, Scope, Snapshot},
    webhook::store::Webhooks,
};

/// The longest text that is searched for, in characters.
const LONGEST_SEARCH: usize = 500;

/// What can be asked of the catalogue of official Xiaomi ROMs.
pub struct Query;

object! {
    /// What can be asked of the catalogue of official Xiaomi ROMs.
    impl Query {
        /// The object with this id; null where the catalogue has none.
        fn node(
            &self,
            here: &Here,
            #[graphql(desc = "An id, as another answer gave it.")] id: ID,
        ) -> ApiResult<Option<Node>> {
            let snapshot = here.snapshot();
            Ok(id::find(&snapshot, &id).map(|at| Node::new(snapshot, at)))
        }

        /// The objects with these ids, in their order; null for each that the catalogue does not have.
        fn nodes(
            &self,
            here: &Here,
            #[graphql(desc = "Ids, as other answers gave them; as many as a page may hold.")] ids: Vec<ID>,
        ) -> ApiResult<Vec<Option<Node>>> {
            let most = here.limits.max_page_size as usize;
            if ids.len() > most {
                return Err(ApiError::bad_input(
                    "ids",
                    format!("must be at most {most} ids, are {}", ids.len()),
                ));
            }
            let snapshot = here.snapshot();
            Ok(ids
                .iter()
                .map(|id| id::find(&snapshot, id).map(|at| Node::new(Arc::clone(&snapshot), at)))
                .collect())
        }

        /// The device with this codename; null where the catalogue has none.
        fn device(
            &self,
            here: &Here,
            #[graphql(
                desc = "A base codename (`alioth`) or a regional one (`alioth_eea_global`); the case of ASCII letters does not matter."
            )]
            codename: String,
        ) -> ApiResult<Option<Device>> {
            let snapshot = here.snapshot();
            Ok(snapshot.find_device(&codename).map(|at| Device::new(snapshot, at)))
        }

        /// Devices, by codename unless ordered otherwise.
        #[expect(clippy::too_many_arguments, reason = "the arguments are the API's")]
        fn devices(
            &self,
            here: &Here,
            #[graphql(desc = "Narrows the devices.")] filter: Option<DeviceFilter>,
            #[graphql(desc = "The order; by codename where left out.")] order_by: Option<DeviceOrder>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
            #[graphql(desc = "So many from the end, or before `before`; 0 to 100. Not together with `first`.")]
            last: Option<i32>,
            #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        ) -> ApiResult<DeviceConnection> {
            devices_page(
                here.limits,
                here.snapshot(),
                filter,
                order_by,
                PageArguments {
                    first,
                    after,
                    last,
                    before,
                },
            )
        }

        /// The variant with this regional codename; null where the catalogue has none.
        fn variant(
            &self,
            here: &Here,
            #[graphql(desc = "A regional codename, exactly: `alioth_eea_global`.")] codename: String,
        ) -> ApiResult<Option<Variant>> {
            let snapshot = here.snapshot();
            Ok(snapshot.find_variant(&codename).map(|at| Variant::new(snapshot, at)))
        }

        /// The release of a variant with this version; null where the catalogue has none.
        fn release(
            &self,
            here: &Here,
            #[graphql(desc = "The regional codename of the variant, exactly.")] variant: String,
            #[graphql(desc = "The version: `V12.5.4.0.RKHMIXM`.")] version: String,
        ) -> ApiResult<Option<Release>> {
            let snapshot = here.snapshot();
            let found = snapshot.find_variant(&variant).zip(snapshot.find_version(&version));
            Ok(found
                .and_then(|(variant, version)| snapshot.find_release(variant, version))
                .map(|at| Release::new(snapshot, at)))
        }

        /// Releases of all devices, newest first unless ordered otherwise.
        #[expect(clippy::too_many_arguments, reason = "the arguments are the API's")]
        fn releases(
            &self,
            here: &Here,
            #[graphql(desc = "Narrows the releases.")] filter: Option<ReleaseFilter>,
            #[graphql(desc = "The order; newest first where left out.")] order_by: Option<ReleaseOrder>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
            #[graphql(desc = "So many from the end, or before `before`; 0 to 100. Not together with `first`.")]
            last: Option<i32>,
            #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        ) -> ApiResult<ReleaseConnection> {
            releases_page(
                here.limits,
                here.snapshot(),
                Scope::Catalogue,
                filter,
                order_by,
                PageArguments {
                    first,
                    after,
                    last,
                    before,
                },
            )
        }

        /// The package that is meant; null where the catalogue has none. Where only the first ten digits of an MD5 tell, a ROM
        /// comes before anything else that shares them.
        fn package(
            &self,
            here: &Here,
            #[graphql(desc = "What identifies it.")] by: PackageBy,
        ) -> ApiResult<Option<Package>> {
            let snapshot = here.snapshot();
            let found = match &by {
                PackageBy::Filename(name) => snapshot.find_package(name),
                PackageBy::Md5(digits) => find_by_md5(&snapshot, digits)?,
                PackageBy::Url(url) => snapshot.find_url(url),
            };
            Ok(found.map(|at| Package::new(snapshot, at)))
        }

        /// Packages of all devices, newest first unless ordered otherwise.
        #[expect(clippy::too_many_arguments, reason = "the arguments are the API's")]
        fn packages(
            &self,
            here: &Here,
            #[graphql(desc = "Narrows the packages.")] filter: Option<PackageFilter>,
            #[graphql(desc = "The order; newest first where left out.")] order_by: Option<PackageOrder>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
            #[graphql(desc = "So many from the end, or before `before`; 0 to 100. Not together with `first`.")]
            last: Option<i32>,
            #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        ) -> ApiResult<PackageConnection> {
            packages_page(
                here.limits,
                here.snapshot(),
                Scope::Catalogue,
                filter,
                order_by,
                PageArguments {
                    first,
                    after,
                    last,
                    before,
                },
            )
        }

        /// Of every variant, branch and type the newest matching package, by regional codename, branch and type. Incremental
        /// packages only where the filter asks for INCREMENTAL. A place in this list stays the same when a newer package takes it.
        #[expect(clippy::too_many_arguments, reason = "the arguments are the API's")]
        fn latest_packages(
            &self,
            here: &Here,
            #[graphql(desc = "Narrows the packages from which the newest are chosen.")] filter: Option<PackageFilter>,
            #[graphql(default_with = "LatestBy::ReleasedOn", desc = "What \"newest\" goes by.")] by: LatestBy,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
            #[graphql(desc = "So many from the end, or before `before`; 0 to 100. Not together with `first`.")]
            last: Option<i32>,
            #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        ) -> ApiResult<PackageConnection> {
            latest_page(
                here.limits,
                here.snapshot(),
                filter,
                by,
                PageArguments {
                    first,
                    after,
                    last,
                    before,
                },
            )
        }

        /// Whether a phone's build is current, what is newer, and how to get there. Null where the catalogue does not have the
        /// phone, or where a base codename and the version together do not tell the variant.
        fn update_check(
            &self,
            here: &Here,
            #[graphql(desc = "The phone and its build.")] input: UpdateCheckInput,
        ) -> ApiResult<Option<UpdateCheck>> {
            let snapshot = here.snapshot();
            let check = snapshot
                .check_for_update(&input.into())
                .map_err(|invalid| ApiError::bad_input("input.version", invalid.to_string()))?;
            Ok(check.map(|check| UpdateCheck::new(snapshot, check)))
        }

        /// Whatever a text may mean, best first: a codename, a ROM code (also with PRE), a version or its four letters for device
        /// and region (`KHEU`), a file name, an address, an MD5 or its first ten digits; then what starts like it; then market
        /// names, by their words or a near spelling.
        fn search(
            &self,
            here: &Here,
            #[graphql(desc = "The text, at most 500 characters; case does not matter.")] query: String,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        ) -> ApiResult<SearchResultConnection> {
            let length = query.chars().count();
            if length > LONGEST_SEARCH {
                return Err(ApiError::bad_input(
                    "query",
                    format!("must be at most {LONGEST_SEARCH} characters, are {length}"),
                ));
            }
            let window = PageArguments {
                first,
                after,
                ..PageArguments::default()
            }
            .window(here.limits, cursor::hit)?;
            let snapshot = here.snapshot();
            let hits = snapshot.search(&query);
            Ok(SearchResultConnection::new(
                snapshot,
                hits,
                window.after.as_ref(),
                window.take.count(),
            ))
        }

        /// The catalogue's change log, oldest first: what a bot polls with its last cursor. A page can hold fewer changes than
        /// asked for, or none, while more follow (`pageInfo.hasNextPage`): it ends when very many changes have been looked at.
        async fn changes(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Narrows the changes.")] filter: Option<ChangeFilter>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor; from the beginning of the log where left out.")] after: Option<
                String,
            >,
        ) -> ApiResult<ChangeConnection> {
            let window = PageArguments {
                first,
                after,
                ..PageArguments::default()
            }
            .window(ctx.limits()?, cursor::change)?;
            let snapshot = ctx.snapshot()?;
            let filter = filter.unwrap_or_default().into();
            let changes = ctx
                .catalog()?
                .changes(&snapshot, &filter, window.after, window.take.count())
                .await;
            Ok(ChangeConnection::new(
                snapshot,
                changes.map_err(ApiError::internal)?,
                window.after.is_some(),
            ))
        }

        /// The catalogue itself: its age, its size, its sources.
        fn catalog(&self, here: &Here) -> ApiResult<Catalog> {
            Ok(Catalog::new(here.snapshot()))
        }

        /// The webhooks of the token's owner, in the order in which they were made. Null, with an error, without a token of the
        /// scope `webhooks`.
        async fn webhooks(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        ) -> ApiResult<Option<WebhookConnection>> {
            let (webhooks, owner) = ctx.webhooks()?;
            let window = PageArguments {
                first,
                after,
                ..PageArguments::default()
            }
            .window(ctx.limits()?, cursor::webhook)?;
            let all = webhooks.of(owner).await.map_err(ApiError::internal)?;
            Ok(Some(WebhookConnection::new(all, window.after.as_deref(), window.take.count())))
        }

        /// The webhook with this id; null where the token's owner has none.
        async fn webhook(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "The webhook's id.")] id: ID,
        ) -> ApiResult<Option<Webhook>> {
            let (webhooks, owner) = ctx.webhooks()?;
            let row = webhooks.find(owner, &id).await.map_err(ApiError::internal)?;
            Ok(row.map(Webhook::new))
        }

        /// How this service is set up: the limits that an operation, a caller and a listener must keep, and how webhooks are served.
        async fn service_config(&self, ctx: &Context<'_>) -> ApiResult<ServiceConfig> {
            let webhooks = ctx.data_opt::<Webhooks>();
            Ok(ServiceConfig {
                limits: ctx.limits()?,
                subscriptions: ctx.subscription_limits(),
                webhooks: webhooks.map(|webhooks| webhooks.settings().as_ref().into()),
                rate_limit: ctx.here()?.rate_limit.map(Into::into),
            })
        }

        /// How much you may still ask for: by your address or, with an API token, by the token. Null where that is not limited.
        async fn rate_limit(&self, ctx: &Context<'_>) -> ApiResult<Option<RateLimit>> {
            Ok(ctx.charge().map(|charge| RateLimit::new(charge, Utc::now())))
        }
    }
}

fn find_by_md5(snapshot: &Snapshot, digits: &str) -> ApiResult<Option<PackageAt>> {
    let digits = digits.trim();
    if let Ok(md5) = digits.parse() {
        return Ok(snapshot.find_md5(md5));
    }
    match digits.parse() {
        Ok(prefix) => Ok(snapshot.find_md5_prefix(prefix).next()),
        Err(_) => Err(ApiError::bad_input(
            "by.md5",
            "must be 32 hex digits or the first 10 of them",
        )),
    }
}
