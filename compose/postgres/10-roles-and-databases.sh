#!/bin/sh
# Run once by the Postgres image, when its volume is empty: logins with only the rights they need, and their databases.
set -eu

read_secret() {
  cat "/run/secrets/$1"
}

# psql quotes the values itself; they come by environment, so that they are in no list of processes.
OWNER_PASSWORD=$(read_secret database_owner_password)
APP_PASSWORD=$(read_secret database_app_password)
TEMPORAL_PASSWORD=$(read_secret database_temporal_password)
export OWNER_PASSWORD APP_PASSWORD TEMPORAL_PASSWORD

psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv temporal_password TEMPORAL_PASSWORD

create role cynodeai_owner login createrole password :'owner_password';
create role cynodeai_app login password :'app_password';
create role temporal login password :'temporal_password';

-- Migrations grant their tables to this one, which the processes' login is a member of.
create role cynodeai_application nologin;
grant cynodeai_application to cynodeai_app;
grant cynodeai_application to cynodeai_owner with admin option;

create database cynodeai owner cynodeai_owner;
revoke all on database cynodeai from public;
grant connect on database cynodeai to cynodeai_app;

create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke all on database temporal, temporal_visibility from public;
SQL
