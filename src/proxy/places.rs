//! Places for clients' connections: so many at one time, and no more.
//!
//! A client that has not asked for anything yet, or for nothing any more, only waits in its place.
//! When all are taken, the one that has waited longest makes room for the next that comes. So
//! connections that do nothing, half of a TLS handshake among them, do not lock others out.
//!
//! Invariants: nobody who is being served loses a place; what is kept is bounded by the places.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// All places of a process.
pub struct Places(Mutex<Taken>);

struct Taken {
    free: usize,
    /// Who waits, in the order in which they began to.
    waiting: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// One connection's place, which is free again when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    wanted: Arc<Notify>,
    /// Another connection has it.
    lost: AtomicBool,
}

impl Places {
    /// So many places.
    pub fn new(places: usize) -> Arc<Self> {
        let taken = Taken { free: places, waiting: BTreeMap::new(), next: 0 };
        Arc::new(Self(Mutex::new(taken)))
    }

    /// Takes a place, that of somebody who only waits if need be; none if all are being served.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let mut taken = self.taken();
        if taken.free > 0 {
            taken.free -= 1;
        } else {
            let (_, longest) = taken.waiting.pop_first()?;
            longest.notify_one();
        }
        drop(taken);
        let (places, wanted) = (Arc::clone(self), Arc::default());
        Some(Place { places, wanted, lost: AtomicBool::new(false) })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits for something the client does, unless the place is wanted meanwhile; then it is lost, and
    /// the connection has to go.
    ///
    /// What it waits for is pinned where it stands: an `async fn` would keep it twice, for each connection.
    pub(super) async fn wait<T>(
        &self,
        something: Pin<&mut (dyn Future<Output = T> + Send + '_)>,
    ) -> Option<T> {
        let waiting = Waiting::begin(self);
        let done = tokio::select! {
            biased;
            () = self.wanted.notified() => None,
            done = something => Some(done),
        };
        drop(waiting);
        done.filter(|_| !self.lost.load(Ordering::Relaxed))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !*self.lost.get_mut() {
            self.places.taken().free += 1;
        }
    }
}

/// Says that a place may be taken away, until it is dropped.
struct Waiting<'a> {
    place: &'a Place,
    turn: u64,
}

impl<'a> Waiting<'a> {
    fn begin(place: &'a Place) -> Self {
        let mut taken = place.places.taken();
        let turn = taken.next;
        taken.next += 1;
        taken.waiting.insert(turn, Arc::clone(&place.wanted));
        drop(taken);
        Self { place, turn }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.place.places.taken().waiting.remove(&self.turn).is_none() {
            self.place.lost.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn who_waits_longest_makes_room() {
        let places = Places::new(2);
        let (first, second) = (places.take().unwrap(), places.take().unwrap());
        assert!(places.take().is_none(), "both are being served");
        let mut waiting = Box::pin(async { first.wait(pin!(pending::<()>())).await });
        assert!(futures_now(&mut waiting).await.is_none());
        let mut later = Box::pin(async { second.wait(pin!(pending::<()>())).await });
        assert!(futures_now(&mut later).await.is_none());
        let third = places.take().unwrap();
        assert_eq!(waiting.await, None);
        assert!(futures_now(&mut later).await.is_none(), "the other one stays");
        let fourth = places.take().unwrap();
        assert_eq!(later.await, None);
        drop((first, second));
        assert!(places.take().is_none(), "who has lost a place gives none back");
        drop((third, fourth));
        assert!(places.take().is_some());
    }

    #[tokio::test]
    async fn who_has_asked_keeps_the_place() {
        let places = Places::new(1);
        let place = places.take().unwrap();
        assert_eq!(place.wait(pin!(ready(1))).await, Some(1));
        assert!(places.take().is_none());
        drop(place);
        assert!(places.take().is_some());
    }

    #[tokio::test]
    async fn a_place_that_is_taken_away_while_its_client_asks_is_lost() {
        let places = Places::new(1);
        let place = places.take().unwrap();
        let asks = pin!(async { places.take().is_some() });
        assert_eq!(place.wait(asks).await, None);
    }

    /// What a future comes to that is polled once.
    async fn futures_now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::select! {
            biased;
            done = future => Some(done),
            () = ready(()) => None,
        }
    }
}
