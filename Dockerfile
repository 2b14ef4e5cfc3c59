# The daemons, one image each: docker build --target webhookd|worker|simulators .
#
# Neither image was pulled where this file was written: tags and digests were read from public files. composetest checks what
# can be checked without an engine: what is copied exists, what is built builds from what .dockerignore lets through.

FROM golang:1.26.8 AS build
WORKDIR /src
# Modules first: they change less often than we do.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o /out/ ./webhookd ./worker ./willcall ./sim/simd

# No shell, no package manager, a user without rights; certificates and time zones are in it.
FROM gcr.io/distroless/static-debian12:nonroot@sha256:d093aa3e30dbadd3efe1310db061a14da60299baff8450a17fe0ccc514a16639 AS webhookd
COPY --from=build /out/webhookd /usr/local/bin/webhookd
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/webhookd"]

FROM gcr.io/distroless/static-debian12:nonroot@sha256:d093aa3e30dbadd3efe1310db061a14da60299baff8450a17fe0ccc514a16639 AS worker
COPY --from=build /out/worker /usr/local/bin/worker
USER 65532:65532
EXPOSE 8082
ENTRYPOINT ["/usr/local/bin/worker"]

# Never in production; busybox, because the health check needs a program that fetches a page.
FROM busybox:1.37.0 AS simulators
COPY --from=build /out/simd /usr/local/bin/simd
USER 65532:65532
EXPOSE 8090 8091 8092 8093
ENTRYPOINT ["/usr/local/bin/simd"]
