//! Files that are sent in a form.

use super::{Listed, Many, Spot, TARGETS_MAX, Value, member_of, scalar};

/// Nouns of what files are, when they are sent: of anything else they are parts.
const FILES: [&str; 14] = [
    "artifact",
    "asset",
    "attachment",
    "blob",
    "document",
    "file",
    "image",
    "media",
    "object",
    "photo",
    "picture",
    "scan",
    "upload",
    "video",
];

/// The files of a form, where there are several and each of them becomes one thing of this kind.
pub(in crate::derive) fn files<'b>(body: &'b Value<'b>, noun: &str) -> Many<'b> {
    let is_file = FILES.contains(&noun.rsplit('_').next().unwrap_or(noun));
    let name = |part: &Value<'_>| scalar(member_of(part.members(), "filename")?);
    let mut count = 0;
    let mut targets = Vec::new();
    for (member, parts) in body.members().iter().filter(|_| is_file) {
        let alone = parts.as_array().is_none();
        let parts = parts.as_array().unwrap_or(std::slice::from_ref(parts));
        for (position, part) in parts.iter().enumerate() {
            let Some(name) = name(part) else { continue };
            count += 1;
            if targets.len() < TARGETS_MAX {
                let spot = Spot::File((!alone).then_some(position));
                targets.push(Listed { id: None, name: Some(name), spot, member: Some(member) });
            }
        }
    }
    match count {
        0 | 1 => Many::default(),
        _ => Many { member: None, targets, count },
    }
}
