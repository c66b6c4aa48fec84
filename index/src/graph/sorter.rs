//! Sorting more than memory shall hold: [`Sorter`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Sorted files of one size that are merged into one of the next size.
const N_RUNS_MAX: usize = 24;
const BUFFER_BYTES: usize = 32 * 1024;

/// What a [`Sorter`] sorts, each unlike every other.
pub(super) trait Item: Ord + Serialize + DeserializeOwned {
    /// About how much memory it takes.
    fn n_bytes(&self) -> usize;
}

/// Takes items in any order and gives them back sorted. Those for which there is no room wait in
/// files without a name, in the folder for temporary files.
#[derive(Debug)]
pub(super) struct Sorter<T> {
    n_bytes_max: usize,
    n_bytes: usize,
    items: Vec<T>,
    /// Sorted files, those merged most often first.
    runs: Vec<Vec<File>>,
}

/// The items in order.
#[derive(Debug)]
pub(super) enum Sorted<T> {
    Held(std::vec::IntoIter<T>),
    Filed(Merge<T>),
}

/// The next item of each sorted file.
#[derive(Debug)]
pub(super) struct Merge<T> {
    next: BinaryHeap<Reverse<(T, usize)>>,
    runs: Vec<BufReader<File>>,
    line: Vec<u8>,
}

impl<T: Item> Sorter<T> {
    /// A sorter that holds about `n_bytes_max` in memory.
    pub(super) fn new(n_bytes_max: usize) -> Sorter<T> {
        Sorter { n_bytes_max, n_bytes: 0, items: Vec::new(), runs: Vec::new() }
    }

    pub(super) fn push(&mut self, item: T) -> io::Result<()> {
        self.n_bytes += item.n_bytes();
        self.items.push(item);
        if self.n_bytes_max < self.n_bytes { self.file() } else { Ok(()) }
    }

    /// Whether some items are in files.
    #[cfg(test)]
    pub(super) fn is_filed(&self) -> bool {
        !self.runs.is_empty()
    }

    /// All items, smallest first.
    pub(super) fn sorted(mut self) -> io::Result<Sorted<T>> {
        if self.runs.is_empty() {
            self.items.sort_unstable();
            return Ok(Sorted::Held(self.items.into_iter()));
        }
        if !self.items.is_empty() {
            self.file()?;
        }
        Ok(Sorted::Filed(Merge::of(self.runs.into_iter().flatten().collect())?))
    }

    /// Moves what is held into a file.
    fn file(&mut self) -> io::Result<()> {
        self.items.sort_unstable();
        let mut run = write(self.items.drain(..).map(Ok))?;
        self.n_bytes = 0;
        for level in 0.. {
            if self.runs.len() <= level {
                self.runs.push(Vec::new());
            }
            self.runs[level].push(run);
            if self.runs[level].len() < N_RUNS_MAX {
                break;
            }
            run = write(Merge::<T>::of(std::mem::take(&mut self.runs[level]))?)?;
        }
        Ok(())
    }
}

/// Writes `items`, one a line.
fn write<T: Item>(items: impl Iterator<Item = io::Result<T>>) -> io::Result<File> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?);
    for item in items {
        serde_json::to_writer(&mut out, &item?)?;
        out.write_all(b"\n")?;
    }
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

impl<T: Item> Merge<T> {
    fn of(runs: Vec<File>) -> io::Result<Merge<T>> {
        let runs = runs.into_iter().map(|it| BufReader::with_capacity(BUFFER_BYTES, it));
        let mut merge = Merge { next: BinaryHeap::new(), runs: runs.collect(), line: Vec::new() };
        for run in 0..merge.runs.len() {
            if let Some(item) = merge.read(run)? {
                merge.next.push(Reverse((item, run)));
            }
        }
        Ok(merge)
    }

    fn read(&mut self, run: usize) -> io::Result<Option<T>> {
        self.line.clear();
        if self.runs[run].read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&self.line)?))
    }
}

impl<T: Item> Iterator for Merge<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        let run = self.next.peek()?.0.1;
        let following = match self.read(run) {
            Ok(following) => following,
            Err(error) => {
                self.next.clear();
                return Some(Err(error));
            }
        };
        let mut first = self.next.peek_mut()?;
        let item = match following {
            Some(following) => std::mem::replace(&mut first.0.0, following),
            None => PeekMut::pop(first).0.0,
        };
        Some(Ok(item))
    }
}

impl<T: Item> Iterator for Sorted<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        match self {
            Sorted::Held(items) => items.next().map(Ok),
            Sorted::Filed(merge) => merge.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Item for (u32, String) {
        fn n_bytes(&self) -> usize {
            self.1.len()
        }
    }

    /// Sorts `n` items of 10 bytes with room for `n_bytes_max`; answers how many files it took.
    #[track_caller]
    fn check(n: u32, n_bytes_max: usize) -> usize {
        let item = |it: u32| (it, format!("line\n{it:05}"));
        let mut sorter = Sorter::new(n_bytes_max);
        for it in 0..n {
            // 7 919 is a prime, so each number comes once.
            sorter.push(item(it * 7_919 % n)).unwrap();
        }
        let n_files = sorter.runs.iter().map(Vec::len).sum();
        let sorted = sorter.sorted().unwrap().map(Result::unwrap);
        assert!(sorted.eq((0..n).map(item)));
        n_files
    }

    #[test]
    fn items_come_sorted_whether_or_not_there_is_room() {
        assert_eq!(check(0, 100), 0);
        assert_eq!(check(1_000, 10_000), 0);
        assert_eq!(check(1_000, 1_000), 9);
        // 909 files of 11 items: merged by 24, and these once more.
        assert_eq!(check(10_000, 100), 909 / 576 + 909 % 576 / 24 + 909 % 24);
    }
}
