//! `myna serve`.

use clap::Args;

use super::{Settings, log};
use crate::reload::{Hangup, Written};
use crate::start::Server;

/// Serve the configured dialects until SIGTERM or Ctrl-C
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Plain HTTP addresses, separated by commas [default: what the configuration says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// HTTPS addresses, separated by commas [default: what the configuration says, else none]
    #[arg(long, value_name = "ADDR")]
    https: Option<String>,
    /// Refuse every change with 503 while the store is copied; what only reads goes on
    #[arg(long)]
    read_only: bool,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&self.overrides())?;
        log::start(&config.log);
        let server = Server::new(&config, self.written()).await?;
        if config.read_only {
            tracing::warn!("the store is kept read-only: every change is refused with 503");
        }
        let dialects = server.site().dialects();
        let dialects: Vec<&str> = dialects.iter().map(|dialect| dialect.name()).collect();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            data = %config.data.display(),
            dialects = dialects.join(" "),
            addresses = ?server.addresses(),
            "serving"
        );
        server.run(Hangup::Reloads).await
    }

    fn overrides(&self) -> Vec<(&str, &str)> {
        let read_only = self.read_only.then_some("true");
        let overrides =
            [("http.listen", self.http.as_deref()), ("https.listen", self.https.as_deref()), ("read_only", read_only)];
        overrides.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    fn written(self) -> Written {
        Box::new(move || Ok(self.settings.read(&self.overrides())?.dialects))
    }
}
