//! What the program tells about itself: log lines, by the configuration's `[telemetry]`, and figures. What is worth telling is
//! decided where it happens.

pub mod metrics;

use std::io::{self, IsTerminal};

use serde::{Deserialize, Serialize};
use tracing::{Dispatch, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{EnvFilter, Layer, filter::ParseError, fmt::MakeWriter, layer::SubscriberExt, registry};

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How lines are written.
    pub log_format: LogFormat,
    /// Which lines are written, as `tracing_subscriber`'s directives: `warn,romdex=info`.
    pub log_filter: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// A line of text, for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Whether the log goes to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// A terminal: colours can be seen.
    Terminal,
    /// A file, a pipe, a collector.
    Stream,
}

/// Why nothing can be logged as it was wanted.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("telemetry.log_filter cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// Somebody else logs already.
    #[error("logging was set up already")]
    Installed(#[from] SetGlobalDefaultError),
}

/// What takes log lines and writes them to a sink.
///
/// # Errors
/// When the filter cannot be read.
pub fn subscriber<W>(settings: &Settings, sink: Sink, writer: W) -> Result<Dispatch, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&settings.log_filter)?;
    let is_text = match settings.log_format {
        LogFormat::Auto => sink == Sink::Terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = if is_text {
        lines.with_ansi(sink == Sink::Terminal).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).boxed()
    };
    Ok(Dispatch::new(registry().with(filter).with(lines)))
}

/// Sends the whole process's log lines to standard error.
///
/// # Errors
/// When the filter cannot be read, or the process logs already.
pub fn install(settings: &Settings) -> Result<(), TelemetryError> {
    let sink = if io::stderr().is_terminal() {
        Sink::Terminal
    } else {
        Sink::Stream
    };
    let dispatch = subscriber(settings, sink, io::stderr)?;
    tracing::dispatcher::set_global_default(dispatch)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log_format: LogFormat, sink: Sink, log_filter: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = Settings {
            log_format,
            log_filter: log_filter.to_owned(),
        };
        let dispatch = subscriber(&settings, sink, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(packages = 4, "import finished");
            tracing::debug!("too much");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_stream_gets_one_json_object_a_line() {
        let text = logged(LogFormat::Auto, Sink::Stream, "info");
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["message"], "import finished");
        assert_eq!(line["packages"], 4);
    }

    #[test]
    fn a_terminal_gets_text() {
        assert!(logged(LogFormat::Auto, Sink::Terminal, "info").contains("import finished"));
        let plain = logged(LogFormat::Text, Sink::Stream, "info");
        assert!(plain.contains("import finished packages=4"), "{plain}");
    }

    #[test]
    fn the_filter_decides_what_is_written() {
        assert_eq!(logged(LogFormat::Json, Sink::Stream, "warn"), "");
        let settings = Settings {
            log_format: LogFormat::Auto,
            log_filter: "romdex=loudly".to_owned(),
        };
        assert!(subscriber(&settings, Sink::Stream, io::sink).is_err());
    }
}
