# The service alone: without the sandbox books and the demo CRM.
FROM node:22-slim AS widget
WORKDIR /build
COPY schema.graphql ./
COPY widget widget
RUN cd widget && npm ci --no-audit --no-fund && npm run build

FROM rust:1-slim AS binary
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs config.default.toml schema.graphql ./
COPY migrations migrations
COPY src src
COPY --from=widget /build/widget/dist widget/dist
RUN mkdir -p tests/it && echo 'fn main() {}' > tests/it/main.rs \
    && cargo build --release --locked --no-default-features

FROM debian:stable-slim
# The certificates of public authorities, for the calls to the accounting systems.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/financial-pulse pulse
COPY --from=binary /build/target/release/financial-pulse /usr/local/bin/financial-pulse
USER 10001
WORKDIR /var/lib/financial-pulse
ENV PULSE_SERVER__LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s CMD ["financial-pulse", "health"]
ENTRYPOINT ["financial-pulse"]
CMD ["serve"]
