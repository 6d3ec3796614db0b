//! The one integration test binary.
//!
//! Each module is `#[cfg(test)]`, so that clippy knows its helper functions for test code too.

#[cfg(test)]
mod access;
#[cfg(test)]
mod acts;
#[cfg(test)]
mod api;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod console;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod django;
#[cfg(test)]
mod door;
#[cfg(test)]
mod events;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fingerprint;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod index;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod observed;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod passthrough;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod rabbitmq;
#[cfg(test)]
mod readonly;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod reloads;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod selectors;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod start;
#[cfg(test)]
mod support;
#[cfg(test)]
mod threads;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod upstreams;
