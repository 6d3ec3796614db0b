//! The one integration test binary.
//!
//! Each module is `#[cfg(test)]`, so that clippy knows its helper functions for test code too.

#[cfg(test)]
mod tidy;
