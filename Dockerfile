# syntax=docker/dockerfile:1
# countersign in a container: built from source, run without root.
#
#   docker build -t countersign .
#   docker run -p 8080:8080 -v countersign-data:/var/lib/countersign \
#     -v ./countersign.yaml:/etc/countersign/countersign.yaml:ro countersign
#
# The configuration must listen on 0.0.0.0, and keep its ledger in /var/lib/countersign: without a
# volume there, the audit log goes when the container goes.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake gcc g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist \
    && install -D -m 755 target/dist/countersign /out/countersign \
    && install -d -m 700 /out/data

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/countersign /usr/local/bin/countersign
COPY --from=build --chown=10001:10001 /out/data /var/lib/countersign
USER 10001:10001
WORKDIR /var/lib/countersign
VOLUME /var/lib/countersign
EXPOSE 8080
# Alive, not ready: a full disk is no reason to be restarted. The reading listener is at its default.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8090 && printf 'GET /livez HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
# Freed memory goes back to the system after 10 ms, and not after a second.
ENV MIMALLOC_PURGE_DELAY=10
# SIGTERM: requests in flight finish and the recorder drains. Give it `timeouts.shutdown` to do so.
STOPSIGNAL SIGTERM
# With PostgreSQL: set `ledger.writer`. The machine's name, its default, is another one in every container.
ENTRYPOINT ["/usr/local/bin/countersign"]
CMD ["run", "--config", "/etc/countersign/countersign.yaml"]
