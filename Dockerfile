# Both base images can be others, a mirror or a digest:
#   make image BUILD_ARGS='--build-arg BUILD_IMAGE=…@sha256:… --build-arg RUNTIME_IMAGE=…@sha256:…'
# Here they stand by tag, so that a build anywhere has the latest security updates; whoever publishes the image pins them by
# digest (Renovate reads these two lines, with docker:pinDigests), or the same commit yields another image next month.
#
# node:26-trixie has strip (binutils), and its slim variant has not: with that the image works, and is 33 MB larger. Nothing
# of it is kept but what image/runtime.ts takes, and why it does so rather than to start from distroless' nodejs26 is told there.
ARG BUILD_IMAGE=node:26-trixie
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian13:nonroot

FROM ${BUILD_IMAGE} AS runtime
COPY image/runtime.ts /src/
# Always the same time, so that this layer, most of the image, changes with Node or Debian only: whoever has it from the
# last release pulls it no more.
RUN node /src/runtime.ts \
 && chmod -R u=rwX,go=rX /runtime \
 && find /runtime -exec touch --no-dereference --date=@0 {} +

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
# Times are part of a layer: all of them become that of the commit.
ARG SOURCE_DATE_EPOCH=0
RUN node image/build.ts \
 && mkdir -p /program && mv dist /program/app && cp rules.yaml LICENSE /program/app/ \
 && chmod -R u=rwX,go=rX /program \
 && find /program -exec touch --no-dereference --date=@$SOURCE_DATE_EPOCH {} +

FROM ${RUNTIME_IMAGE}
COPY --from=runtime --chown=0:0 /runtime/ /
COPY --from=build --chown=0:0 /program/ /
WORKDIR /app
# What the process is trusted with is read-only to it: the files are root's, the process is not.
USER 65532:65532
ENV NODE_ENV=production
EXPOSE 8080
# No shell, and node itself as process 1: a SIGTERM reaches it. The command is an argument: sync, digest, status …
ENTRYPOINT ["/nodejs/bin/node", "--enable-source-maps", "/app/cli.mjs"]
CMD ["--help"]
# Last, so that another version or commit makes no layer anew.
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE
ARG CREATED=1970-01-01T00:00:00Z
ARG RUNTIME_IMAGE
LABEL org.opencontainers.image.title="livechat-marketo-sync" \
      org.opencontainers.image.description="Copies what LiveChat learnt about a website's visitors into Marketo, every hour, within Marketo's limits." \
      org.opencontainers.image.source="${SOURCE:-unknown}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${RUNTIME_IMAGE}"
