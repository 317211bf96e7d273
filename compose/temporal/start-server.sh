#!/bin/sh
# The server takes its password from the environment only; this keeps it out of the Compose file and `docker inspect`.
set -eu

POSTGRES_PWD=$(cat /run/secrets/database_temporal_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
