//! CSV: one row for each hostile statement, safe to open in a spreadsheet.

use std::io::{self, Write};

use index::graph::Party;
use index::{GraphArticle, StatementRecord};

use super::{Writer, timestamp, word};

const HEADER: [&str; 30] = [
    "statement",
    "dated_at",
    "kind",
    "domain",
    "modality",
    "tense",
    "act_from",
    "act_to",
    "actors",
    "actor_ids",
    "targets",
    "target_ids",
    "means",
    "speaker",
    "sectors",
    "sentence",
    "score",
    "article",
    "title",
    "url",
    "source",
    "source_name",
    "country",
    "language",
    "fetched_at",
    "page_sha256",
    "story",
    "section",
    "tags",
    "is_paywall_stub",
];

/// Writes the header and rows as they come.
#[derive(Debug)]
pub(crate) struct CsvWriter;

impl Writer for CsvWriter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        row(out, HEADER.map(str::to_owned).as_slice())
    }

    fn article(&mut self, article: &GraphArticle, out: &mut dyn Write) -> io::Result<()> {
        article.statements.iter().try_for_each(|it| row(out, &cells(article, it)))
    }
}

fn row(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(cells.iter().map(|it| guarded(it)))?;
    writer.flush()
}

fn cells(article: &GraphArticle, record: &StatementRecord) -> Vec<String> {
    let statement = &record.statement;
    let join = |parties: &[Party], of: fn(&Party) -> &str| {
        parties.iter().map(of).collect::<Vec<_>>().join(" | ")
    };
    let actors = Party::actors_of(statement);
    let targets = Party::targets_of(statement);
    let means: Vec<Party> = statement.means.iter().filter_map(Party::of_phrase).collect();
    let day = |it: Option<chrono::NaiveDate>| it.map(|it| it.to_string()).unwrap_or_default();
    let sectors: Vec<&str> = statement.sectors.iter().map(|it| it.as_str()).collect();
    vec![
        record.id.clone(),
        timestamp(record.dated_at),
        word(&statement.kind),
        word(&statement.domain),
        word(&statement.modality),
        word(&statement.time.tense),
        day(statement.time.from),
        day(statement.time.to),
        join(&actors, |it| &it.name),
        join(&actors, |it| &it.id),
        join(&targets, |it| &it.name),
        join(&targets, |it| &it.id),
        join(&means, |it| &it.name),
        statement.speaker.as_ref().map(|it| it.text.clone()).unwrap_or_default(),
        sectors.join(" | "),
        record.sentence.clone(),
        format!("{:.2}", statement.score),
        article.id.to_string(),
        article.title.clone(),
        article.url.clone(),
        article.source.to_string(),
        article.source_name.clone(),
        article.source_country.clone().unwrap_or_default(),
        article.language.clone().unwrap_or_default(),
        timestamp(article.fetched_at),
        article.page_sha256.clone(),
        article.story.as_ref().map(|it| it.to_string()).unwrap_or_default(),
        article.details.section.clone().unwrap_or_default(),
        article.details.tags.join(" | "),
        article.details.is_paywall_stub.to_string(),
    ]
}

/// A cell that no spreadsheet takes for a formula: an apostrophe stands before what could be one.
fn guarded(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\u{a0}', '\u{feff}']).chars().next();
    match first {
        // The full-width forms too: some spreadsheets read them alike.
        Some(
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '＝' | '＋' | '－' | '＠',
        ) => {
            format!("'{cell}")
        }
        _ => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_cell_is_never_a_formula() {
        for it in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\u{feff}=1"] {
            assert_eq!(guarded(it), format!("'{it}"));
        }
        assert_eq!(guarded("Northern Front"), "Northern Front");
        assert_eq!(guarded(""), "");
    }
}
