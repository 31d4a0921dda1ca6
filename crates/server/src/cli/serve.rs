//! `myna serve`.

use clap::Args;

use super::{Settings, log};
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
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let overrides = [("http.listen", &self.http), ("https.listen", &self.https)];
        let overrides: Vec<_> = overrides.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).collect();
        let config = self.settings.load(&overrides)?;
        log::start(&config.log);
        let server = Server::new(&config)?;
        let dialects: Vec<&str> = server.site().dialects().map(|dialect| dialect.name()).collect();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            data = %config.data.display(),
            dialects = dialects.join(" "),
            addresses = ?server.addresses(),
            "serving"
        );
        server.run().await
    }
}
