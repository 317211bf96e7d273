import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Users, credentials, sessions, groups, roles (contract §18). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table users (
      id uuid primary key,
      handle text not null unique check (handle = lower(handle) and length(handle) between 1 and 63),
      email text unique,
      is_active boolean not null default true,
      external_source text,
      external_id text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    insert into users (id, handle, is_active) values ('00000000-0000-4000-8000-000000000000', 'system', false);

    create table password_credentials (
      id uuid primary key,
      user_id uuid not null unique references users on delete cascade,
      password_hash bytea not null,
      hash_alg text not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );

    -- A session is a family of refresh tokens: the row is the session, its tokens follow one another.
    create table refresh_sessions (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      is_active boolean not null default true,
      expires_at timestamptz not null,
      last_used_at timestamptz,
      ended_reason text check (ended_reason in ('logout', 'revoked', 'reuse', 'disabled', 'password_reset')),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index refresh_sessions_user on refresh_sessions (user_id) where is_active;
    create index refresh_sessions_expiry on refresh_sessions (is_active, expires_at);

    create table refresh_tokens (
      token_hash bytea primary key check (octet_length(token_hash) = 32),
      session_id uuid not null references refresh_sessions on delete cascade,
      jti text not null,
      issued_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz,
      used_by text,
      successor_jti text,
      successor_issued_at timestamptz
    );
    create index refresh_tokens_session on refresh_tokens (session_id);
    create index refresh_tokens_expiry on refresh_tokens (expires_at);

    create table auth_audit_log (
      id uuid primary key,
      event_type text not null,
      user_id uuid references users on delete set null,
      subject_handle text,
      success boolean not null,
      ip_address inet,
      user_agent text,
      reason text,
      created_at timestamptz not null default now()
    );
    create index auth_audit_log_time on auth_audit_log (created_at desc, id);
    create index auth_audit_log_user on auth_audit_log (user_id, created_at desc);

    create table groups (
      id uuid primary key,
      slug text not null unique,
      display_name text not null,
      is_active boolean not null default true,
      external_source text,
      external_id text,
      managed_by text,
      last_synced_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null
    );

    create table group_memberships (
      id uuid primary key,
      group_id uuid not null references groups on delete cascade,
      user_id uuid not null references users on delete cascade,
      is_active boolean not null default true,
      external_source text,
      external_id text,
      managed_by text,
      last_synced_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null,
      unique (group_id, user_id)
    );
    create index group_memberships_user on group_memberships (user_id);

    create table roles (
      id uuid primary key,
      name text not null unique check (name in ('owner', 'admin', 'operator', 'member', 'viewer')),
      description text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    insert into roles (id, name, description) values
      ('00000000-0000-4000-8000-000000000101', 'owner', 'Everything, role bindings included'),
      ('00000000-0000-4000-8000-000000000102', 'admin', 'Users, nodes and settings'),
      ('00000000-0000-4000-8000-000000000103', 'operator', 'Nodes and running work'),
      ('00000000-0000-4000-8000-000000000104', 'member', 'Own tasks and projects'),
      ('00000000-0000-4000-8000-000000000105', 'viewer', 'Read only');

    create table role_bindings (
      id uuid primary key,
      subject_type text not null check (subject_type in ('user', 'group')),
      subject_id uuid not null,
      role_id uuid not null references roles on delete cascade,
      scope_type text not null check (scope_type in ('system', 'project')),
      scope_id uuid,
      is_active boolean not null default true,
      managed_by text,
      last_synced_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null,
      check ((scope_type = 'system') = (scope_id is null)),
      unique nulls not distinct (subject_type, subject_id, role_id, scope_type, scope_id)
    );
    create index role_bindings_scope on role_bindings (scope_type, scope_id);
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table role_bindings, roles, group_memberships, groups, auth_audit_log, refresh_tokens, refresh_sessions,
      password_credentials, users
  `.execute(db);
}
