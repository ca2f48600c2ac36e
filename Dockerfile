# One binary in a small image. The build wants only gcc beside Rust.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# Cargo goes by the times of files, and the cache has what another checkout built, which may be younger than these
# files: what is ours is always built anew, the crates from outside are not.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target,sharing=locked \
    find src actors -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin askpro && cp target/release/askpro /askpro

FROM debian:bookworm-slim
# Certificates for Retell and Cal.com; curl for the health check.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/askpro --shell /usr/sbin/nologin askpro \
    && install --directory --owner=askpro --group=askpro --mode=0700 /var/lib/askpro
COPY --from=build /askpro /usr/local/bin/askpro
# By number, so that a cluster that forbids root can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/askpro
# Journal and SQLite live here; without a volume they go with the container. Nothing else is written: the root file
# system can be read-only.
VOLUME /var/lib/askpro
ENV ASKPRO__HTTP__BIND=0.0.0.0:8080 \
    ASKPRO__DATABASE__URL=sqlite:///var/lib/askpro/data/askpro.db \
    ASKPRO__JOURNAL__DIR=/var/lib/askpro/data/journal
EXPOSE 8080
# Alive, not ready: a standby process is healthy and answers /readyz with 503. Past a proxy that the container may have
# been given for the way out.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["curl", "--noproxy", "*", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/livez"]
# The drain takes up to http.drain_timeout_s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["askpro"]
CMD ["serve"]
