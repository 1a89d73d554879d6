//! Between plan and database: reads what is stored, writes a plan, all inside the import's one transaction.

use std::collections::BTreeSet;

use entity::{
    change, changelog, device, evidence, link, package, reference, rejection, release, revision, source, variant,
};
use rustc_hash::FxHashMap;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IdenStatic, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, QueryFilter, sea_query::OnConflict,
};

use super::{
    plan::{Plan, Stored},
    record::{Digest, Facts, Place, Reference, Rejected},
};

/// How many rows one statement writes: well below the parameters that both databases allow.
const ROWS_A_STATEMENT: usize = 500;

/// All that an import starts from.
#[derive(Debug, Default)]
pub struct Known {
    /// The catalogue's rows.
    pub stored: Stored,
    /// What has been said of files.
    pub files: FxHashMap<String, Facts>,
    /// References of codenames.
    pub references: BTreeSet<Reference>,
    /// Changelog texts.
    pub texts: FxHashMap<Digest, String>,
    /// What was rejected.
    pub rejected: BTreeSet<Rejected>,
    /// Where data came from.
    pub sources: Vec<source::Model>,
}

/// Reads all that an import starts from.
///
/// # Errors
/// When the database fails or holds what it must not.
pub async fn known(db: &impl ConnectionTrait) -> Result<Known, DbErr> {
    let mut known = Known::default();
    let stored = &mut known.stored;
    for row in device::Entity::find().all(db).await? {
        stored.devices.insert(row.codename.clone(), row);
    }
    for row in variant::Entity::find().all(db).await? {
        stored.variants.insert(row.codename.clone(), row);
    }
    for row in release::Entity::find().all(db).await? {
        stored.releases.insert((row.variant_id, row.version.clone()), row);
    }
    for row in package::Entity::find().all(db).await? {
        stored.packages.insert(row.filename.clone(), row);
    }
    for row in link::Entity::find().all(db).await? {
        stored.links.entry(row.package_id).or_default().push(row.url);
    }
    for row in changelog::Entity::find().all(db).await? {
        stored.changelogs.insert(row.digest.clone(), row.id);
        known.texts.insert(row.digest, row.text);
    }
    for row in evidence::Entity::find().all(db).await? {
        let facts = serde_json::from_str(&row.facts)
            .map_err(|error| DbErr::Custom(format!("evidence on {}: {error}", row.filename)))?;
        known.files.insert(row.filename, facts);
    }
    for row in reference::Entity::find().all(db).await? {
        known.references.insert(Reference {
            codename: row.codename,
            label: row.label,
            rom_code: row.rom_code,
        });
    }
    for row in rejection::Entity::find().all(db).await? {
        let reason = row.reason.parse();
        known.rejected.insert(Rejected {
            place: Place {
                source: row.source,
                document: row.place,
            },
            subject: row.subject,
            reason: reason.map_err(|_| DbErr::Custom(format!("unknown reason {:?}", row.reason)))?,
            detail: row.detail,
        });
    }
    known.sources = source::Entity::find().all(db).await?;
    let revision = revision::Entity::find_by_id(1).one(db).await?;
    known.stored.revision = revision.map_or(0, |row| row.number);
    known.stored.last_change = last_change(db).await?;
    Ok(known)
}

async fn last_change(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    use sea_orm::{QueryOrder, QuerySelect};
    let last: Option<i64> = change::Entity::find()
        .select_only()
        .column(change::Column::Id)
        .order_by_desc(change::Column::Id)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(last.unwrap_or(0))
}

/// Writes the catalogue's plan and its change rows.
///
/// # Errors
/// When the database fails.
pub async fn write(db: &impl ConnectionTrait, plan: Plan) -> Result<(), DbErr> {
    upsert::<device::Entity, _>(db, plan.devices).await?;
    upsert::<variant::Entity, _>(db, plan.variants).await?;
    upsert::<changelog::Entity, _>(db, plan.changelogs).await?;
    upsert::<release::Entity, _>(db, plan.releases).await?;
    upsert::<package::Entity, _>(db, plan.packages).await?;
    for gone in plan.dropped_links {
        link::Entity::delete_by_id((gone.package_id, gone.url)).exec(db).await?;
    }
    insert::<link::Entity, _>(db, plan.links).await?;
    delete::<package::Entity>(db, package::Column::Id, plan.dropped.packages).await?;
    delete::<release::Entity>(db, release::Column::Id, plan.dropped.releases).await?;
    delete::<variant::Entity>(db, variant::Column::Id, plan.dropped.variants).await?;
    delete::<device::Entity>(db, device::Column::Id, plan.dropped.devices).await?;
    insert::<change::Entity, _>(db, plan.changes).await
}

/// Writes what was said of files, of codenames and in changelogs.
///
/// # Errors
/// When the database fails.
pub async fn write_evidence(
    db: &impl ConnectionTrait,
    files: Vec<evidence::Model>,
    references: Vec<reference::Model>,
) -> Result<(), DbErr> {
    upsert::<evidence::Entity, _>(db, files).await?;
    insert::<reference::Entity, _>(db, references).await
}

/// Replaces the rejections.
///
/// # Errors
/// When the database fails.
pub async fn write_rejections(db: &impl ConnectionTrait, rejected: &BTreeSet<Rejected>) -> Result<(), DbErr> {
    rejection::Entity::delete_many().exec(db).await?;
    let rows = (1..).zip(rejected).map(|(id, rejected)| rejection::Model {
        id,
        source: rejected.place.source.clone(),
        place: rejected.place.document.clone(),
        subject: rejected.subject.clone(),
        reason: rejected.reason.code().to_owned(),
        detail: rejected.detail.clone(),
    });
    insert::<rejection::Entity, _>(db, rows.collect()).await
}

/// Writes what is known of sources, and the revision.
///
/// # Errors
/// When the database fails.
pub async fn write_state(
    db: &impl ConnectionTrait,
    sources: Vec<source::Model>,
    revision: Option<revision::Model>,
) -> Result<(), DbErr> {
    upsert::<source::Entity, _>(db, sources).await?;
    upsert::<revision::Entity, _>(db, revision.into_iter().collect()).await
}

/// Inserts rows, or replaces those whose primary key is there.
async fn upsert<E, M>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<(), DbErr>
where
    E: EntityTrait<Model = M>,
    M: IntoActiveModel<E::ActiveModel> + Send,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let key: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let is_key = |column: &E::Column| key.iter().any(|key| key.as_str() == column.as_str());
    let values = E::Column::iter().filter(|column| !is_key(column));
    let replace = OnConflict::columns(key.clone()).update_columns(values).to_owned();
    write_rows::<E, M>(db, rows, Some(replace)).await
}

/// Inserts rows whose primary keys are new.
async fn insert<E, M>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<(), DbErr>
where
    E: EntityTrait<Model = M>,
    M: IntoActiveModel<E::ActiveModel> + Send,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    write_rows::<E, M>(db, rows, None).await
}

async fn write_rows<E, M>(db: &impl ConnectionTrait, rows: Vec<M>, conflict: Option<OnConflict>) -> Result<(), DbErr>
where
    E: EntityTrait<Model = M>,
    M: IntoActiveModel<E::ActiveModel> + Send,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let mut rows = rows
        .into_iter()
        .map(|row| row.into_active_model().reset_all())
        .peekable();
    while rows.peek().is_some() {
        let chunk: Vec<E::ActiveModel> = rows.by_ref().take(ROWS_A_STATEMENT).collect();
        let mut statement = E::insert_many(chunk);
        if let Some(conflict) = &conflict {
            statement = statement.on_conflict(conflict.clone());
        }
        statement.exec_without_returning(db).await?;
    }
    Ok(())
}

async fn delete<E: EntityTrait>(db: &impl ConnectionTrait, column: E::Column, ids: Vec<i32>) -> Result<(), DbErr> {
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let ids = chunk.iter().copied();
        E::delete_many().filter(column.is_in(ids)).exec(db).await?;
    }
    Ok(())
}
