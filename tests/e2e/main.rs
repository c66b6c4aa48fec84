//! End-to-end tests: the real binary against a web site on loopback.

mod addresses;
mod alerts;
mod aliases;
mod api;
mod browser;
mod client;
mod command_line;
mod contract;
mod corrections;
mod expected_alerts;
mod faults;
mod hubs;
mod import;
mod oidc;
mod real_input;
mod resilience;
mod retention;
mod sample_wire;
mod sources;
mod speed;
mod submissions;
mod tidy;
mod users;
mod versions;
