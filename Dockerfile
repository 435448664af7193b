# syntax=docker/dockerfile:1

# Packages as the lockfile has them, without what only development needs.
FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
# The CPU library is inside the package; its install script would only fetch GPU libraries.
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production --ignore-scripts
# onnxruntime-node brings the libraries of every platform (290 MB): one is enough.
RUN case "$(uname -m)" in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) exit 1 ;; esac \
    && find node_modules/onnxruntime-node/bin/napi-v6 -mindepth 2 -maxdepth 2 ! -path "*/linux/$arch" -exec rm -rf {} +

FROM oven/bun:1.4.5-slim
LABEL org.opencontainers.image.title="Pinhole" \
      org.opencontainers.image.description="Image-inference server: photographs in over HTTP, calibrated answers out"
WORKDIR /app
# Two arenas: glibc's default of eight a core keeps freed image buffers from going back to the system.
ENV NODE_ENV=production \
    PINHOLE_ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    PINHOLE_DATA_DIR=/data \
    MALLOC_ARENA_MAX=2
COPY --from=packages /app/node_modules ./node_modules
COPY package.json tsconfig.json .env.production ./
COPY db ./db
COPY models ./models
COPY src ./src
COPY workers ./workers
RUN mkdir /data && chown bun:bun /data
# The image's user `bun`, by number so that a cluster can see that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bun", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["bun", "--no-env-file", "src/index.ts"]
