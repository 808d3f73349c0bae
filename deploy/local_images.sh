#!/bin/sh
# Stand-ins for the public base images, made from Debian's packages where no image registry can be reached:
# local/python:3.11, local/redis:7.0 and local/prometheus:2.42. Needs root, debootstrap and a Docker engine. Then:
#   export HEADRACE_PYTHON_IMAGE=local/python:3.11 HEADRACE_REDIS_IMAGE=local/redis:7.0 PROMETHEUS_IMAGE=local/prometheus:2.42
set -eu

docker=${DOCKER:-docker}
export DOCKER_BUILDKIT=1

made() { $docker image inspect "$1" >/dev/null 2>&1; }

if ! made local/debian:bookworm; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    debootstrap --variant=minbase bookworm "$folder/root" >"$folder/log" 2>&1 || { tail "$folder/log" >&2; exit 4; }
    tar -C "$folder/root" -c . | $docker import -c 'ENV LANG=C.UTF-8' -c 'CMD ["/bin/bash"]' - local/debian:bookworm
fi

made local/python:3.11 || $docker build --quiet --tag local/python:3.11 - <<'IMAGE'
FROM local/debian:bookworm
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/*
IMAGE

# As the public image does, it takes from the store's files every right that others have.
made local/redis:7.0 || $docker build --quiet --tag local/redis:7.0 - <<'IMAGE'
FROM local/debian:bookworm
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server redis-tools \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /data && chown redis:redis /data
USER redis
WORKDIR /data
ENTRYPOINT ["sh", "-c", "umask 0077; exec \"$@\"", "sh"]
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"]
IMAGE

made local/prometheus:2.42 || $docker build --quiet --tag local/prometheus:2.42 - <<'IMAGE'
FROM local/debian:bookworm
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /prometheus && chown nobody:nogroup /prometheus
USER nobody
ENTRYPOINT ["prometheus"]
IMAGE
