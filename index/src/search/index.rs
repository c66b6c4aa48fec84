//! The handle for searching: [`SearchIndex`], cheap to clone, always on a committed state.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tantivy::index::SegmentId;
use tantivy::{Index, IndexReader, ReloadPolicy, Searcher};

use crate::facet::FilterField;
use crate::facet::columns::SegmentColumns;
use crate::facet::dictionary::{COLUMN_FIELDS, Dictionaries};
use crate::schema::Fields;
use crate::tokenizer::Language;
use crate::writer::{CommitPayload, IndexError, open};

/// Earlier states kept for cursors at most. Each keeps its files open, on disk even when they were
/// merged since, and up to [`N_STORE_BLOCKS`] of 16 KB for each segment that hits were read from.
const N_PINNED_MAX: usize = 16;
/// How long an earlier state is kept for a cursor.
const PIN_AGE_MAX: Duration = Duration::from_secs(300);
/// Bytes of columns that only earlier states hold at most, in segments that were merged since: those
/// of some 800 000 articles.
const PINNED_BYTES_MAX: usize = 64 << 20;
/// Decompressed blocks of stored articles kept per segment.
const N_STORE_BLOCKS: usize = 20;

/// Searches the index. Clones share everything; searches run in parallel, each on its caller's
/// thread (give them `spawn_blocking` in async code).
#[derive(Clone)]
pub struct SearchIndex {
    shared: Arc<Shared>,
}

struct Shared {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    labels: BTreeMap<String, String>,
    dictionaries: RwLock<Dictionaries>,
    current: RwLock<Arc<Snapshot>>,
    pinned: Mutex<VecDeque<(Instant, Arc<Snapshot>)>>,
    /// Held while reloading, so that two reloads do not read the same columns.
    reloading: Mutex<()>,
}

/// One committed state of the index.
pub(crate) struct Snapshot {
    /// Differs between states, also of different processes.
    pub(crate) id: u64,
    pub(crate) searcher: Searcher,
    /// By segment, in the order of the searcher.
    pub(crate) columns: Vec<Arc<SegmentColumns>>,
    /// Values of each facet field that `columns` may name.
    pub(crate) n_values: [usize; COLUMN_FIELDS.len()],
    /// Languages of the articles; [`Language::Other`] always.
    pub(crate) languages: Vec<Language>,
    payload: CommitPayload,
}

impl SearchIndex {
    /// Opens the index in `dir` for reading only, beside another process that may write it.
    ///
    /// `labels` names values for display, such as sectors by their facet path. Call
    /// [`SearchIndex::refresh`] before a search to see what was committed since.
    pub fn open_read_only(
        dir: &Path,
        labels: BTreeMap<String, String>,
    ) -> Result<SearchIndex, IndexError> {
        let (index, fields) = open::open_existing(dir)?;
        SearchIndex::over(index, fields, labels)
            .map_err(|source| IndexError::Open { dir: dir.to_owned(), source })
    }

    pub(crate) fn over(
        index: Index,
        fields: Fields,
        labels: BTreeMap<String, String>,
    ) -> tantivy::Result<SearchIndex> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(N_STORE_BLOCKS)
            .try_into()?;
        let dictionaries = RwLock::default();
        let snapshot = Snapshot::of(&index, &reader, &dictionaries, None)?;
        let shared = Shared {
            index,
            reader,
            fields,
            labels,
            dictionaries,
            current: RwLock::new(Arc::new(snapshot)),
            pinned: Mutex::default(),
            reloading: Mutex::default(),
        };
        Ok(SearchIndex { shared: Arc::new(shared) })
    }

    /// Makes searches see the last commit. Searches under way go on with what they have.
    pub fn refresh(&self) -> Result<(), IndexError> {
        let shared = &*self.shared;
        let _one_at_a_time = shared.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let is_stale = || -> tantivy::Result<bool> {
            let metas = shared.index.load_metas()?;
            let segments = before.searcher.generation().segments();
            let is_same = metas.segments.len() == segments.len()
                && metas.segments.iter().all(|it| {
                    segments.get(&it.id()).is_some_and(|deletes| *deletes == it.delete_opstamp())
                });
            Ok(!is_same || CommitPayload::of(&metas) != before.payload)
        };
        let reload = || -> tantivy::Result<()> {
            if !is_stale()? {
                return Ok(());
            }
            shared.reader.reload()?;
            let next =
                Snapshot::of(&shared.index, &shared.reader, &shared.dictionaries, Some(&before))?;
            *shared.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            Ok(())
        };
        self.unpin_old();
        reload().map_err(|source| IndexError::Reload { source })
    }

    /// Number of searchable articles.
    pub fn n_articles(&self) -> u64 {
        self.snapshot().searcher.num_docs()
    }

    /// Highest `index_seq` that searches see; 0 for an empty index.
    pub fn committed_seq(&self) -> i64 {
        self.snapshot().payload.seq
    }

    /// Bytes of memory held for facets and order.
    pub fn n_column_bytes(&self) -> usize {
        self.snapshot().columns.iter().map(|it| it.n_bytes()).sum()
    }

    /// Number of segments; each costs every search a little.
    pub fn n_segments(&self) -> usize {
        self.snapshot().columns.len()
    }

    /// Bytes on disk.
    pub fn n_disk_bytes(&self) -> Result<u64, IndexError> {
        let usage = self.snapshot().searcher.space_usage();
        let usage = usage.map_err(|source| IndexError::Reload { source: source.into() })?;
        Ok(usage.total().get_bytes())
    }

    pub(crate) fn fields(&self) -> Fields {
        self.shared.fields
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.shared.labels
    }

    pub(crate) fn dictionaries(&self) -> std::sync::RwLockReadGuard<'_, Dictionaries> {
        self.shared.dictionaries.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state that searches see now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shared.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state with this id, while it is current or kept.
    pub(crate) fn snapshot_of(&self, id: u64) -> Option<Arc<Snapshot>> {
        let current = self.snapshot();
        if current.id == id {
            return Some(current);
        }
        let pinned = self.shared.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.iter().map(|(_, it)| it).find(|it| it.id == id).cloned()
    }

    /// Keeps `snapshot` for a while, so that a cursor finds the same articles with the same scores.
    ///
    /// Cursors outlive it: a later page goes on in the current state, see [`crate::cursor`].
    pub(crate) fn pin(&self, snapshot: &Arc<Snapshot>) {
        let current = self.snapshot();
        let mut pinned = self.shared.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.retain(|(_, it)| it.id != snapshot.id);
        pinned.push_back((Instant::now(), Arc::clone(snapshot)));
        while pinned.len() > N_PINNED_MAX || n_bytes_held(&pinned, &current) > PINNED_BYTES_MAX {
            pinned.pop_front();
        }
    }

    fn unpin_old(&self) {
        let mut pinned = self.shared.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.retain(|(since, _)| since.elapsed() < PIN_AGE_MAX);
    }
}

/// Bytes of columns that states in `pinned` hold beside those of `current`.
fn n_bytes_held(pinned: &VecDeque<(Instant, Arc<Snapshot>)>, current: &Snapshot) -> usize {
    let mut seen: HashSet<*const SegmentColumns> =
        current.columns.iter().map(Arc::as_ptr).collect();
    let columns = pinned.iter().flat_map(|(_, it)| &it.columns);
    columns.filter(|it| seen.insert(Arc::as_ptr(it))).map(|it| it.n_bytes()).sum()
}

impl Snapshot {
    fn of(
        index: &Index,
        reader: &IndexReader,
        dictionaries: &RwLock<Dictionaries>,
        before: Option<&Snapshot>,
    ) -> tantivy::Result<Snapshot> {
        let payload = CommitPayload::of(&index.load_metas()?);
        let searcher = reader.searcher();
        let known: HashMap<SegmentId, &Arc<SegmentColumns>> = before
            .map(|it| {
                let segments = it.searcher.segment_readers().iter();
                segments.map(|it| it.segment_id()).zip(&it.columns).collect()
            })
            .unwrap_or_default();
        let columns: tantivy::Result<Vec<Arc<SegmentColumns>>> = searcher
            .segment_readers()
            .iter()
            .map(|segment| match known.get(&segment.segment_id()) {
                Some(columns) => Ok(Arc::clone(columns)),
                None => Ok(Arc::new(SegmentColumns::read(segment, dictionaries)?)),
            })
            .collect();
        let columns = columns?;
        let dictionaries = dictionaries.read().unwrap_or_else(PoisonError::into_inner);
        let n_language = COLUMN_FIELDS.iter().position(|it| *it == FilterField::Language);
        let codes = n_language.into_iter().flat_map(|it| dictionaries.field(it).ids());
        let mut languages: Vec<Language> = codes.map(|it| Language::of(Some(it))).collect();
        // Sectors are named in English in every article.
        languages.extend([Language::English, Language::Other]);
        languages.sort_unstable();
        languages.dedup();
        let id = uuid::Uuid::new_v4().as_u64_pair().0;
        Ok(Snapshot { id, searcher, columns, n_values: dictionaries.lens(), languages, payload })
    }
}
