# syntax=docker/dockerfile:1
# Prassi as one static program in an otherwise empty image: no shell, no package
# manager, an unprivileged user. Debian's certificates are for calls to the
# sign-in provider and to webhooks; time zones are compiled in. Without a shell and
# rsync a site goes to a folder, an archive or a bucket, and its hook is an address.

# Node.js makes the style sheets and scripts; nothing of it is in the image.
FROM node:22.21-bookworm-slim AS node

FROM golang:1.26-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN go run ./internal/assets \
 && CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=${VERSION}" -o /out/prassi ./cmd/prassi \
 && mkdir -p /out/data /out/tmp && chmod 1777 /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /out/data /var/lib/prassi
COPY --from=build /out/tmp /tmp
COPY --from=build /out/prassi /prassi
COPY LICENSE /LICENSE
USER 65532:65532
ENV PRASSI_ADDR=0.0.0.0:8080 PRASSI_DATA=/var/lib/prassi
VOLUME /var/lib/prassi
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/prassi", "health", "--addr", "127.0.0.1:8080"]
ENTRYPOINT ["/prassi"]
CMD ["serve"]
