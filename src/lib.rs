//! countersign: an audit proxy for the mutations of an unmodified API.
//!
//! For every audited request an *intent* is durable before the first byte goes upstream, and a
//! *completion* is durable before the first byte of the response goes to the client.
//!
//! The modules stand in reading order: each may use what stands above it and nothing below.
//! `ARCHITECTURE.md` tells what each owns and what it must not know.

pub mod clock;
pub mod problem;
pub mod telemetry;
pub mod dial;
pub mod capture;
pub mod route;
pub mod decode;
pub mod redact;
pub mod record;
pub mod identify;
pub mod gateway;
pub mod derive;
pub mod rules;
pub mod pipeline;
pub mod store;
pub mod recorder;
pub mod follow;
pub mod seal;
pub mod index;
pub mod query;
pub mod archive;
pub mod retain;
pub mod access;
pub mod config;
pub mod proxy;
pub mod coverage;
pub mod export;
pub mod api;
pub mod console;
pub mod server;
pub mod cli;
