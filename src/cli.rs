//! The commands: what can be typed, and what a script sees of how it went. They wire the parts together and decide nothing
//! themselves.

mod bench_data;
mod config;
mod export;
mod import;
mod migrate;
mod schema;
mod serve;
mod sync;
mod token;

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand};
use sea_orm::DatabaseConnection;

use crate::{
    config::{Config, ConfigError, Flag, Layers, Loaded},
    database::{self, DatabaseError, Steps},
    secret::SecretError,
    telemetry,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed; the database is as it was
  2  the command or the configuration cannot be used
  3  imported, and something was rejected (only with import --strict)";

/// The GraphQL API of the official Xiaomi ROM archive.
#[derive(Debug, Parser)]
#[command(name = "romdex", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(flatten)]
    configured: Configured,
    #[command(flatten)]
    serve: serve::Arguments,
    /// Without one: serve
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the catalogue over GraphQL; an empty one gets the starter catalogue first
    Serve(serve::Arguments),
    /// Read sources into the catalogue
    Import(import::Arguments),
    /// Fetch the configured sources that are due and take in what is new
    Sync(sync::Arguments),
    /// Write the whole catalogue as JSON Lines
    Export(export::Arguments),
    /// Make, list and revoke API tokens
    Token(token::Arguments),
    /// Bring the database's tables to the newest step, or take steps back
    Migrate(migrate::Arguments),
    /// Print the configuration in force, without secrets, and where each value came from
    Config(config::Arguments),
    /// Print the schema in GraphQL's own language
    Schema,
    /// Write a made-up catalogue of any size as JSON Lines, to be imported and measured with
    BenchData(bench_data::Arguments),
}

/// What every command takes.
#[derive(Debug, Args)]
struct Configured {
    /// The configuration file [default: romdex.toml, where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[expect(clippy::doc_markdown, reason = "help is printed as it is written")]
    /// The database: sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE [default: sqlite://romdex.sqlite]
    #[arg(long, value_name = "URL", global = true)]
    database_url: Option<String>,
}

/// How a command ended that did what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Well,
    /// Something was rejected, and the caller wanted to know.
    WithRejections,
}

impl CommandLine {
    /// Refuses a flag of `serve` before another command, where it would be passed over.
    fn check(self) -> Result<Self, clap::Error> {
        match self.serve.given() {
            Some(flag) if self.command.is_some() => {
                let message = format!("{flag} stands behind the command serve, or without a command");
                Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, message))
            }
            _ => Ok(self),
        }
    }
}

impl Configured {
    fn load(&self) -> Result<Loaded, ConfigError> {
        self.load_with([])
    }

    fn load_with(&self, flags: impl IntoIterator<Item = Flag>) -> Result<Loaded, ConfigError> {
        let database_url = self.database_url.clone().map(|value| Flag {
            name: "--database-url",
            section: "database",
            key: "url",
            value,
        });
        let flags = database_url.into_iter().chain(flags).collect();
        Layers::of_process(self.config.as_deref(), flags)?.load()
    }
}

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match CommandLine::try_parse().and_then(CommandLine::check) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and the version come here too; where they cannot be printed there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match dispatch(arguments) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithRejections) => ExitCode::from(3),
        Err(error) => {
            let _ = writeln!(io::stderr(), "romdex: {}", one_line(&*error));
            let unusable = error.is::<ConfigError>()
                || error.is::<telemetry::TelemetryError>()
                || error.is::<SecretError>()
                || error.is::<token::NoSecret>();
            ExitCode::from(if unusable { 2 } else { 1 })
        }
    }
}

type Outcome = Result<Done, Box<dyn Error>>;

fn dispatch(line: CommandLine) -> Outcome {
    let CommandLine {
        configured,
        serve,
        command,
    } = line;
    match command {
        None => serve.run(&configured),
        Some(Command::Serve(arguments)) => arguments.run(&configured),
        Some(Command::Import(arguments)) => arguments.run(&configured),
        Some(Command::Sync(arguments)) => arguments.run(&configured),
        Some(Command::Export(arguments)) => arguments.run(&configured),
        Some(Command::Token(arguments)) => arguments.run(&configured),
        Some(Command::Migrate(arguments)) => arguments.run(&configured),
        Some(Command::Config(arguments)) => arguments.run(&configured),
        Some(Command::Schema) => schema::run(),
        Some(Command::BenchData(arguments)) => arguments.run(),
    }
}

/// Starts what every command needs that does something, and does it.
fn start(config: &Config, command: impl Future<Output = Outcome>) -> Outcome {
    telemetry::install(&config.telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    // What a command did not wait for it has given up, such as reading a source while a server stops: it writes nothing.
    runtime.shutdown_background();
    outcome
}

/// Opens the configured database, with every table.
async fn open(settings: &database::settings::Settings) -> Result<DatabaseConnection, DatabaseError> {
    let database = database::connect(settings).await?;
    database::migrate(&database, Steps::Up).await?;
    Ok(database)
}

/// An error and its causes, each said once.
fn one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors say their cause in their own words.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn an_error_is_one_line_that_says_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot write: {0}")]
        struct Inner(#[source] io::Error);
        #[derive(Debug, thiserror::Error)]
        #[error("the export failed")]
        struct Outer(#[source] Inner);
        let error = Outer(Inner(io::Error::other("no\nspace")));
        assert_eq!(one_line(&error), "the export failed: cannot write: no space");
    }
}
