//! `harbinger serve`: the pipeline and the web server, until told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::MetricKindMask;
use tokio::net::TcpListener;
use tracing::{info, warn};

use super::setup::Setup;
use crate::pipeline::{GAUGE_IDLE_MAX, Mode};
use crate::state::AppState;
use crate::system::System;

pub(super) fn run(setup: Setup) -> anyhow::Result<ExitCode> {
    let metrics = PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, Some(GAUGE_IDLE_MAX))
        .set_buckets(&[0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])?
        .install_recorder()
        .context("the metrics recorder cannot be installed")?;
    super::runtime()?.block_on(async {
        let bind = setup.config.settings.http.bind;
        // First of all, so that a taken port is known before anything else is started.
        let listener = TcpListener::bind(bind).await.with_context(|| {
            format!("cannot listen on {bind}; choose another with --bind ADDRESS:PORT")
        })?;
        let address = listener.local_addr()?;
        let grace = Duration::from_secs(setup.config.settings.http.shutdown_grace_s.into());
        let system = System::open(setup.config).await?;
        check_somebody_may_log_in(&system).await?;
        super::stop_on_signal(system.shutdown.clone());
        let mut state = AppState::new(
            system.archive.clone(),
            system.search.clone(),
            Arc::clone(&system.config),
            metrics.clone(),
            super::now,
        );
        state.roster = Arc::clone(&system.roster);
        state.fetcher = Some(Arc::clone(&system.fetcher));
        state.events = system.events.clone();
        state.readiness = Arc::clone(&system.readiness);
        state.sample_anchor = system.sample_anchor;
        state.shutdown = system.shutdown.clone();
        let upkeep = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                metrics.run_upkeep();
            }
        });
        let server = tokio::spawn(serve_http(listener, state, system.shutdown.clone()));
        announce(address)?;
        let outcome = system.run(Mode::Service, |_| {}).await;
        upkeep.abort();
        if tokio::time::timeout(grace, server).await.is_err() {
            warn!("requests that were still open after {} s are cut off", grace.as_secs());
        }
        let summary = outcome?;
        info!(articles.n = summary.n_articles, "stopped cleanly");
        Ok(ExitCode::SUCCESS)
    })
}

/// Refuses to start a server that asks for a login which nobody has.
async fn check_somebody_may_log_in(system: &System) -> anyhow::Result<()> {
    let http = &system.config.settings.http;
    let archive = &system.archive;
    let is_locked_out = http.is_login_required()
        && system.config.settings.oidc.issuer.is_none()
        && archive.users().await?.is_empty()
        && archive.api_keys().await?.is_empty();
    if !is_locked_out {
        return Ok(());
    }
    let reason = format!(
        "{} asks for a login and there is no user yet; \
         add one first: harbinger users add NAME --role admin",
        http.bind
    );
    Err(super::UsageError(reason).into())
}

/// Tells a person where to look, on standard output; everything else is log.
fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
    } else {
        address
    };
    super::say(&format!("\n  Harbinger is at http://{shown}/  (Ctrl-C ends it)\n"))
}

async fn serve_http(
    listener: TcpListener,
    state: AppState,
    shutdown: tokio_util::sync::CancellationToken,
) {
    let service = crate::router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { shutdown.cancelled().await });
    if let Err(error) = server.await {
        tracing::error!(%error, "the web server ended");
    }
}
