//! The program: reads its configuration from the environment and runs the bot until it is interrupted.

use std::process::ExitCode;

use romdex_telegram_bot::{Config, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,romdex_telegram_bot=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let outcome = match Config::from_env() {
        Ok(config) => Box::pin(run(config)).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "the bot cannot run");
            ExitCode::FAILURE
        }
    }
}
