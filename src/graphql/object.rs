//! Object types from one definition: what the schema says of them, and what both executors call.

/// Defines an object type's fields.
///
/// A plain `fn` answers from memory: from the object itself, its arguments and, where it takes one, [`Here`](super::context::Here).
/// An `async fn` waits for something and takes async-graphql's `Context`. Documentation and attributes are those of
/// async-graphql's `Object`; every argument of a plain `fn` has a `#[graphql(…)]` attribute.
macro_rules! object {
    ($(#[$meta:meta])* impl $object:ident { $($fields:tt)* }) => {
        $crate::graphql::object::object! { @next { $(#[$meta])* } $object [] [] [] [] $($fields)* }
    };
    (
        @next $head:tt $object:ident [$($stock:tt)*] [$($declared:tt)*] [$($resolved:tt)*] [$($listed:tt)*]
        $(#[$meta:meta])*
        $vis:vis fn $name:ident(&$this:ident $(, $here:ident: &Here)? $(, #[$of:meta] $argument:ident: $given:ty)* $(,)?)
        -> $answer:ty $body:block
        $($rest:tt)*
    ) => {
        $crate::graphql::object::object! {
            @next $head $object
            [
                $($stock)*
                $(#[$meta])*
                $vis async fn $name(
                    &$this, ctx: &async_graphql::Context<'_> $(, #[$of] $argument: $given)*
                ) -> $answer {
                    let _ = ctx;
                    <Self as Fields>::$name($this $(, $crate::graphql::object::object!(@prepared $here ctx))? $(, $argument)*)
                }
            ]
            [
                $($declared)*
                $(#[$meta])*
                fn $name(&self $(, $here: &$crate::graphql::context::Here)? $(, $argument: $given)*) -> $answer;
            ]
            [
                $($resolved)*
                fn $name(&$this $(, $here: &$crate::graphql::context::Here)? $(, $argument: $given)*) -> $answer $body
            ]
            [
                $($listed)*
                FieldOf {
                    name: stringify!($name),
                    arguments: &[$(stringify!($argument)),*],
                    complete: Some(|object, field, run| {
                        $crate::graphql::object::object!(@arguments $answer, field, run $(, $argument: $given)*);
                        let answer = <$object as Fields>::$name(
                            object $(, $crate::graphql::object::object!(@seen $here run))? $(, $argument)*
                        );
                        Complete::complete(&answer, field, run)
                    }),
                },
            ]
            $($rest)*
        }
    };
    (
        @next $head:tt $object:ident [$($stock:tt)*] [$($declared:tt)*] [$($resolved:tt)*] [$($listed:tt)*]
        $(#[$meta:meta])*
        $vis:vis async fn $name:ident($($arguments:tt)*) -> $answer:ty $body:block
        $($rest:tt)*
    ) => {
        $crate::graphql::object::object! {
            @next $head $object
            [$($stock)* $(#[$meta])* $vis async fn $name($($arguments)*) -> $answer $body]
            [$($declared)*]
            [$($resolved)*]
            [$($listed)* FieldOf { name: stringify!($name), arguments: &[], complete: None },]
            $($rest)*
        }
    };
    (
        @next { $($head:tt)* } $object:ident
        [$($stock:tt)*] [$($declared:tt)*] [$($resolved:tt)*] [$($listed:tt)*]
    ) => {
        const _: () = {
            use $crate::graphql::execute::{Complete, Completed, FieldOf, ObjectFields, Run};

            trait Fields: Sized {
                $($declared)*
            }

            impl Fields for $object {
                $($resolved)*
            }

            $($head)*
            #[async_graphql::Object(serial)]
            impl $object {
                $($stock)*
            }

            impl ObjectFields for $object {
                const NAME: &'static str = stringify!($object);
                const FIELDS: &'static [FieldOf<Self>] = &[$($listed)*];
            }

            impl Complete for $object {
                fn complete(&self, field: &$crate::graphql::document::plan::FieldPlan, run: &mut Run<'_>) -> Completed {
                    run.object(self, field)
                }
            }
        };
    };
    (@prepared $here:ident $ctx:ident) => {
        $crate::graphql::context::ContextExt::here($ctx)?
    };
    (@seen $here:ident $run:ident) => {
        $run.here()
    };
    (@arguments $answer:ty, $field:ident, $run:ident) => {};
    (@arguments $answer:ty, $field:ident, $run:ident, $($argument:ident: $given:ty),+) => {
        let Ok(($($argument,)+)) = $run.arguments($field, |given| Ok(($(given.take::<$given>()?,)+))) else {
            return $run.unreached::<$answer>();
        };
    };
}
pub(super) use object;

/// Defines an object type whose fields are those of a structure.
macro_rules! record {
    (
        $(#[$meta:meta])*
        $vis:vis struct $object:ident as $name:literal {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $answer:ty),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(async_graphql::SimpleObject)]
        #[graphql(serial, name = $name)]
        $vis struct $object {
            $($(#[$field_meta])* $field_vis $field: $answer,)+
        }

        impl $crate::graphql::execute::ObjectFields for $object {
            const NAME: &'static str = $name;
            const FIELDS: &'static [$crate::graphql::execute::FieldOf<Self>] = &[$($crate::graphql::execute::FieldOf {
                name: stringify!($field),
                arguments: &[],
                complete: Some(|object, field, run| {
                    $crate::graphql::execute::Complete::complete(&object.$field, field, run)
                }),
            },)+];
        }

        impl $crate::graphql::execute::Complete for $object {
            fn complete(
                &self,
                field: &$crate::graphql::document::plan::FieldPlan,
                run: &mut $crate::graphql::execute::Run<'_>,
            ) -> $crate::graphql::execute::Completed {
                run.object(self, field)
            }
        }
    };
}
pub(super) use record;

/// Makes the members of unions and interfaces known to the executor for what lies in memory.
macro_rules! kinds {
    ($($kinds:ident { $($kind:ident),+ }),+ $(,)?) => {
        $(impl $crate::graphql::execute::Complete for $kinds {
            fn complete(
                &self,
                field: &$crate::graphql::document::plan::FieldPlan,
                run: &mut $crate::graphql::execute::Run<'_>,
            ) -> $crate::graphql::execute::Completed {
                match self {
                    $(Self::$kind(object) => run.object(object, field),)+
                }
            }
        })+
    };
}
pub(super) use kinds;

/// Makes enums known to the executor for what lies in memory, by the names that the schema gives their values.
macro_rules! enums {
    ($($name:ident),+ $(,)?) => {
        $(impl $crate::graphql::execute::Complete for $name {
            fn complete(
                &self,
                field: &$crate::graphql::document::plan::FieldPlan,
                run: &mut $crate::graphql::execute::Run<'_>,
            ) -> $crate::graphql::execute::Completed {
                let items = <Self as async_graphql::resolver_utils::EnumType>::items();
                let name = items.iter().find(|item| item.value == *self).map_or("", |item| item.name);
                name.complete(field, run)
            }
        })+
    };
}
pub(super) use enums;
