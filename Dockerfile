# syntax=docker/dockerfile:1
# Prassi as one static program in an otherwise empty image: no shell, no package
# manager, an unprivileged user. Debian's certificates are for calls to the
# sign-in provider and to webhooks; time zones are compiled in.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
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
