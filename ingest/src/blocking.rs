//! Work that computes, kept off asynchronous threads and within a limit of time.

use std::time::Duration;

/// Longest time that reading one document may take.
const TIME_MAX: Duration = Duration::from_secs(30);

/// Why work gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// It panicked.
    #[error("the reader broke on the document")]
    Panicked,
    /// It goes on, but nobody waits for it any more.
    #[error("reading the document took too long")]
    TooSlow,
}

/// Runs `work` on a blocking thread and waits half a minute for its answer at most.
pub(crate) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Broken> {
    match tokio::time::timeout(TIME_MAX, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(Broken::Panicked),
        Err(_) => Err(Broken::TooSlow),
    }
}
