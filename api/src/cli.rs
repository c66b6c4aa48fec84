//! The command line: what can be asked of `harbinger`, and with which words.
//!
//! Longer than most, since every command has its words here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::export::{Format, Tlp};

/// A news and OSINT threat monitor: who threatens or attacks whom, in which sectors.
#[derive(Debug, Parser)]
#[command(name = "harbinger", version, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Examples:\n  \
    harbinger serve                          run the pipeline and the web page\n  \
    harbinger search 'actor:iran target:bank' --from 2026-01-01\n  \
    harbinger extract page.html --url https://example.org/news/1\n  \
    harbinger annotate --jsonl articles.jsonl > annotations.jsonl\n\n\
    Exit status: 0 all good, 1 it failed, or some lines or items did, 2 usage or configuration \
    error, or\nit cannot start. run-once and serve end with 0 also when polls or articles failed.")]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Configuration folder [default: ./config or else /etc/harbinger, where it holds settings.toml,
    /// else the built-in one]
    #[arg(long, global = true, value_name = "DIR", env = "HARBINGER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Override one setting, e.g. --set http.bind=127.0.0.1:9000 (repeatable)
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of the database and the index (short for --set data_dir=DIR)
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Log lines as text or JSON [default: the setting log.format]
    #[arg(long, global = true, value_enum)]
    pub log_format: Option<LogFormat>,
    /// More log lines: -v per item, -vv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Only errors on standard error, no progress bars
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// Forms of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline and the web server until Ctrl-C or SIGTERM
    Serve(ServeArgs),
    /// Poll every due source once, process everything, then exit
    #[command(after_help = "The line that it prints counts the polls and articles that failed, \
        which are no failure of its\nown: it ends with 0. `harbinger sources list` and the log say \
        what failed and why.")]
    RunOnce(RunOnceArgs),
    /// Show every error of the configuration, all at once
    CheckConfig,
    /// Extract the article of a page, or of every line of a JSON lines file
    #[command(after_help = "Examples:\n  \
        harbinger extract page.html --url https://example.org/news/1\n  \
        harbinger extract --jsonl pages.jsonl > articles.jsonl\n\n\
        Input lines: {\"id\",\"url\",\"html\"}")]
    Extract(ExtractArgs),
    /// Parse feeds (RSS, RDF, Atom, JSON Feed)
    #[command(after_help = "Example:\n  harbinger parse-feed --jsonl feeds/*.xml")]
    ParseFeed(ParseFeedArgs),
    /// Find mentions, hostile statements and sectors in texts
    #[command(after_help = "Examples:\n  \
        harbinger annotate --jsonl articles.jsonl > annotations.jsonl\n  \
        echo '{\"id\":\"1\",\"text\":\"Iran would punish Americans, a commander said.\"}' \
        | harbinger annotate --jsonl -\n\n\
        Input lines: {\"id\",\"text\",\"title\"?,\"published_at\"?,\"url\"?}")]
    Annotate(JsonlArgs),
    /// Tell which articles belong to one story, online
    #[command(after_help = "Example:\n  harbinger correlate --jsonl articles.jsonl\n\n\
        Input lines, in order of arrival: {\"id\",\"title\",\"text\",\"published_at\"?}")]
    Correlate(JsonlArgs),
    /// Add articles (as `extract` prints them) to the archive and the index
    #[command(after_help = "Example:\n  \
        harbinger extract --jsonl pages.jsonl | harbinger index --jsonl -")]
    Index(JsonlArgs),
    /// Search the index
    #[command(after_help = "Examples:\n  \
        harbinger search 'power grid'\n  \
        harbinger search 'actor:iran target:bank -sanctions' --from 2026-01-01 --json\n  \
        harbinger search ransomware --facet sector=/health --facet country=DE")]
    Search(SearchArgs),
    /// Rebuild annotations, stories and the index from the archive
    Reindex(ReindexArgs),
    /// Serve the bundled sample wire alone, to try feeds and extraction by hand
    DemoSite(DemoSiteArgs),
    /// Copy the archive to a new file, also while the server runs (SQLite)
    #[command(after_help = "Example:\n  harbinger backup harbinger-2026-01-31.db")]
    Backup(BackupArgs),
    /// Put a backup in the archive's place (stop the server first); the index is made anew
    Restore(BackupArgs),
    /// Delete what is older than the setting retention.articles_days (stop the server first)
    #[command(after_help = "Examples:\n  \
        harbinger prune --dry-run              what would go, also while the server runs\n  \
        harbinger prune --days 730 --dry-run\n\n\
        The server does the same by itself once a day.")]
    Prune(PruneArgs),
    /// Add, list and remove the people who may log in (stop the server first, or use /settings)
    #[command(after_help = "Example:\n  harbinger users add ana --role admin")]
    Users {
        /// What to do
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Make, list and remove the keys of programs (stop the server first, or use /settings)
    #[command(after_help = "Example:\n  harbinger keys add dashboard --role reader --days 365")]
    Keys {
        /// What to do
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// List sources with their health, try one out, add and remove some
    #[command(after_help = "Examples:\n  \
        harbinger sources list                       also while the server runs\n  \
        harbinger sources test https://example.org/  what would happen, step by step\n  \
        harbinger sources add https://example.org/   stop the server first, or use the page Sources")]
    Sources {
        /// What to do
        #[command(subcommand)]
        command: SourcesCommand,
    },
    /// Print a completion script for your shell
    #[command(after_help = "Example:\n  \
        harbinger completions bash > ~/.local/share/bash-completion/completions/harbinger")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Fetch single pages and put their articles through the whole pipeline (stop the server
    /// first, or ask it: POST /v1/articles)
    #[command(after_help = "Example:\n  harbinger fetch https://example.org/news/1\n\n\
        Prints one JSON object a page: {\"id\",\"url\",\"state\":\"new\"|\"known\",\"error\"}")]
    Fetch(FetchArgs),
    /// Import web archives (WARC, as Common Crawl's CC-NEWS); goes on where it was interrupted
    #[command(after_help = "Example:\n  \
        harbinger import CC-NEWS-20260101000000-00001.warc.gz\n\n\
        Broken records are printed as JSON lines with file and offset, and passed over.")]
    Import(ImportArgs),
    /// Add the feeds of an OPML list (stop the server first, or use the page Sources)
    #[command(after_help = "Example:\n  harbinger import-opml subscriptions.opml")]
    ImportOpml(ImportOpmlArgs),
    /// Write the sources as an OPML list, also while the server runs
    #[command(after_help = "Example:\n  harbinger export-opml -o harbinger.opml")]
    ExportOpml(ExportOpmlArgs),
    /// Tell which saved searches match articles or annotations
    #[command(after_help = "Example:\n  \
        harbinger match --searches searches.toml --jsonl articles.jsonl\n\n\
        Input lines: articles as `extract` prints them (annotated on the way when a search asks \
        for it), or annotations as `annotate` prints them.")]
    Match(MatchArgs),
    /// Export what a search finds: statements, entities and their graph
    #[command(after_help = "Examples:\n  \
        harbinger export stix --from 2026-01-01 > threats.json\n  \
        harbinger export gexf 'actor:iran target:/energy' -o iran.gexf\n  \
        harbinger export csv ransomware --facet sector=/health > statements.csv")]
    Export(ExportArgs),
}

/// Arguments of `backup` and `restore`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file of the backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Only tell what would be deleted
    #[arg(long)]
    pub dry_run: bool,
    /// Days that articles are kept [default: the setting retention.articles_days]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
}

/// What `users` does.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add somebody; the password is asked for, or read from standard input
    Add {
        /// Name to log in with
        name: String,
        /// What this person may do
        #[arg(long, value_enum, default_value = "reader")]
        role: RoleArg,
        /// Take the password from the first line of this file
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give somebody another password and end all sessions of that name
    SetPassword {
        /// Name of the user
        name: String,
        /// Take the password from the first line of this file
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Remove somebody
    Remove {
        /// Name of the user
        name: String,
    },
    /// Bring back somebody who was removed in the last 24 hours
    Restore {
        /// Name of the user
        name: String,
    },
    /// List everybody
    List,
}

/// What `keys` does.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once
    Add {
        /// Name for people
        name: String,
        /// What its holder may do
        #[arg(long, value_enum, default_value = "reader")]
        role: RoleArg,
        /// Days until it ends [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: Option<u16>,
    },
    /// Remove a key
    Remove {
        /// Id, as `list` shows it
        id: String,
    },
    /// Bring back a key that was removed in the last 24 hours
    Restore {
        /// Id, as `list` showed it
        id: String,
    },
    /// List all keys
    List,
}

/// What `sources` does.
#[derive(Debug, Subcommand)]
pub enum SourcesCommand {
    /// List all sources with their health
    List {
        /// Print JSON, as GET /v1/sources does
        #[arg(long)]
        json: bool,
    },
    /// Say step by step what would happen with the site or feed at an address; stores nothing
    Test {
        /// Address of a site, feed or sitemap
        url: String,
        /// Print JSON, as POST /v1/sources/test does
        #[arg(long)]
        json: bool,
        /// Let it lie on a loopback, private or link-local address
        #[arg(long)]
        private: bool,
    },
    /// Find the feed of a site and read it from now on
    Add {
        /// Address of a site, feed or sitemap
        url: String,
        /// Name shown to readers [default: what the feed calls itself]
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove a source that was added; its articles stay
    Remove {
        /// Id, as `list` shows it
        id: String,
    },
}

/// Roles, each with all that those before it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Reads and searches.
    Reader,
    /// Also alerts and corrections.
    Analyst,
    /// Also sources, users and keys.
    Admin,
}

impl RoleArg {
    /// The role.
    pub fn role(self) -> index::archive::access::Role {
        use index::archive::access::Role;
        match self {
            RoleArg::Reader => Role::Reader,
            RoleArg::Analyst => Role::Analyst,
            RoleArg::Admin => Role::Admin,
        }
    }
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address of the web page (short for --set http.bind=ADDRESS)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub bind: Option<String>,
    /// Leave the bundled sample wire out (short for --set sample.enabled=false)
    #[arg(long)]
    pub no_sample: bool,
}

/// Arguments of `run-once`.
#[derive(Debug, Args)]
pub struct RunOnceArgs {
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
    /// Leave the bundled sample wire out (short for --set sample.enabled=false)
    #[arg(long)]
    pub no_sample: bool,
}

/// Arguments of `extract`.
#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// The page, or with --jsonl the lines; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Read JSON lines instead of one page
    #[arg(long)]
    pub jsonl: bool,
    /// Address of the page
    #[arg(long, conflicts_with = "jsonl")]
    pub url: Option<String>,
}

/// Arguments of `parse-feed`.
#[derive(Debug, Args)]
pub struct ParseFeedArgs {
    /// Feed files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print one JSON object per file instead of a readable list
    #[arg(long)]
    pub jsonl: bool,
}

/// Arguments of commands from JSON lines to JSON lines.
#[derive(Debug, Args)]
pub struct JsonlArgs {
    /// The lines; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Read and write JSON lines (the only form; kept for clarity in scripts)
    #[arg(long)]
    pub jsonl: bool,
}

/// Arguments of `fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Addresses of article pages
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// WARC files, plain or gzip
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Source to file the articles under
    #[arg(long, value_name = "ID", default_value = "import", value_parser = source_id)]
    pub source: config::SourceId,
    /// Read files from their begin that were read before; articles that are there already stay
    #[arg(long)]
    pub again: bool,
}

fn source_id(text: &str) -> Result<config::SourceId, String> {
    let is_id = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    if text.is_empty() || 64 < text.len() || !text.bytes().all(is_id) {
        return Err("a source's id is made of `a-z`, `0-9` and `-`, at most 64".to_owned());
    }
    Ok(config::SourceId::new(text))
}

/// Arguments of `match`.
#[derive(Debug, Args)]
pub struct MatchArgs {
    /// Saved searches: a file like searches.toml, or one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub searches: PathBuf,
    /// The lines; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Read and write JSON lines (the only form; kept for clarity in scripts)
    #[arg(long)]
    pub jsonl: bool,
}

/// Arguments of `search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Words, "phrases", AND OR NOT, field:value, ranges, prefix*; see docs/search.md
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    pub query: String,
    /// Narrow to a facet value, e.g. sector=/energy, kind=threat, actor=country:IR (repeatable)
    #[arg(long, value_name = "FACET=VALUE")]
    pub facet: Vec<String>,
    /// First day, e.g. 2026-01-31
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Last day, inclusive
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
    /// Only articles like the one with this id, the most alike first
    #[arg(long, value_name = "ARTICLE")]
    pub like: Option<String>,
    /// Only the best article of each story
    #[arg(long)]
    pub by_story: bool,
    /// Tell so many words that are more frequent in what is found than usual
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub significant: usize,
    /// What was known then: --from and --to go by the day of the fetch, not of publication
    #[arg(long)]
    pub fetched: bool,
    /// Order of the hits
    #[arg(long, value_enum, default_value = "relevance")]
    pub sort: SearchSort,
    /// Most hits to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Continue where an earlier page ended (its next_cursor)
    #[arg(long)]
    pub cursor: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Orders of hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchSort {
    /// Best match first, recent ones favoured.
    Relevance,
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The format
    #[arg(value_enum)]
    pub format: Format,
    /// As for `search`; without it everything is exported
    #[arg(value_name = "QUERY", allow_hyphen_values = true, default_value = "")]
    pub query: String,
    /// Narrow to a facet value, e.g. sector=/energy, entity=country:IR, story=ID (repeatable)
    #[arg(long, value_name = "FACET=VALUE")]
    pub facet: Vec<String>,
    /// First day, e.g. 2026-01-31
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Last day, inclusive
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
    /// Marking of STIX objects and MISP events: Traffic Light Protocol 2.0
    #[arg(long, value_enum, default_value = "clear")]
    pub tlp: Tlp,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `import-opml`.
#[derive(Debug, Args)]
pub struct ImportOpmlArgs {
    /// The list; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `export-opml`.
#[derive(Debug, Args)]
pub struct ExportOpmlArgs {
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `reindex`.
#[derive(Debug, Args)]
pub struct ReindexArgs {
    /// Rebuild the search index only; keep annotations and stories as they are
    #[arg(long)]
    pub index_only: bool,
}

/// Arguments of `demo-site`.
#[derive(Debug, Args)]
pub struct DemoSiteArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8400")]
    pub bind: std::net::SocketAddr,
}
