//! Delivery stage: sends what waits in the outbox.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::Shared;
use crate::deliver::Courier;

/// How long a message that arrived is remembered.
const KEPT_FOR: chrono::TimeDelta = chrono::TimeDelta::days(30);
/// Rounds between two looks at what can be forgotten.
const N_ROUNDS_PER_PRUNING: u64 = 3_600;

/// Sends until the pipeline stops; in `Once` mode until correlation is done and nothing is due.
/// What fails stays in the outbox; it never stops the pipeline.
pub(super) async fn run(shared: Arc<Shared>, courier: Arc<Courier>) -> anyhow::Result<()> {
    let mut n_rounds: u64 = 0;
    while !shared.shutdown.is_cancelled() {
        let is_correlated = shared.correlate_done.is_cancelled();
        let n_tried = match courier.send_due().await {
            Ok(n_tried) => n_tried,
            Err(error) => {
                warn!("alerts could not be sent: {error:#}; trying again");
                tokio::select! {
                    () = shared.shutdown.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(5)) => {}
                }
                0
            }
        };
        if n_rounds.is_multiple_of(N_ROUNDS_PER_PRUNING) {
            let pruned = shared.archive.prune_messages((shared.now)() - KEPT_FOR).await;
            if let Err(error) = pruned {
                warn!("{:#}", anyhow::Error::from(error));
            }
        }
        n_rounds += 1;
        if n_tried == 0 {
            if is_correlated && !shared.goes_on_after(&shared.correlate_done) {
                break;
            }
            shared.idle(&shared.alerts_added, &shared.correlate_done).await;
        }
    }
    Ok(())
}
