//! What end-to-end tests share: a web site under their control, and the real `harbinger`.
//!
//! Reading order: [`site`] ([`FixtureSite`] serves pages and feeds on loopback and counts what it
//! is asked), [`pages`] (writes pages and feeds), [`app`] ([`TestApp`]: a configuration and a data
//! folder, and the binary run on them), [`served`] ([`Served`]: a running `harbinger serve`),
//! [`real`] (the pages and feeds of `../shared`, where present).
//!
//! Nothing here talks to anything but loopback.

pub mod app;
pub mod pages;
pub mod real;
pub mod served;
pub mod site;

pub use app::{Finished, TestApp};
pub use served::Served;
pub use site::{FixtureSite, Reply};

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The root of the project.
pub fn project_root() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("`tests` lies in the project").to_owned()
}

/// Says on standard error that a test did not run, and why.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Asks `probe` every 50 ms until it answers, at most for `limit`.
///
/// # Panics
/// When `limit` has passed; `what` says what did not happen.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The clock, which only `api` and tests may read.
#[expect(clippy::disallowed_methods, reason = "searches favour recent articles")]
pub fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

/// Peak resident memory of a running process in bytes, from the kernel (Linux); `None` once it has
/// ended.
pub fn peak_memory_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1_024)
}
