//! `romdex token`.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, Subcommand};

use super::{Configured, Done, Outcome, open, start};
use crate::{
    secret::Secret,
    token::{Row, Scope, Tokens},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it, this once
    Create(Create),
    /// List the tokens, without what would let one use them
    List,
    /// Make a token worthless
    Revoke {
        /// Its number, as the list has it
        id: i64,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Whose it is; tokens of one name share their webhooks, so that one can be replaced by another
    name: String,
    /// What it may be used for: webhooks
    #[arg(long = "scope", value_name = "SCOPE", default_value = "webhooks")]
    scopes: Vec<Scope>,
    /// After how many days it is worth nothing; without this it does not expire
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in_days: Option<u32>,
}

/// There is nothing to hash tokens with.
#[derive(Debug, thiserror::Error)]
#[error("tokens need the server's secret: set security.secret or security.secret_file, the same for every server")]
pub(super) struct NoSecret;

impl Arguments {
    pub(super) fn run(self, configured: &Configured) -> Outcome {
        let config = configured.load()?.config;
        start(&config, async {
            let Some(secret) = Secret::open(&config.security, &config.database.url)? else {
                return Err(NoSecret.into());
            };
            let database = open(&config.database).await?;
            let tokens = Tokens::new(database.clone(), &secret);
            let now = Utc::now();
            let mut out = io::stdout();
            match self.action {
                Action::Create(create) => {
                    let expires_at = create.expires_in_days.map(|days| now + TimeDelta::days(days.into()));
                    let made = tokens.create(&create.name, &create.scopes, expires_at, now).await?;
                    writeln!(out, "{}", made.text)?;
                    let _ = writeln!(io::stderr(), "This is token {}. It is not shown again.", made.id);
                }
                Action::List => {
                    writeln!(out, "ID\tNAME\tSCOPES\tCREATED\tEXPIRES\tLAST USED\tSTATUS")?;
                    for row in tokens.list().await? {
                        writeln!(out, "{}", line(&row, now))?;
                    }
                }
                Action::Revoke { id } => {
                    tokens.revoke(id, now).await?;
                    writeln!(out, "token {id} is revoked")?;
                }
            }
            database.close().await?;
            Ok(Done::Well)
        })
    }
}

fn line(row: &Row, now: DateTime<Utc>) -> String {
    let moment = |at: Option<DateTime<Utc>>| {
        at.map_or_else(
            || "never".to_owned(),
            |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
        )
    };
    let status = match (row.revoked_at, row.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        _ => "valid",
    };
    [
        row.id.to_string(),
        row.name.clone(),
        row.scopes.clone(),
        moment(Some(row.created_at)),
        moment(row.expires_at),
        moment(row.last_used_at),
        status.to_owned(),
    ]
    .join("\t")
}
