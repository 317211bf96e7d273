# The sandbox with tools. ./dev makes it by itself; for other hosts:
#   docker build -t cynodeai-sandbox:tools - <compose/sandbox.Dockerfile
# and SANDBOX_DEFAULT_IMAGE=cynodeai-sandbox:tools for the node agent.
ARG BASE_IMAGE=debian:12-slim
FROM ${BASE_IMAGE}
ARG PACKAGES="ca-certificates curl git jq python3"
RUN apt-get update && apt-get install -y --no-install-recommends ${PACKAGES} && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 1000 --user-group --home-dir /workspace --no-create-home --shell /bin/bash sandbox \
  && mkdir -m 1777 /workspace
ENV LANG=C.UTF-8
WORKDIR /workspace
CMD ["/bin/bash"]
