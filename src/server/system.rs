//! Events that countersign writes about itself.

pub(super) use crate::record::{SystemEvent, system_entry as entry};
