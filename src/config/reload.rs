//! What a reload can change, and what only a restart can.

use super::checked::Config;

/// The settings that differ between `old` and `new` and take effect at the next start only.
pub fn reload_diff(old: &Config, new: &Config) -> Vec<&'static str> {
    [
        ("listeners", old.listeners != new.listeners),
        ("ledger", old.ledger != new.ledger),
        ("seal", old.seal != new.seal),
        ("reading", old.reading != new.reading),
        ("telemetry", old.telemetry != new.telemetry),
        ("threads", old.threads != new.threads),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// The new configuration as it can be in force without a restart: what [`reload_diff`] names is
/// the old one's.
pub fn reloaded(old: &Config, new: Config) -> Config {
    Config {
        listeners: old.listeners.clone(),
        ledger: old.ledger.clone(),
        seal: old.seal.clone(),
        reading: old.reading.clone(),
        telemetry: old.telemetry.clone(),
        threads: old.threads,
        ..new
    }
}
