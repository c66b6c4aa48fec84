//! Numbers for facet values, the same in all segments: [`Dictionaries`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::FilterField;
use crate::schema::ID_NAME_SEPARATOR;
use crate::tokenizer::language::language_name;

/// Facet fields that have values in the index; the day is computed.
pub(crate) const COLUMN_FIELDS: [FilterField; 9] = [
    FilterField::Sector,
    FilterField::Actor,
    FilterField::Target,
    FilterField::Kind,
    FilterField::Domain,
    FilterField::Modality,
    FilterField::Source,
    FilterField::Language,
    FilterField::Country,
];

/// Name of the column of a facet field.
pub(crate) fn column_name(field: FilterField) -> String {
    format!("{}_facet", field.name())
}

/// The values of all facet fields seen so far. It only grows, by distinct values, until the
/// process ends.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    by_field: [Dictionary; COLUMN_FIELDS.len()],
}

/// The values of one facet field.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    values: Vec<Value>,
    numbers: HashMap<Arc<str>, u32>,
}

#[derive(Debug)]
struct Value {
    id: Arc<str>,
    label: Option<Arc<str>>,
}

impl Dictionaries {
    pub(crate) fn field(&self, n_field: usize) -> &Dictionary {
        &self.by_field[n_field]
    }

    pub(crate) fn field_mut(&mut self, n_field: usize) -> &mut Dictionary {
        &mut self.by_field[n_field]
    }

    /// Number of values of each field.
    pub(crate) fn lens(&self) -> [usize; COLUMN_FIELDS.len()] {
        std::array::from_fn(|it| self.by_field[it].values.len())
    }
}

impl Dictionary {
    /// The number of the value that a column holds as `id` or `id␟name`; the last name wins.
    pub(crate) fn intern(&mut self, stored: &str) -> u32 {
        let (id, label) = match stored.split_once(ID_NAME_SEPARATOR) {
            Some((id, label)) => (id, Some(label)),
            None => (stored, None),
        };
        let number = match self.numbers.get(id) {
            Some(&number) => number,
            None => {
                let number = self.values.len() as u32;
                let id: Arc<str> = Arc::from(id);
                self.values.push(Value { id: Arc::clone(&id), label: None });
                self.numbers.insert(id, number);
                number
            }
        };
        let value = &mut self.values[number as usize];
        if label.is_some() && value.label.as_deref() != label {
            value.label = label.map(Arc::from);
        }
        number
    }

    /// The number of the value with this id.
    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    pub(crate) fn id(&self, number: u32) -> &str {
        &self.values[number as usize].id
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|it| &*it.id)
    }

    /// The value for display.
    pub(crate) fn label(
        &self,
        field: FilterField,
        number: u32,
        labels: &BTreeMap<String, String>,
    ) -> String {
        let value = &self.values[number as usize];
        label_of(field, &value.id, value.label.as_deref(), labels)
    }
}

/// The display form of a value: its name, a configured label, or the value made readable.
pub(crate) fn label_of(
    field: FilterField,
    id: &str,
    name: Option<&str>,
    labels: &BTreeMap<String, String>,
) -> String {
    if let Some(label) = labels.get(id) {
        return label.clone();
    }
    match (field, name) {
        (_, Some(name)) if !name.is_empty() => name.to_owned(),
        (FilterField::Language, _) => language_name(id).to_owned(),
        (FilterField::Sector, _) => {
            let leaf = id.rsplit('/').next().unwrap_or(id).replace('-', " ");
            let mut chars = leaf.chars();
            chars.next().map_or(leaf.clone(), |it| it.to_uppercase().chain(chars).collect())
        }
        _ => id.to_owned(),
    }
}
