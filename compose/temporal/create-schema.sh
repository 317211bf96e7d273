#!/bin/sh
# Brings Temporal's two databases to the schema of this version. Safe to repeat.
set -eu

SQL_PASSWORD=$(cat /run/secrets/database_temporal_password)
export SQL_PASSWORD

tool() {
  database=$1
  shift
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$database" "$@"
}

tool temporal setup-schema -v 0.0
tool temporal update-schema --schema-name postgresql/v12/temporal
tool temporal_visibility setup-schema -v 0.0
tool temporal_visibility update-schema --schema-name postgresql/v12/visibility
