//! A response that shows the resource as it is now.

use super::items::IDS;
use super::list::List;
use crate::decode::Node;
use crate::derive::body::{WRAPPERS, scalar};
use crate::derive::naming::Naming;
use crate::derive::outcome::Verdict;
use crate::record::ResponseRecord;

/// Takes the values after from a response that shows the resource: an object with the target's id.
/// What redaction hides is left as the request had it.
pub(super) fn complete(
    list: &mut List,
    naming: &Naming,
    verdict: &Verdict,
    response: &ResponseRecord,
) {
    let [target] = verdict.targets.as_deref().unwrap_or(&naming.targets) else { return };
    let (Some(id), Some(body)) = (&target.id, &response.body) else { return };
    let tree = body.tree();
    let wrappers = WRAPPERS.iter().copied().chain([target.kind.as_str()]);
    let wrapped = wrappers.filter_map(|name| Some((Some(name), tree.get(name)?)));
    let found = [(None, tree)].into_iter().chain(wrapped).find(|(_, object)| {
        let own = IDS.iter().filter_map(|name| scalar(object.get(name)?));
        own.into_iter().any(|own| own == *id)
    });
    let Some((wrapper, resource)) = found else { return };
    list.complete(|path| {
        // Requests are wrapped as responses are, or not at all.
        let inner = wrapper.and_then(|name| path.strip_prefix('/')?.strip_prefix(name));
        let path = inner.filter(|rest| rest.starts_with('/')).unwrap_or(path);
        at(resource, path.strip_prefix('/')?)
    });
}

/// What stands there, through objects alone: nobody knows which item of a list is meant.
fn at<'n>(resource: &'n Node<'n>, path: &str) -> Option<&'n Node<'n>> {
    path.split('/').try_fold(resource, |node, name| {
        if !name.contains('~') {
            return node.get(name);
        }
        node.get(&name.replace("~1", "/").replace("~0", "~"))
    })
}
