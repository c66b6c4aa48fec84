//! The only writer of the search index: [`IndexWriterStage`].
//!
//! It applies articles in the order of their `index_seq` and commits with the highest one in the
//! commit's payload; after a crash the caller re-feeds what came after
//! [`IndexWriterStage::committed_seq`]. Reading order: this file, `open` (open, check, rebuild).

pub(crate) mod open;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexMeta, IndexWriter, TantivyDocument, TantivyError, Term};

use crate::document::DocumentBuilder;
use crate::record::StoredArticle;
use crate::schema::{Fields, SCHEMA_VERSION};
use crate::search::SearchIndex;
use crate::tokenizer::register;

/// Segments of about the same size that are merged into one.
const N_SEGMENTS_IN_MERGE: usize = 6;
/// Segments with fewer articles count as of the same size.
const N_ARTICLES_IN_SMALL_SEGMENT: u32 = 5_000;
/// Segments with more articles are never merged.
const N_ARTICLES_MERGED_MAX: usize = 2_000_000;
/// A segment with a larger share of deleted articles is rewritten.
const DELETED_SHARE_MAX: f32 = 0.3;

/// How the index is written.
#[derive(Clone, Debug, PartialEq)]
pub struct WriterSettings {
    /// Memory for articles that are not on disk yet, in bytes; at least 15 MB. More makes fewer,
    /// larger segments.
    pub memory_bytes: usize,
    /// Threads that build segments, `1..=8`. Each has its share of the memory.
    pub n_threads: usize,
    /// Threads that merge segments.
    pub n_merge_threads: usize,
    /// Names for values without one in the articles, such as sectors by their facet path.
    pub labels: BTreeMap<String, String>,
}

impl Default for WriterSettings {
    fn default() -> WriterSettings {
        WriterSettings {
            memory_bytes: 64_000_000,
            n_threads: 1,
            n_merge_threads: 1,
            labels: BTreeMap::new(),
        }
    }
}

/// Why the index cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder cannot be made or read.
    #[error("cannot use the index folder {}", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process writes the index.
    #[error("another process writes the index in {}", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds no index that this version can read.
    #[error("the index in {} cannot be read: {reason}", dir.display())]
    Unusable {
        /// The folder.
        dir: PathBuf,
        /// Why.
        reason: String,
    },
    /// The index cannot be opened for another reason.
    #[error("cannot open the index in {}", dir.display())]
    Open {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: TantivyError,
    },
    /// Articles could not be written, e.g. because the disk is full. What was committed stays
    /// searchable; go on after [`IndexWriterStage::committed_seq`].
    #[error("cannot write to the search index after sequence number {committed_seq}")]
    Write {
        /// What is safe.
        committed_seq: i64,
        /// Why.
        source: TantivyError,
    },
    /// A new state could not be read; searches go on with the one before.
    #[error("cannot read the new state of the search index")]
    Reload {
        /// Why.
        source: TantivyError,
    },
}

/// How the index was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There was none; an empty one was made.
    New,
    /// It was there and good.
    Existing,
    /// It was there and not usable, for this reason; its files were removed and an empty one made.
    /// Feed it everything from the archive.
    Rebuilt(String),
}

/// What a commit says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommitPayload {
    /// [`SCHEMA_VERSION`] of the code that wrote the index.
    pub(crate) schema_version: u32,
    /// Highest `index_seq` that is in the index, with all before it.
    pub(crate) seq: i64,
}

impl CommitPayload {
    /// The payload of the last commit; zeros when there is none.
    pub(crate) fn of(metas: &IndexMeta) -> CommitPayload {
        let payload = metas.payload.as_deref();
        payload.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default()
    }
}

/// Owns the only writer. Give it a thread of its own; every call may block on the disk.
pub struct IndexWriterStage {
    index: Index,
    fields: Fields,
    settings: WriterSettings,
    search: SearchIndex,
    builder: DocumentBuilder,
    /// `None` after an error; made anew by the next call.
    writer: Option<IndexWriter>,
    committed_seq: i64,
    opened: Opened,
}

impl IndexWriterStage {
    /// Opens the index in `dir`, or makes an empty one when there is none or none that can be
    /// used: damaged, of another version. Then [`IndexWriterStage::opened`] says so and
    /// [`IndexWriterStage::committed_seq`] is 0.
    ///
    /// # Errors
    /// When another process writes the index, or the folder cannot be used at all.
    pub fn open(dir: &Path, settings: WriterSettings) -> Result<IndexWriterStage, IndexError> {
        open::open(dir, settings)
    }

    pub(crate) fn over(
        index: Index,
        fields: Fields,
        settings: WriterSettings,
        opened: Opened,
    ) -> tantivy::Result<IndexWriterStage> {
        register(&index);
        let writer = new_writer(&index, &settings)?;
        let committed_seq = CommitPayload::of(&index.load_metas()?).seq;
        let search = SearchIndex::over(index.clone(), fields, settings.labels.clone())?;
        Ok(IndexWriterStage {
            index,
            fields,
            settings,
            search,
            builder: DocumentBuilder::new(fields),
            writer: Some(writer),
            committed_seq,
            opened,
        })
    }

    /// The handle for searching; it sees every commit of this writer at once.
    pub fn search_index(&self) -> SearchIndex {
        self.search.clone()
    }

    /// How the index was found.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Highest `index_seq` that is safely in the index; 0 when it is empty.
    pub fn committed_seq(&self) -> i64 {
        self.committed_seq
    }

    /// Adds `articles`, each in place of its earlier version. Seen after the next commit.
    ///
    /// # Errors
    /// [`IndexError::Write`]; everything since the last commit is then forgotten.
    pub fn apply(&mut self, articles: &[StoredArticle]) -> Result<(), IndexError> {
        let applied = self.try_apply(articles);
        self.checked(applied)
    }

    /// Removes articles. Seen after the next commit.
    ///
    /// # Errors
    /// As for [`IndexWriterStage::apply`].
    pub fn remove(&mut self, ids: &[ingest::ArticleId]) -> Result<(), IndexError> {
        let id = self.fields.id;
        let removed = self.writer().map(|writer| {
            for it in ids {
                writer.delete_term(Term::from_field_text(id, &it.to_string()));
            }
        });
        self.checked(removed)
    }

    /// Commits with `seq`, the highest `index_seq` applied, and shows the new state to searches.
    ///
    /// # Errors
    /// As for [`IndexWriterStage::apply`].
    pub fn commit(&mut self, seq: i64) -> Result<(), IndexError> {
        let committed = self.try_commit(seq);
        self.checked(committed)?;
        self.committed_seq = seq;
        self.search.refresh()
    }

    /// Empties the index, as the start of a full rebuild; [`IndexWriterStage::committed_seq`]
    /// returns to 0.
    ///
    /// # Errors
    /// As for [`IndexWriterStage::apply`].
    pub fn clear(&mut self) -> Result<(), IndexError> {
        let cleared = self.writer().and_then(|it| it.delete_all_documents()).map(|_| ());
        self.checked(cleared)?;
        self.commit(0)
    }

    /// Waits until merges under way are done, and stops writing.
    ///
    /// # Errors
    /// When a merge failed; what was committed is not affected.
    pub fn close(mut self) -> Result<(), IndexError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let waited = writer.wait_merging_threads();
        self.checked(waited)
    }

    fn try_apply(&mut self, articles: &[StoredArticle]) -> tantivy::Result<()> {
        let id = self.fields.id;
        self.writer()?;
        for article in articles {
            let document: TantivyDocument = self.builder.document(article);
            let writer = self.writer()?;
            writer.delete_term(Term::from_field_text(id, &article.article.id.to_string()));
            writer.add_document(document)?;
        }
        Ok(())
    }

    fn try_commit(&mut self, seq: i64) -> tantivy::Result<()> {
        let payload = CommitPayload { schema_version: SCHEMA_VERSION, seq };
        let payload = serde_json::to_string(&payload)?;
        let mut prepared = self.writer()?.prepare_commit()?;
        prepared.set_payload(&payload);
        prepared.commit()?;
        Ok(())
    }

    fn writer(&mut self) -> tantivy::Result<&mut IndexWriter> {
        if self.writer.is_none() {
            self.writer = Some(new_writer(&self.index, &self.settings)?);
        }
        Ok(self.writer.as_mut().expect("it was just made"))
    }

    /// Gives up a writer that failed, with all that it has not committed.
    fn checked(&mut self, result: tantivy::Result<()>) -> Result<(), IndexError> {
        result.map_err(|source| {
            self.writer = None;
            IndexError::Write { committed_seq: self.committed_seq, source }
        })
    }
}

fn new_writer(index: &Index, settings: &WriterSettings) -> tantivy::Result<IndexWriter> {
    let n_threads = settings.n_threads.clamp(1, 8);
    let options = IndexWriterOptions::builder()
        .num_worker_threads(n_threads)
        .num_merge_threads(settings.n_merge_threads.max(1))
        .memory_budget_per_thread((settings.memory_bytes / n_threads).max(15_000_000))
        .build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(N_SEGMENTS_IN_MERGE);
    policy.set_min_layer_size(N_ARTICLES_IN_SMALL_SEGMENT);
    policy.set_max_docs_before_merge(N_ARTICLES_MERGED_MAX);
    policy.set_del_docs_ratio_before_merge(DELETED_SHARE_MAX);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}
