//! What a change is about where its address does not say: [`note`], for the audit log.

use std::cell::RefCell;

/// Longest subject, in characters.
const N_CHARS_MAX: usize = 200;

tokio::task_local! {
    static SUBJECT: RefCell<Option<String>>;
}

/// Answers a request; the last [`note`] that was taken meanwhile comes back beside the answer.
pub(crate) async fn scope<F: Future>(answer: F) -> (F::Output, Option<String>) {
    let noted = async {
        let answer = answer.await;
        (answer, SUBJECT.with(|it| it.take()))
    };
    SUBJECT.scope(RefCell::new(None), noted).await
}

/// Says what the request that is being answered changes: names and ids, never anything secret.
pub(crate) fn note(subject: &str) {
    let subject: String = subject.chars().take(N_CHARS_MAX).collect();
    // Outside of a request nobody asks.
    let _ = SUBJECT.try_with(|it| it.replace(Some(subject)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_note_comes_back_and_does_not_outlive_its_request() {
        note("nobody listens");
        let noted = scope(async {
            note("user eve");
            tokio::task::yield_now().await;
            note(&"x".repeat(1_000));
            7
        });
        assert_eq!(noted.await, (7, Some("x".repeat(N_CHARS_MAX))));
        assert_eq!(scope(async {}).await, ((), None));
    }
}
