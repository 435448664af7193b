# syntax=docker/dockerfile:1

# Packages as the lockfile has them, without what only development needs.
FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
# The CPU library is inside the package; its install script would only fetch GPU libraries.
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json bun.lock bunfig.toml ./
# Peers are a compiler and type declarations: nothing that runs.
RUN bun install --frozen-lockfile --production --omit=peer --ignore-scripts
# onnxruntime-node (290 MB) and @julusian/jpeg-turbo (7 MB) bring the libraries of every platform: one is enough. Of
# the latter only the library is used, not its addon. Type declarations, source maps, manuals (39 MB) and koffi's
# sources are for those who develop.
RUN case "$(uname -m)" in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) exit 1 ;; esac \
    && find node_modules/onnxruntime-node/bin/napi-v6 -mindepth 2 -maxdepth 2 ! -path "*/linux/$arch" -exec rm -rf {} + \
    && find node_modules/@julusian/jpeg-turbo/prebuilds -type f ! -path "*/jpeg-turbo-linux-$arch/libturbojpeg.so.0" -delete \
    && find node_modules/@julusian/jpeg-turbo/prebuilds -type d -empty -delete \
    && rm -rf node_modules/koffi/vendor node_modules/koffi/doc node_modules/koffi/cnoke.cjs node_modules/@koromix/*/musl_* \
    && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' -o -name '*.md' \) \
       ! -iname 'license*' -delete

FROM oven/bun:1.4.5-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pinhole" \
      org.opencontainers.image.description="Image-inference server: photographs in over HTTP, calibrated answers out" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/oven/bun:1.4.5-slim"
WORKDIR /app
# Two arenas: glibc's default of eight a core keeps freed image buffers from going back to the system.
# ONNX Runtime would report the models that it loads to its maker.
ENV NODE_ENV=production \
    PINHOLE_ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    PINHOLE_DATA_DIR=/data \
    MALLOC_ARENA_MAX=2 \
    ORT_DISABLE_TELEMETRY=1
# All of it belongs to root: the process that serves cannot change what it runs.
COPY --from=packages /app/node_modules ./node_modules
COPY package.json tsconfig.json .env.production ./
COPY models ./models
COPY db ./db
COPY workers ./workers
COPY src ./src
RUN mkdir -m 700 /data && chown 1000:1000 /data
# The image's user `bun`, by number so that a cluster can see that it is not root.
USER 1000:1000
# The only place that is written; the root file system may be read-only, with a tmpfs on /tmp.
VOLUME /data
EXPOSE 8080
# Drains: stop with a grace period above PINHOLE_DRAIN_DELAY_MS + PINHOLE_DRAIN_TIMEOUT_MS (20 s as shipped).
STOPSIGNAL SIGTERM
# Alive only: nothing listens before every model is warm, and a server that drains must not be killed for it.
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=3 \
    CMD ["bun", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["bun", "--no-env-file"]
# The supervisor: starts the server again when it dies, and passes signals on.
CMD ["src/supervisor/main.ts"]
