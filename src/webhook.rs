//! Webhooks: changes are sent to addresses that their owners registered, signed, at least once, in order for each device.
//!
//! Messages are written down from the change log, each with an id that it keeps, before any is sent; a process that is killed
//! leaves them to the next.

pub mod backoff;
pub mod client;
pub mod deliver;
pub mod filter;
pub mod guard;
pub mod payload;
pub mod settings;
pub mod sign;
pub mod store;

#[cfg(test)]
mod tests {
    use super::settings::Settings;

    /// The settings that the program comes with.
    pub(super) fn settings() -> Settings {
        let defaults: toml::Table = include_str!("../config.default.toml").parse().unwrap();
        defaults["webhooks"].clone().try_into().unwrap()
    }
}
