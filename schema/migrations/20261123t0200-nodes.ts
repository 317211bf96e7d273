import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Nodes, their reports, and the sandbox images and models they hold (contract §18). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table nodes (
      id uuid primary key,
      node_slug text not null unique,
      name text,
      status text not null default 'registered' check (status in ('registered', 'active', 'inactive', 'drained')),
      is_enabled boolean not null default true,
      -- Raised by each registration of a new agent process; older ones are refused.
      incarnation integer not null default 0,
      instance_id uuid,
      transport text not null default 'http' check (transport in ('temporal', 'http')),
      lease_held boolean not null default false,
      max_concurrency integer not null default 1 check (max_concurrency >= 0),
      labels text[] not null default '{}',
      load1 real,
      ram_available_mb real,
      running_jobs integer,
      config_version text not null,
      config_settings jsonb not null default '{}',
      config_ack_version text,
      config_ack_at timestamptz,
      config_ack_status text check (config_ack_status in ('applied', 'failed', 'rolled_back')),
      config_ack_error text,
      worker_api_target_url text,
      worker_token_ciphertext bytea not null,
      worker_token_kid text not null,
      capability_hash text,
      last_seen_at timestamptz,
      last_capability_at timestamptz,
      metadata jsonb not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );

    create table node_capabilities (
      id uuid primary key,
      node_id uuid not null references nodes on delete cascade,
      reported_at timestamptz not null default now(),
      capability_hash text not null,
      capability_snapshot jsonb not null
    );
    create index node_capabilities_newest on node_capabilities (node_id, reported_at desc);

    create table sandbox_images (
      id uuid primary key,
      name text not null unique,
      description text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null
    );

    create table sandbox_image_versions (
      id uuid primary key,
      sandbox_image_id uuid not null references sandbox_images on delete cascade,
      version text not null,
      image_ref text not null,
      image_digest text,
      capabilities jsonb not null default '{}',
      is_allowed boolean not null default true,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (sandbox_image_id, version)
    );

    create table node_sandbox_image_availability (
      id uuid primary key,
      node_id uuid not null references nodes on delete cascade,
      sandbox_image_version_id uuid not null references sandbox_image_versions on delete cascade,
      status text not null check (status in ('available', 'pulling', 'failed', 'evicted')),
      last_checked_at timestamptz not null default now(),
      details jsonb,
      unique (node_id, sandbox_image_version_id)
    );

    create table models (
      id uuid primary key,
      name text not null,
      vendor text,
      description text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null,
      unique nulls not distinct (name, vendor)
    );

    create table model_versions (
      id uuid primary key,
      model_id uuid not null references models on delete cascade,
      version text not null,
      capabilities jsonb not null default '{}',
      default_parameters jsonb,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (model_id, version)
    );

    create table model_artifacts (
      id uuid primary key,
      model_version_id uuid not null references model_versions on delete cascade,
      artifact_type text not null,
      sha256 text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
      size_bytes bigint not null check (size_bytes >= 0),
      cache_path text not null,
      source_uri text,
      created_at timestamptz not null default now()
    );
    create index model_artifacts_version on model_artifacts (model_version_id);

    create table node_model_availability (
      id uuid primary key,
      node_id uuid not null references nodes on delete cascade,
      model_version_id uuid not null references model_versions on delete cascade,
      status text not null check (status in ('available', 'loading', 'failed', 'evicted')),
      last_checked_at timestamptz not null default now(),
      details jsonb,
      unique (node_id, model_version_id)
    );
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table node_model_availability, model_artifacts, model_versions, models, node_sandbox_image_availability,
      sandbox_image_versions, sandbox_images, node_capabilities, nodes
  `.execute(db);
}
