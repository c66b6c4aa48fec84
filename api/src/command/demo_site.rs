//! `harbinger demo-site`: the bundled sample wire alone.

use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::cli::DemoSiteArgs;
use crate::sample::SampleSite;

pub(super) fn run(args: &DemoSiteArgs) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let listener = TcpListener::bind(args.bind)
            .await
            .with_context(|| format!("cannot listen on {}", args.bind))?;
        super::say(&format!("sample wire on http://{}/ (Ctrl-C ends it)", listener.local_addr()?))?;
        let site = SampleSite::router(super::now());
        axum::serve(listener, site).with_graceful_shutdown(super::stop_signal()).await?;
        Ok(ExitCode::SUCCESS)
    })
}
