//! The catalogue's tables: devices to packages, what sources said, and the change log.
//!
//! The text of each table is one for both databases, with the few words in which they differ filled in, so that a
//! constraint cannot hold on one and be forgotten on the other.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// Creates the tables, and drops them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const REGIONS: &[&str] = &[
    "CHINA",
    "GLOBAL",
    "EEA",
    "INDIA",
    "RUSSIA",
    "INDONESIA",
    "TURKEY",
    "TAIWAN",
    "JAPAN",
    "KOREA",
    "SINGAPORE",
    "LATIN_AMERICA",
    "MEXICO",
    "CHILE",
    "GUATEMALA",
    "SOUTH_AFRICA",
    "THAILAND",
];
const BRANCHES: &[&str] = &["STABLE", "STABLE_BETA", "PUBLIC_BETA", "WEEKLY"];
const PACKAGE_TYPES: &[&str] = &["RECOVERY", "FASTBOOT", "INCREMENTAL", "FIRMWARE", "VENDOR"];

/// In the order in which they can be dropped.
const TABLES: [&str; 12] = [
    "revision",
    "change",
    "link",
    "package",
    "release",
    "changelog",
    "variant",
    "device",
    "rejection",
    "source",
    "reference",
    "evidence",
];

/// What the databases write differently.
struct Dialect {
    /// Ordered byte by byte, as SQLite does of itself.
    text: &'static str,
    big: &'static str,
    /// With its rule, where the type does not bring it.
    flag: fn(&str) -> String,
    date: fn(&str) -> String,
    first_of_month: fn(&str) -> String,
    instant: &'static str,
    json: &'static str,
    /// Behind a table's columns: SQLite checks types only where it is told to.
    rows: &'static str,
    /// Behind the columns of a table whose rows are found by their key alone.
    keyed: &'static str,
}

const SQLITE: Dialect = Dialect {
    text: "TEXT",
    big: "INTEGER",
    flag: |column| format!("{column} INTEGER NOT NULL CHECK ({column} IN (0, 1))"),
    date: |column| format!("{column} TEXT CHECK ({column} IS date({column}))"),
    first_of_month: |column| {
        format!("{column} TEXT CHECK ({column} IS date({column}) AND ({column} IS NULL OR {column} LIKE '%-01'))")
    },
    instant: "TEXT",
    json: "TEXT",
    rows: "STRICT",
    keyed: "STRICT, WITHOUT ROWID",
};

const POSTGRES: Dialect = Dialect {
    text: r#"TEXT COLLATE "C""#,
    big: "BIGINT",
    flag: |column| format!("{column} BOOLEAN NOT NULL"),
    date: |column| format!("{column} DATE"),
    first_of_month: |column| format!("{column} DATE CHECK (extract(day FROM {column}) = 1)"),
    instant: "TIMESTAMPTZ",
    json: "JSONB",
    rows: "",
    keyed: "",
};

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = match manager.get_database_backend() {
            DbBackend::Sqlite => &SQLITE,
            DbBackend::Postgres => &POSTGRES,
            _ => {
                return Err(DbErr::BackendNotSupported {
                    db: "neither SQLite nor PostgreSQL",
                    ctx: "migration",
                });
            }
        };
        let statements = [sources(dialect), catalogue(dialect), log(dialect)].concat();
        manager.get_connection().execute_unprepared(&statements).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The rule of a column that holds one of a few names.
fn one_of(column: &str, names: &[&str]) -> String {
    format!("CHECK ({column} IN ('{}'))", names.join("', '"))
}

/// What sources have said, and what became of it.
fn sources(dialect: &Dialect) -> String {
    let Dialect {
        text,
        instant,
        rows,
        keyed,
        ..
    } = dialect;
    format!(
        r"
CREATE TABLE evidence (
    filename {text} PRIMARY KEY CHECK (filename <> ''),
    facts {text} NOT NULL
) {keyed};

CREATE TABLE reference (
    codename {text} NOT NULL CHECK (codename <> ''),
    label {text} NOT NULL,
    rom_code {text} NOT NULL,
    PRIMARY KEY (codename, label, rom_code)
) {keyed};

CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name {text} NOT NULL CHECK (name <> ''),
    location {text} NOT NULL,
    imported_at {instant} NOT NULL,
    package_count INTEGER NOT NULL CHECK (package_count >= 0),
    rejected_count INTEGER NOT NULL CHECK (rejected_count >= 0),
    UNIQUE (name, location)
) {rows};

CREATE TABLE rejection (
    id INTEGER PRIMARY KEY,
    source {text} NOT NULL,
    place {text} NOT NULL,
    subject {text} NOT NULL,
    reason {text} NOT NULL CHECK (reason <> ''),
    detail {text} NOT NULL
) {rows};
"
    )
}

/// Devices, variants, releases, packages and what hangs on them.
fn catalogue(dialect: &Dialect) -> String {
    let Dialect {
        text,
        big,
        json,
        rows,
        keyed,
        ..
    } = dialect;
    let region = one_of("region", REGIONS);
    let branch = one_of("branch", BRANCHES);
    let package_type = one_of("type", PACKAGE_TYPES);
    let security_patch = (dialect.first_of_month)("security_patch");
    let released_on = (dialect.date)("released_on");
    let built_on = (dialect.date)("built_on");
    format!(
        r"
CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    codename {text} NOT NULL UNIQUE CHECK (codename <> '')
) {rows};
CREATE UNIQUE INDEX device_codename_without_case ON device (lower(codename));

CREATE TABLE variant (
    id INTEGER PRIMARY KEY,
    device_id INTEGER NOT NULL REFERENCES device (id),
    codename {text} NOT NULL UNIQUE CHECK (codename <> ''),
    region {text} NOT NULL {region},
    rom_code {text},
    names {json} NOT NULL
) {rows};
CREATE INDEX variant_device ON variant (device_id);

CREATE TABLE changelog (
    id INTEGER PRIMARY KEY,
    digest {text} NOT NULL UNIQUE CHECK (length(digest) = 32),
    text {text} NOT NULL
) {rows};

CREATE TABLE release (
    id INTEGER PRIMARY KEY,
    variant_id INTEGER NOT NULL REFERENCES variant (id),
    version {text} NOT NULL CHECK (version <> ''),
    branch {text} NOT NULL {branch},
    android {text},
    {security_patch},
    changelog_id INTEGER REFERENCES changelog (id),
    UNIQUE (variant_id, version)
) {rows};
CREATE INDEX release_changelog ON release (changelog_id) WHERE changelog_id IS NOT NULL;

CREATE TABLE package (
    id INTEGER PRIMARY KEY,
    release_id INTEGER NOT NULL REFERENCES release (id),
    type {text} NOT NULL {package_type},
    filename {text} NOT NULL UNIQUE CHECK (filename <> ''),
    base_version {text},
    android {text},
    size {big} CHECK (size > 0),
    md5 {text} CHECK (length(md5) = 32 AND md5 = lower(md5)),
    md5_prefix {text} CHECK (length(md5_prefix) = 10 AND md5_prefix = lower(md5_prefix)),
    {released_on},
    {built_on},
    mirrors INTEGER NOT NULL CHECK (mirrors >= 0),
    page {text},
    CHECK (base_version IS NULL OR type = 'INCREMENTAL')
) {rows};
CREATE INDEX package_release ON package (release_id);

CREATE TABLE link (
    package_id INTEGER NOT NULL REFERENCES package (id) ON DELETE CASCADE,
    url {text} NOT NULL CHECK (url <> ''),
    PRIMARY KEY (package_id, url)
) {keyed};
"
    )
}

/// What has changed, and how often.
fn log(dialect: &Dialect) -> String {
    let Dialect {
        text,
        big,
        instant,
        rows,
        ..
    } = dialect;
    let is_news = (dialect.flag)("is_news");
    format!(
        r"
CREATE TABLE change (
    id {big} PRIMARY KEY,
    revision INTEGER NOT NULL CHECK (revision > 0),
    kind {text} NOT NULL,
    at {instant} NOT NULL,
    {is_news},
    device_id INTEGER REFERENCES device (id) ON DELETE CASCADE,
    release_id INTEGER REFERENCES release (id) ON DELETE CASCADE,
    package_id INTEGER REFERENCES package (id) ON DELETE CASCADE,
    CHECK (CASE kind
        WHEN 'DEVICE_ADDED' THEN device_id IS NOT NULL AND release_id IS NULL AND package_id IS NULL
        WHEN 'RELEASE_ADDED' THEN device_id IS NULL AND release_id IS NOT NULL AND package_id IS NULL
        WHEN 'RELEASE_PROMOTED' THEN device_id IS NULL AND release_id IS NOT NULL AND package_id IS NULL
        WHEN 'PACKAGE_ADDED' THEN device_id IS NULL AND release_id IS NULL AND package_id IS NOT NULL
        WHEN 'PACKAGE_UPDATED' THEN device_id IS NULL AND release_id IS NULL AND package_id IS NOT NULL
        ELSE 1 = 0
    END)
) {rows};
CREATE INDEX change_device ON change (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX change_release ON change (release_id) WHERE release_id IS NOT NULL;
CREATE INDEX change_package ON change (package_id) WHERE package_id IS NOT NULL;

CREATE TABLE revision (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL CHECK (number >= 0),
    updated_at {instant}
) {rows};
INSERT INTO revision (id, number) VALUES (1, 0);
"
    )
}
