use tokio::io::DuplexStream;
use tokio::sync::watch;

use super::*;

const IDLE: Duration = Duration::from_secs(60);

struct Ends {
    client: DuplexStream,
    upstream: DuplexStream,
    stop: watch::Sender<bool>,
    tunnel: tokio::task::JoinHandle<End>,
}

/// A tunnel between two ends; each side has already sent something.
fn tunnel() -> Ends {
    let (client, client_side) = tokio::io::duplex(1024);
    let (upstream, upstream_side) = tokio::io::duplex(1024);
    let (stop, stopping) = watch::channel(false);
    let client_side = Side { stream: Box::new(client_side), first: b"hel".to_vec() };
    let upstream_side = Side { stream: Box::new(upstream_side), first: b"wel".to_vec() };
    let tunnel = tokio::spawn(carry(client_side, upstream_side, IDLE, stopping));
    Ends { client, upstream, stop, tunnel }
}

async fn expect(stream: &mut DuplexStream, wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(got, wanted);
}

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_and_each_side_may_end_first() {
    let mut ends = tunnel();
    ends.client.write_all(b"lo").await.unwrap();
    expect(&mut ends.upstream, b"hello").await;
    ends.client.shutdown().await.unwrap();
    assert_eq!(ends.upstream.read(&mut [0]).await.unwrap(), 0);
    ends.upstream.write_all(b"come").await.unwrap();
    expect(&mut ends.client, b"welcome").await;
    ends.upstream.shutdown().await.unwrap();
    assert_eq!(ends.client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(ends.tunnel.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn sides_that_both_send_much_do_not_wait_for_each_other() {
    let ends = tunnel();
    let much = vec![7; 1 << 20];
    // An echo that reads no more while it cannot write.
    let echo = tokio::spawn(async move {
        let (mut read, mut write) = split(ends.upstream);
        tokio::io::copy(&mut read, &mut write).await.unwrap();
        write.shutdown().await.unwrap();
    });
    let (mut read, mut write) = split(ends.client);
    let sent = much.clone();
    let sending = tokio::spawn(async move {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
    });
    let mut got = Vec::new();
    read.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), much.len() + b"wel".len() + b"hel".len());
    sending.await.unwrap();
    echo.await.unwrap();
    assert_eq!(ends.tunnel.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_tunnel_ends_and_a_lively_one_does_not() {
    let mut ends = tunnel();
    for _ in 0..5 {
        sleep(IDLE * 2 / 3).await;
        ends.client.write_all(b"ping").await.unwrap();
    }
    assert!(!ends.tunnel.is_finished());
    assert_eq!(ends.tunnel.await.unwrap(), End::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_ends_when_the_process_stops() {
    let ends = tunnel();
    ends.stop.send_replace(true);
    assert_eq!(ends.tunnel.await.unwrap(), End::Stopping);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_breaks_off_ends_the_tunnel() {
    let mut ends = tunnel();
    drop(ends.upstream);
    // The write finds nobody.
    ends.client.write_all(b"ping").await.unwrap();
    assert_eq!(ends.tunnel.await.unwrap(), End::Broken);
}
