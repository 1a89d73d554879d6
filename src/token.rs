//! API tokens: who may do more than read. They are made, listed and revoked here, and recognised.
//!
//! Only a keyed hash of a token is stored: neither a copy of the database nor the log has one.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use entity::token;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, DatabaseConnection, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, sea_query::Expr,
};

use crate::{
    database::{self, bounded::Bounded},
    secret::{Secret, hex, random},
};

/// What every token begins with, so that people and scanners recognise one that lies about.
const PREFIX: &str = "romdex_";
/// Hexadecimal digits of a token's random bytes, and of its checksum.
const RANDOM_DIGITS: usize = 64;
const CHECKSUM_DIGITS: usize = 8;

/// How exactly a token's last use is kept.
const USE_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// How long noting a use may wait for another writer before it is left out.
const USE_PATIENCE: Duration = Duration::from_secs(30);

/// The longest name of a token, in characters.
const LONGEST_NAME: usize = 64;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Managing webhooks.
    Webhooks,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 1] = [Self::Webhooks];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
        }
    }
}

impl FromStr for Scope {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or_else(|| TokenError::Scope(text.to_owned()))
    }
}

/// What a request says of who sends it; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// The token behind `Bearer`, as it came.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it has the form of a token, its checksum included: whatever has not was never made here.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let Some(digits) = self.0.strip_prefix(PREFIX) else {
            return false;
        };
        digits.len() == RANDOM_DIGITS + CHECKSUM_DIGITS
            && digits
                .split_at_checked(RANDOM_DIGITS)
                .is_some_and(|(random, sum)| checksum(random) == sum)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(***)")
    }
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

/// Who sends a request, as its token tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The token's number.
    pub id: i64,
    /// Whose the token is.
    pub name: String,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the token may be used for this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Why a token was not made, found or recognised.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// No such scope.
    #[error("a scope must be one of webhooks, not {0:?}")]
    Scope(String),
    /// Not a name.
    #[error("a name must be 1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores")]
    Name,
    /// It would never be worth anything.
    #[error("a token must expire in the future")]
    Expiry,
    /// There is none with this number.
    #[error("there is no token {0}")]
    Unknown(i64),
    /// It is not a token of this server, or no longer.
    #[error("{0}")]
    Rejected(Rejection),
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is none of this server's.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the token is not known here",
            Self::Expired => "the token has expired",
            Self::Revoked => "the token has been revoked",
        })
    }
}

/// A token as it is stored, without what would let one use it.
pub type Row = token::Model;

/// A token that was just made. Its text is nowhere else.
#[derive(Debug)]
pub struct Made {
    /// Its number.
    pub id: i64,
    /// Its text.
    pub text: String,
}

/// The tokens of a database. Clones share it.
#[derive(Clone)]
pub struct Tokens {
    database: DatabaseConnection,
    /// The database, for who comes with a token.
    questions: Bounded,
    key: [u8; 32],
}

impl Tokens {
    /// The tokens that were made with this secret.
    #[must_use]
    pub fn new(database: DatabaseConnection, secret: &Secret) -> Self {
        Self {
            questions: Bounded::from(database.clone()),
            database,
            key: secret.key("romdex 2026-11-23 hashes of API tokens"),
        }
    }

    /// The same tokens for operations: who comes with one is recognised over these connections.
    #[must_use]
    pub fn for_operations(self, questions: Bounded) -> Self {
        Self { questions, ..self }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When the name or the expiry cannot be, or the database fails.
    pub async fn create(
        &self,
        name: &str,
        scopes: &[Scope],
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Made, TokenError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_name) {
            return Err(TokenError::Name);
        }
        if expires_at.is_some_and(|at| at <= now) {
            return Err(TokenError::Expiry);
        }
        let digits = hex(&random::<32>()?);
        let text = format!("{PREFIX}{digits}{}", checksum(&digits));
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
        let row = token::ActiveModel {
            name: Set(name.to_owned()),
            digest: Set(self.digest(&text).as_bytes().to_vec()),
            scopes: Set(scopes.join(" ")),
            created_at: Set(now.trunc_subsecs(0)),
            expires_at: Set(expires_at.map(|at| at.trunc_subsecs(0))),
            ..Default::default()
        };
        let transaction = database::begin_small_write(&self.database).await?;
        let row = row.insert(&transaction).await?;
        transaction.commit().await?;
        Ok(Made { id: row.id, text })
    }

    /// Every token, in the order in which they were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Row>, TokenError> {
        let rows = token::Entity::find().order_by_asc(token::Column::Id);
        Ok(rows.all(&self.database).await?)
    }

    /// Makes a token worthless. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// When there is no such token, or the database fails.
    pub async fn revoke(&self, id: i64, now: DateTime<Utc>) -> Result<(), TokenError> {
        let transaction = database::begin_small_write(&self.database).await?;
        if token::Entity::find_by_id(id).one(&transaction).await?.is_none() {
            return Err(TokenError::Unknown(id));
        }
        token::Entity::update_many()
            .col_expr(token::Column::RevokedAt, Expr::value(now.trunc_subsecs(0)))
            .filter(token::Column::Id.eq(id))
            .filter(token::Column::RevokedAt.is_null())
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Recognises who sends a request.
    ///
    /// # Errors
    /// When the token is not accepted, or the database fails.
    pub async fn verify(&self, credential: &Credential, now: DateTime<Utc>) -> Result<Caller, TokenError> {
        let rejected = |rejection| Err(TokenError::Rejected(rejection));
        if !credential.is_well_formed() {
            return rejected(Rejection::Unknown);
        }
        let digest = self.digest(&credential.0);
        let found = token::Entity::find()
            .filter(token::Column::Digest.eq(digest.as_bytes().to_vec()))
            .one(&self.questions)
            .await?;
        // The hash is keyed, so the time that the index takes tells nothing; the comparison that decides takes the same time always.
        let Some(row) = found.filter(|row| digest == *row.digest.as_slice()) else {
            return rejected(Rejection::Unknown);
        };
        if row.revoked_at.is_some() {
            return rejected(Rejection::Revoked);
        }
        if row.expires_at.is_some_and(|at| at <= now) {
            return rejected(Rejection::Expired);
        }
        if row.last_used_at.is_none_or(|at| now - at >= USE_PRECISION) {
            self.note_use(row.id, now);
        }
        Ok(Caller {
            id: row.id,
            name: row.name,
            scopes: row.scopes.split(' ').filter_map(|scope| scope.parse().ok()).collect(),
        })
    }

    fn digest(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.key, text.as_bytes())
    }

    /// Keeps when a token was used. The request does not wait for it: an import may be writing.
    fn note_use(&self, id: i64, now: DateTime<Utc>) {
        let database = self.database.clone();
        tokio::spawn(async move {
            let unused_since = Condition::any()
                .add(token::Column::LastUsedAt.is_null())
                .add(token::Column::LastUsedAt.lte(now - USE_PRECISION));
            let note = async {
                let transaction = database::begin_small_write(&database).await?;
                token::Entity::update_many()
                    .col_expr(token::Column::LastUsedAt, Expr::value(now.trunc_subsecs(0)))
                    .filter(token::Column::Id.eq(id))
                    .filter(unused_since)
                    .exec(&transaction)
                    .await?;
                transaction.commit().await
            };
            if let Ok(Err(error)) = tokio::time::timeout(USE_PATIENCE, note).await {
                tracing::debug!(%error, token = id, "a token's use was not noted");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_token_is_checked_before_the_database_is_asked() {
        let digits = "0123456789abcdef".repeat(4);
        let good = format!("{PREFIX}{digits}{}", checksum(&digits));
        assert!(Credential::new(&good).is_well_formed());
        for bad in [
            String::new(),
            PREFIX.to_owned(),
            good.replace(PREFIX, "other_"),
            good.replacen('0', "1", 1),
            format!("{good}0"),
            format!("{PREFIX}{}", "é".repeat(36)),
        ] {
            assert!(!Credential::new(&bad).is_well_formed(), "{bad}");
        }
        assert_eq!(format!("{:?}", Credential::new(good)), "Credential(***)");
    }
}
