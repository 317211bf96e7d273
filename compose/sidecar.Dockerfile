# The sidecar of jobs that ask for models. Compose builds it (profile `models`), ./dev makes its own; for other hosts:
#   docker build -t cynodeai-inference-sidecar:1 - <compose/sidecar.Dockerfile
ARG BASE_IMAGE=alpine:3.22
FROM ${BASE_IMAGE}
RUN apk add --no-cache socat
USER 1000:1000
ENTRYPOINT ["socat"]
