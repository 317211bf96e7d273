# The sidecar of jobs that ask for models, for hosts without ./dev:
#   docker build -f compose/sidecar.Dockerfile -t cynodeai-inference-sidecar:1 compose
ARG BASE_IMAGE=alpine:3.22
FROM ${BASE_IMAGE}
RUN apk add --no-cache socat
USER 1000:1000
ENTRYPOINT ["socat"]
