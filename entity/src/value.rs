//! Column types: each parses what a source writes, prints its canonical form, and carries its rule.
//!
//! A value of one of these types is right by construction; text that breaks the rule is an [`Invalid`].

mod branch;
mod codename;
mod md5;
mod mirror;
mod os;
mod package_type;
mod region;
mod size;
mod version;

pub use branch::Branch;
pub use codename::Codename;
pub use md5::{Md5, Md5Prefix};
pub use mirror::{HOSTS, Mirrors};
pub use os::OperatingSystem;
pub use package_type::PackageType;
pub use region::Region;
pub use size::{PublishedSize, parse_size, write_size};
pub use version::{Version, VersionKey, VersionTail};

/// Text that is not a value of the wanted type: says what is allowed and quotes what came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {allowed}, not {given:?}")]
pub struct Invalid {
    /// Which value was wanted, for example `MD5`.
    pub what: &'static str,
    /// What the rule allows, in words.
    pub allowed: &'static str,
    /// The text that came, cut to [`Invalid::QUOTED`] characters.
    pub given: String,
}

impl Invalid {
    /// How many characters of the offending text are quoted at the most.
    pub const QUOTED: usize = 80;

    /// Says of a text that it is not what was wanted.
    #[must_use]
    pub fn new(what: &'static str, allowed: &'static str, given: &str) -> Self {
        Self {
            what,
            allowed,
            given: given.chars().take(Self::QUOTED).collect(),
        }
    }
}

/// Gives a newtype over a short text its column behaviour: stored as text, read back through its own rule.
macro_rules! text_column {
    ($type:ty) => {
        impl From<$type> for sea_orm::Value {
            fn from(value: $type) -> Self {
                sea_orm::Value::String(Some(value.to_string()))
            }
        }

        impl sea_orm::TryGetable for $type {
            fn try_get_by<I: sea_orm::ColIdx>(
                row: &sea_orm::QueryResult,
                index: I,
            ) -> Result<Self, sea_orm::TryGetError> {
                let text = String::try_get_by(row, index)?;
                text.parse()
                    .map_err(|error: $crate::value::Invalid| sea_orm::DbErr::Type(error.to_string()).into())
            }
        }

        impl sea_orm::sea_query::ValueType for $type {
            fn try_from(value: sea_orm::Value) -> Result<Self, sea_orm::sea_query::ValueTypeErr> {
                let text = <String as sea_orm::sea_query::ValueType>::try_from(value)?;
                text.parse().map_err(|_| sea_orm::sea_query::ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($type).to_owned()
            }

            fn array_type() -> sea_orm::sea_query::ArrayType {
                sea_orm::sea_query::ArrayType::String
            }

            fn column_type() -> sea_orm::ColumnType {
                sea_orm::ColumnType::Text
            }
        }

        impl sea_orm::sea_query::Nullable for $type {
            fn null() -> sea_orm::Value {
                sea_orm::Value::String(None)
            }
        }

        // A text is never made from a number, but SeaORM asks this of every primary key.
        impl sea_orm::TryFromU64 for $type {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($type)))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_column;

/// Defines an enum whose members have one canonical upper-case name, used in the database, in the export and in the API alike.
macro_rules! named_enum {
    ($(#[$meta:meta])* $type:ident: $what:literal { $($(#[$member_meta:meta])* $member:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$member_meta])* $member,)+
        }

        impl $type {
            /// Every member, in the order of its declaration.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// The canonical name, as the database and the API write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$member => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::value::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$member),)+
                    _ => Err($crate::value::Invalid::new($what, concat!("one of", $(" ", $name),+), text)),
                }
            }
        }

        $crate::value::text_column!($type);
    };
}
pub(crate) use named_enum;
