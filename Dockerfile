# syntax=docker/dockerfile:1

# Both base images can be others (a mirror, a digest): docker build --build-arg RUNTIME_IMAGE=… .
ARG BUILD_IMAGE=node:26-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs26-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# Dependencies first: they change more rarely than the sources. No package's own script runs: only the bundler is needed,
# and what it needs for this machine comes as a package of its own.
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier
COPY tsconfig.json rules.yaml LICENSE ./
COPY image image
COPY migrations migrations
COPY services services
COPY test/sandbox test/sandbox
RUN node image/build.ts

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="livechat-marketo-sync" \
      org.opencontainers.image.description="Copies what LiveChat learnt about a website's visitors into Marketo, every hour, within Marketo's limits." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=build --chown=0:0 /src/dist ./
COPY --from=build --chown=0:0 /src/rules.yaml /src/LICENSE ./
# What the process is trusted with is read-only to it: the files are root's, the process is not.
USER 65532:65532
ENV NODE_ENV=production
EXPOSE 8080
# No shell, and node itself as process 1: a SIGTERM reaches it. The command is an argument: sync, digest, status …
ENTRYPOINT ["/nodejs/bin/node", "--enable-source-maps", "/app/cli.mjs"]
CMD ["--help"]
