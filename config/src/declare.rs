//! [`declare!`]: one table of the configuration, told once.
//!
//! Its fields' documentation, type, default and rule give the struct, the reader, the overrides
//! and the reference manual, so that these cannot drift apart.

/// Declares a struct that is read from a TOML table.
///
/// A field is `name: Type`, then `= default` if it may be left out (`Option` and tables always
/// may), then `=> rule` for what its type does not say.
macro_rules! declare {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident : $type:ty $(= $default:expr)? $(=> $rule:expr)? ,
            )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        $vis struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )+
        }

        impl $crate::value::Value for $name {
            fn wanted() -> String {
                "a table".into()
            }

            fn read(
                value: &$crate::reader::Located<'_>,
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Option<$name> {
                let mut fields = $crate::reader::Fields::open::<$name>(value, reader)?;
                $(
                    let $field = fields.take::<$type>(
                        stringify!($field),
                        $crate::declare::declare!(@default $type $(, $default)?),
                        $crate::declare::declare!(@rule $type $(, $rule)?),
                    );
                )+
                fields.close();
                Some($name { $( $field: $field?, )+ })
            }

            fn to_toml(&self) -> Option<String> {
                None
            }

            fn absent() -> Option<$name> {
                Some($name {
                    $( $field: $crate::declare::declare!(@default $type $(, $default)?)?, )+
                })
            }

            fn keys() -> Vec<$crate::value::Key> {
                vec![ $( {
                    let default: Option<$type> =
                        $crate::declare::declare!(@default $type $(, $default)?);
                    let rule: Option<$crate::value::Rule<$type>> =
                        $crate::declare::declare!(@rule $type $(, $rule)?);
                    $crate::value::Key {
                        name: stringify!($field),
                        doc: concat!($($field_doc, "\n"),+),
                        wanted: rule.map_or_else(
                            <$type as $crate::value::Value>::wanted,
                            |it| it.allowed().to_owned(),
                        ),
                        is_optional: default.is_some(),
                        default: default.and_then(|it| $crate::value::Value::to_toml(&it)),
                        keys: <$type as $crate::value::Value>::keys(),
                    }
                } ),+ ]
            }

            fn assign(
                &mut self,
                path: &[&str],
                text: &str,
                reader: &mut $crate::reader::Reader<'_>,
            ) {
                let Some((first, rest)) = path.split_first() else {
                    let message = "is a table; set one of its keys".to_owned();
                    return reader.error_at(&(0..0), None, message);
                };
                match *first {
                    $( stringify!($field) => reader.within(first, |reader| {
                        let rule: Option<$crate::value::Rule<$type>> =
                            $crate::declare::declare!(@rule $type $(, $rule)?);
                        let mut value = self.$field.clone();
                        $crate::value::Value::assign(&mut value, rest, text, reader);
                        match rule.and_then(|it| it.broken_by(&value)) {
                            Some(message) => reader.error_at(&(0..0), None, message),
                            None => self.$field = value,
                        }
                    }), )+
                    _ => reader.error_at(&(0..0), Some(first), "unknown key".to_owned()),
                }
            }
        }
    };

    (@default $type:ty) => { <$type as $crate::value::Value>::absent() };
    (@default $type:ty, $default:expr) => { Some::<$type>($default) };
    (@rule $type:ty) => { None };
    (@rule $type:ty, $rule:expr) => { Some($rule) };
}
pub(crate) use declare;
