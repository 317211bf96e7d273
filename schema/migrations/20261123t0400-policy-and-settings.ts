import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Access rules, credentials, preferences, settings, skills and the audit of each (contract §18, §14.4). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createPolicy(db);
  await createSettings(db);
}

async function createPolicy(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table access_control_rules (
      id uuid primary key,
      subject_type text not null,
      subject_id uuid,
      action text not null,
      resource_type text not null,
      resource_pattern text not null,
      effect text not null check (effect in ('allow', 'deny')),
      priority integer not null default 0,
      conditions jsonb,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null
    );
    create index access_control_rules_lookup on access_control_rules (action, resource_type, priority desc);

    create table access_control_audit_log (
      id uuid primary key,
      subject_type text not null,
      subject_id uuid,
      action text not null,
      resource_type text not null,
      resource text not null,
      decision text not null check (decision in ('allow', 'deny')),
      reason text,
      task_id uuid references tasks on delete set null,
      created_at timestamptz not null default now()
    );
    create index access_control_audit_log_time on access_control_audit_log (created_at desc);
    create index access_control_audit_log_task on access_control_audit_log (task_id);

    create table api_credentials (
      id uuid primary key,
      owner_type text not null check (owner_type in ('user', 'group')),
      owner_id uuid not null,
      provider text not null,
      credential_type text not null,
      credential_name text not null,
      credential_ciphertext bytea not null,
      credential_kid text not null,
      is_active boolean not null default true,
      expires_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null,
      unique (owner_type, owner_id, provider, credential_name)
    );

    create table mcp_tool_call_audit_log (
      id uuid primary key,
      created_at timestamptz not null default now(),
      task_id uuid references tasks on delete set null,
      project_id uuid references projects on delete set null,
      run_id uuid,
      job_id uuid,
      attempt integer,
      subject_type text,
      subject_id uuid,
      user_id uuid references users on delete set null,
      tool_name text not null,
      decision text not null check (decision in ('allow', 'deny')),
      rule_id uuid,
      policy_version text,
      status text not null check (status in ('success', 'error')),
      duration_ms integer check (duration_ms >= 0),
      error_type text
    );
    create index mcp_tool_call_audit_log_time on mcp_tool_call_audit_log (created_at desc);
    create index mcp_tool_call_audit_log_task on mcp_tool_call_audit_log (task_id);
    create index mcp_tool_call_audit_log_project on mcp_tool_call_audit_log (project_id);
    create index mcp_tool_call_audit_log_tool on mcp_tool_call_audit_log (tool_name);
  `.execute(db);
}

async function createSettings(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table preference_entries (
      id uuid primary key,
      scope_type text not null check (scope_type in ('system', 'user', 'group', 'project', 'task')),
      scope_id uuid,
      key text not null,
      value jsonb not null,
      value_type text not null check (value_type in ('string', 'number', 'boolean', 'object', 'array')),
      version integer not null default 1,
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null,
      check ((scope_type = 'system') = (scope_id is null)),
      unique nulls not distinct (scope_type, scope_id, key)
    );

    create table preference_audit_log (
      id uuid primary key,
      entry_id uuid not null,
      old_value jsonb,
      new_value jsonb,
      changed_at timestamptz not null default now(),
      changed_by uuid references users on delete set null,
      reason text
    );
    create index preference_audit_log_entry on preference_audit_log (entry_id, changed_at);

    create table system_settings (
      key text primary key,
      value jsonb not null,
      value_type text not null check (value_type in ('string', 'number', 'boolean', 'object', 'array')),
      version integer not null default 1,
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null
    );

    create table system_settings_audit_log (
      id uuid primary key,
      key text not null,
      old_value jsonb,
      new_value jsonb,
      changed_at timestamptz not null default now(),
      changed_by uuid references users on delete set null,
      reason text
    );
    create index system_settings_audit_log_key on system_settings_audit_log (key, changed_at);

    create table skills (
      id uuid primary key,
      name text not null,
      content text not null,
      scope text not null default 'user' check (scope in ('user', 'group', 'project', 'global')),
      owner_id uuid references users on delete cascade,
      is_system boolean not null default false,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check (is_system = (owner_id is null))
    );
    create index skills_owner on skills (owner_id, updated_at desc);
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table skills, system_settings_audit_log, system_settings, preference_audit_log, preference_entries,
      mcp_tool_call_audit_log, api_credentials, access_control_audit_log, access_control_rules
  `.execute(db);
}
