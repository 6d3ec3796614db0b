//! Which threads step back for which.

use std::collections::BTreeMap;
use std::fs;

use super::support::{Proxy, free_address};

/// The field of `nice` behind the name, in `/proc/PID/task/TID/stat` (proc(5)).
const NICE: usize = 16;

/// The `nice` of each thread, by name.
fn nice(pid: u32) -> BTreeMap<String, i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stat = |task: fs::DirEntry| fs::read_to_string(task.path().join("stat")).ok();
    let named = |stat: String| {
        let (head, fields) = stat.rsplit_once(") ").unwrap();
        let (_, name) = head.split_once('(').unwrap();
        (name.to_owned(), fields.split(' ').nth(NICE).unwrap().parse().unwrap())
    };
    tasks.filter_map(|task| stat(task.unwrap())).map(named).collect()
}

#[test]
fn what_stands_beside_the_requests_steps_back() {
    let proxy = Proxy::start(free_address());
    let nice = nice(proxy.pid());
    let of = |name: &str| nice.get(name).copied().unwrap_or_else(|| panic!("{name}: {nice:?}"));
    let own = of("recorder");
    assert_eq!((of("proxy"), of("side"), of("reading")), (own, own + 5, own + 10));
}
