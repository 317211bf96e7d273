import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Projects and plans, tasks, jobs and their attempts (contract §18, design §4). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createProjects(db);
  await createTasks(db);
  await createJobs(db);
}

async function createProjects(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table projects (
      id uuid primary key,
      slug text not null unique,
      display_name text not null,
      description text,
      is_active boolean not null default true,
      owner_id uuid references users on delete set null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      updated_by uuid references users on delete set null
    );
    create index projects_owner on projects (owner_id);

    create table personas (
      id uuid primary key,
      title text not null,
      description text not null,
      scope_type text check (scope_type in ('system', 'user', 'group', 'project', 'task')),
      scope_id uuid,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      created_by uuid references users on delete set null
    );
    create index personas_scope on personas (scope_type, scope_id);

    create table project_plans (
      id uuid primary key,
      project_id uuid not null references projects on delete cascade,
      plan_name text,
      plan_body text,
      state text not null default 'draft'
        check (state in ('draft', 'ready', 'active', 'suspended', 'completed', 'canceled')),
      archived boolean not null default false,
      is_plan_locked boolean not null default false,
      plan_locked_at timestamptz,
      plan_locked_by uuid references users on delete set null,
      plan_approved_at timestamptz,
      plan_approved_by uuid references users on delete set null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      created_by uuid references users on delete set null
    );
    create unique index project_plans_one_active on project_plans (project_id) where state = 'active';
    create index project_plans_project on project_plans (project_id);

    create table project_plan_revisions (
      id uuid primary key,
      plan_id uuid not null references project_plans on delete cascade,
      version integer not null check (version >= 1),
      plan_name text,
      plan_body text,
      task_ids jsonb,
      task_dependencies jsonb,
      created_at timestamptz not null default now(),
      created_by uuid references users on delete set null,
      unique (plan_id, version)
    );
  `.execute(db);
}

async function createTasks(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table tasks (
      id uuid primary key,
      created_by uuid not null references users,
      project_id uuid not null references projects,
      plan_id uuid references project_plans on delete set null,
      name text not null,
      input_mode text not null check (input_mode in ('prompt', 'script', 'commands')),
      use_inference boolean not null default false,
      prompt text not null,
      status text not null default 'pending'
        check (status in ('pending', 'running', 'completed', 'failed', 'canceled', 'superseded')),
      closed boolean not null generated always as (status not in ('pending', 'running')) stored,
      failure_code text,
      acceptance_criteria jsonb,
      metadata jsonb,
      idempotency_key text,
      request_hash bytea,
      cancel_requested_at timestamptz,
      -- Set when a cancel reached Temporal; the reconciler delivers those that did not.
      cancel_delivered_at timestamptz,
      -- Set when the workflow's start was acknowledged; the reconciler starts those that were not.
      workflow_started_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      ended_at timestamptz,
      unique (created_by, name),
      unique (created_by, idempotency_key),
      check ((idempotency_key is null) = (request_hash is null))
    );
    create index tasks_owner_newest on tasks (created_by, created_at desc, id desc);
    create index tasks_owner_status on tasks (created_by, status, created_at desc, id desc);
    create index tasks_project on tasks (project_id);
    create index tasks_plan on tasks (plan_id) where plan_id is not null;
    create index tasks_open on tasks (created_at) where status in ('pending', 'running');

    create table task_dependencies (
      id uuid primary key,
      task_id uuid not null references tasks on delete cascade,
      depends_on_task_id uuid not null references tasks on delete cascade,
      unique (task_id, depends_on_task_id),
      check (task_id <> depends_on_task_id)
    );
    create index task_dependencies_reverse on task_dependencies (depends_on_task_id);

    create table task_artifacts (
      id uuid primary key,
      task_id uuid not null references tasks on delete cascade,
      run_id uuid,
      path text not null,
      storage_ref text,
      size_bytes bigint check (size_bytes >= 0),
      content_type text,
      checksum_sha256 text check (checksum_sha256 ~ '^[0-9a-f]{64}$'),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (task_id, path)
    );

    create table workflow_checkpoints (
      id uuid primary key,
      task_id uuid not null unique references tasks on delete cascade,
      state jsonb,
      last_node_id text,
      updated_at timestamptz not null default now()
    );

    create table task_workflow_leases (
      id uuid primary key,
      task_id uuid not null unique references tasks on delete cascade,
      lease_id uuid not null,
      holder_id text,
      expires_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
  `.execute(db);
}

async function createJobs(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table jobs (
      id uuid primary key,
      task_id uuid not null references tasks on delete cascade,
      persona_id uuid references personas on delete set null,
      ordinal integer not null check (ordinal >= 1),
      status text not null default 'queued'
        check (status in ('queued', 'running', 'completed', 'failed', 'canceled')),
      payload jsonb not null,
      result jsonb,
      failure_code text,
      timeout_seconds integer not null check (timeout_seconds >= 1),
      cancel_requested_at timestamptz,
      -- Since when and why the job waits for a node; both null when it does not.
      waiting_since timestamptz,
      waiting_code text,
      -- Started attempts that were lost to nodes.
      lost_attempts integer not null default 0,
      started_at timestamptz,
      ended_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (task_id, ordinal),
      check ((waiting_since is null) = (waiting_code is null))
    );
    create index jobs_waiting on jobs (waiting_since, id) where waiting_since is not null;

    -- The lease of a job: its number is the fencing epoch.
    create table job_attempts (
      job_id uuid not null references jobs on delete cascade,
      number integer not null check (number >= 1),
      node_id uuid not null references nodes,
      incarnation integer not null,
      transport text not null check (transport in ('temporal', 'http')),
      state text not null default 'placed'
        check (state in ('placed', 'claimed', 'completed', 'lost', 'canceled')),
      claim_id uuid,
      placed_at timestamptz not null default now(),
      claimed_at timestamptz,
      -- Plain HTTP nodes only: before this time the attempt may still act.
      deadline_at timestamptz,
      ended_at timestamptz,
      end_reason text,
      primary key (job_id, number),
      check ((state in ('placed', 'claimed')) = (ended_at is null)),
      check (state <> 'claimed' or claim_id is not null)
    );
    create unique index job_attempts_one_live on job_attempts (job_id) where ended_at is null;
    create index job_attempts_live_by_node on job_attempts (node_id) where ended_at is null;

    create table job_audit_log (
      id uuid primary key,
      task_id uuid not null references tasks on delete cascade,
      job_id uuid not null,
      attempt integer,
      node_id uuid,
      event_type text not null,
      detail text,
      created_at timestamptz not null default now()
    );
    create index job_audit_log_task on job_audit_log (task_id, created_at);
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table job_audit_log, job_attempts, jobs, task_workflow_leases, workflow_checkpoints, task_artifacts,
      task_dependencies, tasks, project_plan_revisions, project_plans, personas, projects
  `.execute(db);
}
