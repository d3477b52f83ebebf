FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY . .
# Downloaded and compiled dependencies stay in caches of BuildKit: they take many times longer than the gateway's own
# code, and unlike a layer they survive a change of the lock file. Cargo goes by modification times, and after a
# checkout of another version a file can be older than what the cache was built from: hence the touch.
RUN --mount=type=cache,id=wxgate-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=wxgate-target,target=/build/target,sharing=locked \
    find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin wxgate \
    && install -D -m 0755 target/release/wxgate /image/usr/local/bin/wxgate \
    && install -d /image/state/wxgate/data

# Distroless has what a glibc binary needs (libc, libgcc) and nothing else: a third of the size of debian:12-slim, and
# no shell or package manager for an intruder to use. Its user `nonroot` is 65532; the number is written out because
# Kubernetes (`runAsNonRoot`) does not trust names.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=builder --chown=65532:65532 /image/state/ /var/lib/
COPY --from=builder /image/usr/local/bin/wxgate /usr/local/bin/wxgate
COPY LICENSE src/service/passwords/NOTICE /usr/share/doc/wxgate/

# Relative paths start here: the SQLite file `data/wxgate.db` of the defaults, and a `config.toml` if one is mounted.
# Docker gives a new named volume the owner of this folder; a folder of the host must belong to 65532.
WORKDIR /var/lib/wxgate
VOLUME ["/var/lib/wxgate/data"]
USER 65532:65532

# The default, loopback, cannot be reached from outside the container.
ENV WXGATE__SERVER__LISTEN=0.0.0.0:3000
EXPOSE 3000

HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/wxgate", "health"]
ENTRYPOINT ["/usr/local/bin/wxgate"]
