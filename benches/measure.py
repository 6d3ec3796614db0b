"""Measures countersign against nginx and against itself; started by run.sh, which says how.

Everything runs at once: the upstream (nginx, a fixed answer of 1 KiB), nginx as a reverse proxy,
and countersign. Only one of them has load at a time, in short turns, so that whatever else the
machine does falls on all of them alike. What is compared is always the median of the rounds.
"""

import argparse
import concurrent.futures as futures
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BODY = HERE / "create-user.json"
TICK = os.sysconf("SC_CLK_TCK")

SECONDS = 5  # of load, in each turn
ALONE_SECONDS = 3  # of each turn with one connection, and of commits
DEADLINE_SECONDS = 60  # for all that is not a round; a round has its own time on top
IDLE_CONNECTIONS = 1000
READERS = 10


class Unmeasurable(Exception):
    """The run says nothing about the product; the text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port, path="/"):
    """The status that a GET gets, or None."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode())
            return int(connection.recv(4096).split(b" ", 2)[1])
    except (OSError, IndexError, ValueError):
        return None


class Service:
    """A process that was started here, with its workers."""

    def __init__(self, name, command, log, ready):
        self.name, self.log = name, log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            self.wait(*ready)
        except BaseException:
            self.stop()
            raise

    def wait(self, port, path):
        until = time.monotonic() + 20
        while answers(port, path) != 200:
            if self.process.poll() is not None or time.monotonic() > until:
                text = pathlib.Path(self.log).read_text(errors="replace")
                raise Unmeasurable(f"{self.name} did not start:\n{text}")
            time.sleep(0.05)

    def pids(self):
        main = self.process.pid
        tasks = pathlib.Path(f"/proc/{main}/task").glob("*/children")
        workers = [int(pid) for task in tasks for pid in task.read_text().split()]
        return [main, *workers]

    def cpu_seconds(self):
        """CPU time of the process and its workers so far, user and system."""
        ticks = 0
        for pid in self.pids():
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            fields = stat.rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def cpu_by_thread(self):
        """CPU seconds of the main process so far, by the names of its threads."""
        spent = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                head, _, rest = (task / "stat").read_text().rpartition(")")
                name = head.partition("(")[2]
                fields = rest.split()
                spent[name] = spent.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
        return spent

    def memory_mib(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(field + ":"))
        return int(line.split()[1]) / 1024

    def reset_peak(self):
        """Starts VmHWM anew: `man 5 proc`, clear_refs."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def nginx(home, name, port, workers, top, location):
    """A private nginx: its own configuration, pid file, logs and temporary files."""
    root = home / name
    root.mkdir()
    temporary = "\n".join(
        f"    {kind}_temp_path {root}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = root / "nginx.conf"
    config.write_text(
        f"""
daemon off;
worker_processes {workers};
pid {root}/pid;
error_log {root}/error.log warn;
events {{ worker_connections 4096; }}
http {{
{temporary}
    access_log off;
    keepalive_requests 1000000000;
{top}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
{location}
        }}
    }}
}}
"""
    )
    command = ["nginx", "-p", str(root), "-c", str(config), "-e", f"{root}/error.log"]
    return Service(name, command, home / f"{name}.log", (port, "/"))


def fixed_upstream(home, port, workers):
    text = "0123456789abcdef" * 64
    fixed = f'            default_type application/octet-stream;\n            return 200 "{text}";'
    return nginx(home, "upstream", port, workers, "", fixed)


def reverse_proxy(home, port, upstream, workers):
    top = f"""
    upstream fixed {{
        server 127.0.0.1:{upstream};
        keepalive 128;
        keepalive_requests 1000000000;
    }}
"""
    location = """
            proxy_pass http://fixed;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
"""
    return nginx(home, "nginx", port, workers, top, location)


def countersign(home, binary, port, upstream, threads):
    reading = free_port()
    config = home / "countersign.yaml"
    config.write_text(
        f"""
listeners: ["127.0.0.1:{port}"]
reading: {{ address: "127.0.0.1:{reading}" }}
upstreams: {{ fixed: "http://127.0.0.1:{upstream}" }}
routes:
  - {{ name: unaudited, paths: [/unaudited], upstream: fixed, kind: bypass }}
  - {{ name: audited, upstream: fixed }}
ledger: {{ dir: "{home}/ledger" }}
telemetry: {{ filter: warn }}
threads: {threads}
"""
    )
    command = [binary, "run", "--config", str(config)]
    service = Service("countersign", command, home / "countersign.log", (reading, "/readyz"))
    service.reading = reading
    return service


def load(port, path, connections, seconds, threads, body=None, token=None):
    """One turn of wrk; its own figures."""
    environment = {k: v for k, v in os.environ.items() if k not in ("BENCH_BODY", "BENCH_TOKEN")}
    if body:
        environment["BENCH_BODY"] = str(body)
    if token:
        environment["BENCH_TOKEN"] = token
    command = ["wrk", "-t", str(min(threads, connections)), "-c", str(connections)]
    command += ["-d", f"{seconds}s", "-s", str(HERE / "wrk.lua"), f"http://127.0.0.1:{port}{path}"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=seconds + 20
    )
    line = next((l for l in done.stdout.splitlines() if l.startswith("RESULT ")), None)
    if line is None:
        raise Unmeasurable(f"wrk failed: {done.stderr or done.stdout}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["refused"] or result["broken"] or not result["requests"]:
        raise Unmeasurable(f"{path} at port {port} did not answer every request: {result}")
    result["per_second"] = result["requests"] / result["duration_us"] * 1e6
    return result


@contextlib.contextmanager
def readers(home, service, result):
    """Those who read the log meanwhile, without a pause; what they got goes into `result`."""
    token = (home / "ledger" / "bootstrap.token").read_text().strip()
    with futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(load, service.reading, "/", READERS, SECONDS + 1, 1, token=token)
        time.sleep(0.5)
        yield
        result.update(asked.result())


def loaded(service, *turn, **more):
    """One turn, with the CPU time that `service` spent on each request."""
    before, threads = service.cpu_seconds(), service.cpu_by_thread()
    result = load(*turn, **more)
    result["threads_us"] = {
        name: (spent - threads.get(name, 0)) / result["requests"] * 1e6
        for name, spent in service.cpu_by_thread().items()
    }
    result["cpu_us"] = (service.cpu_seconds() - before) / result["requests"] * 1e6
    return result


def commits(home, seconds):
    """Latencies (µs) of single commits of 1 KiB: WAL, synchronous=FULL, the ledger's filesystem."""
    database = sqlite3.connect(home / "commits.db", isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS t (seq INTEGER PRIMARY KEY, doc TEXT) STRICT")
        doc, took, until = "x" * 1024, [], time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            database.execute("INSERT INTO t (doc) VALUES (?)", (doc,))
            took.append((time.perf_counter() - began) * 1e6)
        return statistics.median(took)
    finally:
        database.close()


def idle_memory(port, service):
    """Resident memory with idle connections, each of which has had one answer."""
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE_CONNECTIONS):
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), timeout=10)
            )
            connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
            got = b""
            while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 1024:
                chunk = connection.recv(8192)
                if not chunk:
                    raise Unmeasurable("a connection that should stay open was closed")
                got += chunk
        return service.memory_mib("VmRSS")


def on_record(home):
    """Intents and completions in the ledger."""
    ledger = sqlite3.connect(f"file:{home}/ledger/ledger.db?mode=ro", uri=True)
    try:
        query = "SELECT kind, count(*) FROM entries GROUP BY kind"
        return dict(ledger.execute(query).fetchall())
    finally:
        ledger.close()


def machine_seconds():
    """CPU time that the whole machine has spent, and that was taken from it by its host."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + softirq) / TICK, steal / TICK


def own_seconds(services):
    total = sum(service.cpu_seconds() for service in services)
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def measure(home, binary, threads, rounds, stack):
    """All figures: lists of the rounds' results by the name of the measure."""

    def started(service):
        stack.callback(service.stop)
        return service

    ports = {"upstream": free_port(), "nginx": free_port(), "ours": free_port()}
    upstream = started(fixed_upstream(home, ports["upstream"], threads))
    other = started(reverse_proxy(home, ports["nginx"], ports["upstream"], threads))
    ours = started(countersign(home, binary, ports["ours"], ports["upstream"], threads))
    services = [upstream, other, ours]
    port = ports["ours"]

    figures = {name: [] for name in ("nginx_get", "get", "audited", "unaudited", "commit")}
    figures |= {"audited_alone": [], "unaudited_alone": []}
    figures |= {"audited_beside": [], "audited_read": [], "readers": []}
    say("memory with idle connections")
    figures["fresh_mib"] = ours.memory_mib("VmRSS")
    figures["idle_mib"] = idle_memory(port, ours)
    for warm in (ports["nginx"], port):
        load(warm, "/", 32, 1, threads)
    answered = load(port, "/users", 64, 1, threads, body=BODY)["requests"]

    # What the idle connections took must not be counted as taken by the load.
    time.sleep(1)
    ours.reset_peak()
    machine, own, began = machine_seconds(), own_seconds(services), time.monotonic()
    # Without readers first: what they make the process take is not what the proxy takes.
    alone = [
        ("nginx_get", other, (ports["nginx"], "/", 32, SECONDS, threads), None),
        ("get", ours, (port, "/", 32, SECONDS, threads), None),
        ("unaudited", ours, (port, "/unaudited/users", 64, SECONDS, threads), BODY),
        ("audited", ours, (port, "/users", 64, SECONDS, threads), BODY),
        ("unaudited_alone", ours, (port, "/unaudited/users", 1, ALONE_SECONDS, 1), BODY),
        ("audited_alone", ours, (port, "/users", 1, ALONE_SECONDS, 1), BODY),
    ]
    beside = [
        ("audited_beside", ours, (port, "/users", 64, SECONDS, threads), BODY),
        ("audited_read", ours, (port, "/users", 64, SECONDS, threads), BODY),
    ]
    for pairs, peak in ((alone, "peak_mib"), (beside, "read_peak_mib")):
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}" + (", with readers" if pairs is beside else ""))
            # Every other round the other way about, so that no side always goes first.
            for name, service, turn, body in pairs if number % 2 else reversed(pairs):
                with contextlib.ExitStack() as meanwhile:
                    if name == "audited_read":
                        figures["readers"].append({})
                        meanwhile.enter_context(readers(home, ours, figures["readers"][-1]))
                    result = loaded(service, *turn, body=body)
                figures[name].append(result)
                if name.startswith("audited"):
                    answered += result["requests"]
            if pairs is alone:
                figures["commit"].append(commits(home, ALONE_SECONDS))
                figures["load_mib"] = ours.memory_mib("VmRSS")
        figures[peak] = ours.memory_mib("VmHWM")
        ours.reset_peak()

    cores = (time.monotonic() - began) * os.cpu_count()
    spent, stolen = (now - then for now, then in zip(machine_seconds(), machine))
    figures["others"] = max(0.0, spent - (own_seconds(services) - own)) / cores
    figures["stolen"] = stolen / cores
    figures["answered"], figures["record"] = answered, on_record(home)
    for kind in ("intent", "completion"):
        if figures["record"].get(kind, 0) < answered:
            raise Unmeasurable(f"{answered} answers, but on record: {figures['record']}")
    return figures


def middle(figures, name, field):
    return statistics.median(result[field] for result in figures[name])


def targets(figures):
    """Rows of the table: what, ours, beside, figure, target, met."""

    def both(mine, theirs, field):
        return middle(figures, mine, field), middle(figures, theirs, field)

    def row(what, mine, beside, value, shown, limit, met):
        verdict = "" if met is None else "yes" if met(value) else "NO"
        return (what, mine, beside, shown.format(value), limit, verdict)

    rate, nginx_rate = both("get", "nginx_get", "per_second")
    cpu, nginx_cpu = both("get", "nginx_get", "cpu_us")
    audited, unaudited = both("audited", "unaudited", "per_second")
    read, beside = both("audited_read", "audited_beside", "per_second")
    alone, plain = both("audited_alone", "unaudited_alone", "p50_us")
    commit = statistics.median(figures["commit"])
    idle, peak = figures["idle_mib"], figures["peak_mib"]
    return [
        row("GET, not audited, 32 connections: requests/s", f"{rate:,.0f}",
            f"nginx {nginx_rate:,.0f}", rate / nginx_rate, "{:.2f}", ">= 0.70", lambda v: v >= 0.7),
        row("  the same: CPU a request", f"{cpu:.1f} µs", f"nginx {nginx_cpu:.1f} µs",
            cpu / nginx_cpu, "{:.2f}", "<= 1.60", lambda v: v <= 1.6),
        row("POST 1 KiB, audited, 64 connections: requests/s", f"{audited:,.0f}",
            f"not audited {unaudited:,.0f}", audited / unaudited, "{:.2f}", ">= 0.70",
            lambda v: v >= 0.7),
        row(f"  the same while {READERS} read the log: requests/s", f"{read:,.0f}",
            f"without them {beside:,.0f}", read / beside, "{:.2f}", "> 0.90", lambda v: v > 0.9),
        row("POST 1 KiB, audited, 1 connection: median", f"{alone:,.0f} µs",
            f"not audited {plain:,.0f} µs", alone - plain - 2 * commit,
            "two commits {:+,.0f} µs", "<= +150 µs", lambda v: v <= 150),
        row(f"Memory, {IDLE_CONNECTIONS:,} idle connections", f"{idle:.1f} MiB",
            f"at start {figures['fresh_mib']:.1f} MiB", idle,
            "{:.1f} MiB", "<= 64 MiB", lambda v: v <= 64),
        row("Memory, peak under the loads above", f"{peak:.1f} MiB",
            f"at their end {figures['load_mib']:.1f} MiB", peak, "{:.1f} MiB", "<= 64 MiB",
            lambda v: v <= 64),
        row(f"  the same while {READERS} read the log", f"{figures['read_peak_mib']:.1f} MiB",
            f"without them {peak:.1f} MiB", figures["read_peak_mib"], "{:.1f} MiB", "none",
            None),
    ]


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for index, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        print("| " + " | ".join(cells) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def rounds_of(figures):
    """What lies behind the medians: every round."""
    names = ("nginx_get", "get", "unaudited", "audited", "unaudited_alone", "audited_alone",
             "audited_beside", "audited_read")
    for name in names:
        rounds = "   ".join(
            f"{r['per_second']:8,.0f}/s {r['cpu_us']:6.1f} µs CPU, p50 {r['p50_us']:6,.0f},"
            f" p99 {r['p99_us']:7,.0f} µs"
            for r in figures[name]
        )
        print(f"{name:16} {rounds}")
    asked = "   ".join(
        f"{r['per_second']:8,.0f}/s, p50 {r['p50_us'] / 1e3:,.0f}, p99 {r['p99_us'] / 1e3:,.0f} ms"
        for r in figures["readers"]
    )
    print(f"{'readers':16} {asked}")
    threads = figures["audited"][-1]["threads_us"]
    shares = ", ".join(f"{name} {took:.0f}" for name, took in sorted(threads.items()) if took >= 0.5)
    print(f"{'audited, CPU':16} µs a request by thread, last round: {shares}")
    print(f"{'commit':16} " + "   ".join(f"{took:,.0f} µs" for took in figures["commit"]))


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def filesystem(path):
    found = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def report(figures, arguments):
    head = ("Measure (medians of the rounds)", "countersign", "beside it", "result", "target", "met")
    table([head, *targets(figures)])
    print()
    rounds_of(figures)
    record = figures["record"]
    print(
        f"\n{arguments.binary}, {arguments.threads} threads, nginx with as many workers,"
        f" {os.cpu_count()} cores, ledger on {filesystem(arguments.directory)}."
        f" {figures['answered']:,} audited answers; on record: {record['intent']:,} intents,"
        f" {record['completion']:,} completions."
        f"\nOther processes took {figures['others']:.0%} of the machine's CPU time during the"
        f" rounds, its host {figures['stolen']:.0%}."
    )
    if figures["others"] + figures["stolen"] > 0.1:
        print("The machine was not quiet: compare the ratios, not the absolute figures.")


def interrupted(*_):
    raise KeyboardInterrupt


def too_long(*_):
    raise Unmeasurable("the run took far longer than it should, and was given up")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the countersign binary")
    parser.add_argument("directory", help="where to put all that the run makes")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    arguments = parser.parse_args()
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupted)
    signal.signal(signal.SIGALRM, too_long)
    round_seconds = 6 * SECONDS + 3 * ALONE_SECONDS
    signal.alarm(DEADLINE_SECONDS + (round_seconds + 6) * arguments.rounds)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    home = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=arguments.directory)).resolve()
    # nginx's workers may run as another user.
    home.chmod(0o755)
    try:
        with contextlib.ExitStack() as stack:
            figures = measure(home, arguments.binary, arguments.threads, arguments.rounds, stack)
        report(figures, arguments)
    except Unmeasurable as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; everything that was started has been stopped")
        return 130
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
