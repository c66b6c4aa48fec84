//! How often a feed wants to be asked: `ttl`, `sy:updatePeriod`, `skipHours`, `skipDays`.

use super::FeedRhythm;
use super::tree::{NodeId, Tree};

/// A longer interval is not believed: 30 days.
const INTERVAL_MINUTES_MAX: u32 = 30 * 24 * 60;

/// Reads the rhythm among the fields of a channel.
pub(super) fn read(tree: &Tree, fields: &[NodeId]) -> FeedRhythm {
    let field = |name: &str| fields.iter().find(|it| tree.node(**it).name == name).copied();
    let number = |name: &str| field(name).and_then(|it| tree.text(it).parse::<u32>().ok());
    let texts = |name: &str, inner: &str| -> Vec<String> {
        let inside = field(name).into_iter().flat_map(|it| tree.children(it));
        inside.filter(|it| tree.node(*it).name == inner).map(|it| tree.text(it)).collect()
    };
    let period = field("sy:updateperiod").and_then(|it| minutes_of(&tree.text(it)));
    let frequency = number("sy:updatefrequency").unwrap_or(1).max(1);
    let syndication = period.map(|it| it / frequency);
    let interval = number("ttl").max(syndication).filter(|it| *it > 0);
    let hours = texts("skiphours", "hour");
    let days = texts("skipdays", "day");
    FeedRhythm {
        interval_minutes: interval.map(|it| it.min(INTERVAL_MINUTES_MAX)),
        skip_hours: hours.iter().filter_map(|it| it.parse().ok()).map(|it: u8| it % 24).collect(),
        skip_days: days.iter().filter_map(|it| day_of(it)).collect(),
    }
}

fn minutes_of(period: &str) -> Option<u32> {
    match period.to_ascii_lowercase().as_str() {
        "hourly" => Some(60),
        "daily" => Some(24 * 60),
        "weekly" => Some(7 * 24 * 60),
        "monthly" => Some(30 * 24 * 60),
        "yearly" => Some(INTERVAL_MINUTES_MAX),
        _ => None,
    }
}

fn day_of(name: &str) -> Option<u8> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let name = name.to_ascii_lowercase();
    let at = DAYS.iter().position(|it| name.starts_with(it))?;
    u8::try_from(at).ok()
}
