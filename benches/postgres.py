"""Measures audited POSTs with the ledger in PostgreSQL, beside the same with SQLite and beside what
teams write by hand; started by `make bench-postgres`. Everything runs at once, and only one of them has
load at a time, in short turns; what is compared is the median of the rounds.

    python3 benches/postgres.py BINARY DIRECTORY [--threads N] [--rounds N]
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import measure
from measure import BODY, SECONDS, Service, Unmeasurable, fixed_upstream, free_port, load, say

NOBODY = 65534
HERE = pathlib.Path(__file__).resolve().parent


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin: int(bin.parent.name))
    if not found:
        raise Unmeasurable("PostgreSQL is missing: 'scripts/install-deps.sh test' installs it")
    return found[-1]


def as_nobody(command):
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


class Postgres:
    """A private server, as durable as in production."""

    def __init__(self, home):
        self.port, self.home = free_port(), home / "postgres"
        self.home.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.home, NOBODY, NOBODY)
        data, bin = self.home / "data", programs()
        initdb = [bin / "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-D", data]
        subprocess.run(as_nobody(initdb), check=True, stdout=subprocess.DEVNULL, cwd="/")
        command = [bin / "postgres", "-D", data, "-p", str(self.port), "-k", self.home]
        for setting in ("listen_addresses=127.0.0.1", "shared_buffers=256MB", "max_wal_size=2GB"):
            command += ["-c", setting]
        with open(home / "postgres.log", "wb") as log:
            self.process = subprocess.Popen(as_nobody(command), stdout=log, stderr=log, cwd="/")
        until = time.monotonic() + 30
        while subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if time.monotonic() > until or self.process.poll() is not None:
                raise Unmeasurable((home / "postgres.log").read_text())
            time.sleep(0.1)

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, database, text):
        command = ["psql", "-X", "-q", "-t", "-A", "-d", self.url(database), "-c", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.process.send_signal(2)
        self.process.wait(timeout=30)


def countersign(home, name, binary, upstream, threads, ledger):
    port, reading = free_port(), free_port()
    config = home / f"{name}.yaml"
    config.write_text(
        f"""
listeners: ["127.0.0.1:{port}"]
reading: {{ address: "127.0.0.1:{reading}" }}
upstreams: {{ fixed: "http://127.0.0.1:{upstream}" }}
routes:
  - {{ name: audited, upstream: fixed }}
ledger:
  dir: "{home}/{name}"
{ledger}
telemetry: {{ filter: warn }}
threads: {threads}
"""
    )
    command = [binary, "run", "--config", str(config)]
    service = Service(name, command, home / f"{name}.log", (reading, "/readyz"))
    service.port = port
    return service


def handmade(home, upstream, url):
    place = home / "handmade"
    place.mkdir()
    for file in ("package.json", "package-lock.json", "handmade.js"):
        shutil.copy(HERE / "postgres" / file, place)
    npm = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", place]
    subprocess.run(npm, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    command = ["node", place / "handmade.js", str(port), str(upstream), url]
    service = Service("handmade", command, home / "handmade.log", (port, "/"))
    service.port = port
    return service


def run(home, arguments, stack):
    def started(service):
        stack.callback(service.stop)
        return service

    threads = arguments.threads
    postgres = started(Postgres(home))
    for database in ("audit", "handmade"):
        postgres.sql("postgres", f"CREATE DATABASE {database}")
    upstream = free_port()
    started(fixed_upstream(home, upstream, threads))
    url = f'  postgres: {{url: "{postgres.url("audit")}"}}'
    services = {
        "SQLite": started(countersign(home, "sqlite", arguments.binary, upstream, threads, "")),
        "PostgreSQL": started(countersign(home, "postgresql", arguments.binary, upstream, threads, url)),
        "by hand": started(handmade(home, upstream, postgres.url("handmade"))),
    }
    answered = {name: 0 for name in services}
    figures = {name: [] for name in services}
    for number in range(arguments.rounds + 1):
        say(f"round {number} of {arguments.rounds}" if number else "warming up")
        order = list(services)
        for name in order if number % 2 else reversed(order):
            result = load(services[name].port, "/users", 64, SECONDS if number else 1, threads, body=BODY)
            answered[name] += result["requests"]
            if number:
                figures[name].append(result)
    on_record = int(postgres.sql("audit", "SELECT count(*) FROM countersign.entries WHERE kind = 'intent'"))
    if on_record < answered["PostgreSQL"]:
        raise Unmeasurable(f"{answered['PostgreSQL']} answers, but {on_record} intents on record")
    return figures


def report(figures):
    rate = {
        name: statistics.median(result["per_second"] for result in results)
        for name, results in figures.items()
    }
    for name, results in figures.items():
        rounds = "   ".join(
            f"{r['per_second']:8,.0f}/s, p50 {r['p50_us']:7,.0f}, p99 {r['p99_us']:8,.0f} µs" for r in results
        )
        print(f"{name:12} {rate[name]:8,.0f}/s    {rounds}")
    for other, limit in (("SQLite", 0.5), ("by hand", 3)):
        ratio = rate["PostgreSQL"] / rate[other]
        met = "yes" if ratio >= limit else "NO"
        print(f"PostgreSQL / {other}: {ratio:.2f}   target >= {limit}   met: {met}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("directory")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    home = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=arguments.directory)).resolve()
    home.chmod(0o755)
    try:
        with contextlib.ExitStack() as stack:
            figures = run(home, arguments, stack)
        report(figures)
    except (Unmeasurable, subprocess.CalledProcessError) as error:
        measure.say(str(error))
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
