//! A row of numbers.

/// A row that is being filled; with names when they are asked for.
pub(super) struct Row {
    pub(super) values: Vec<f32>,
    pub(super) names: Option<Vec<String>>,
}

impl Row {
    pub(super) fn put(&mut self, name: &str, value: f32) {
        self.values.push(value);
        if let Some(names) = &mut self.names {
            names.push(name.to_owned());
        }
    }

    pub(super) fn put_of(&mut self, part: impl std::fmt::Display, name: &str, value: f32) {
        self.values.push(value);
        if let Some(names) = &mut self.names {
            names.push(format!("{name}_{part}"));
        }
    }

    pub(super) fn put_all(&mut self, name: &str, values: impl Iterator<Item = f32>) {
        for (at, value) in values.enumerate() {
            self.values.push(value);
            if let Some(names) = &mut self.names {
                names.push(format!("{name}_{at}"));
            }
        }
    }
}
