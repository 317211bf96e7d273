import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type { Transport, WaitingCode } from '../../contracts/activities.ts';
import type { ArtifactKind } from '../../contracts/artifacts.ts';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import type { InputMode, JobStatus, TaskStatus } from '../../contracts/tasks.ts';

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface ProjectsTable {
  id: string;
  slug: string;
  display_name: string;
  description: string | null;
  is_active: Generated<boolean>;
  owner_id: string | null;
  created_at: Timestamp;
  updated_at: Timestamp;
  updated_by: string | null;
}

export interface TasksTable {
  id: string;
  created_by: string;
  project_id: string;
  plan_id: string | null;
  name: string;
  input_mode: InputMode;
  use_inference: Generated<boolean>;
  prompt: string;
  status: Generated<TaskStatus>;
  closed: GeneratedAlways<boolean>;
  failure_code: string | null;
  idempotency_key: string | null;
  request_hash: Buffer | null;
  cancel_requested_at: Date | null;
  cancel_delivered_at: Date | null;
  workflow_started_at: Date | null;
  created_at: Timestamp;
  updated_at: Timestamp;
  ended_at: Date | null;
}

export interface TaskArtifactsTable {
  id: string;
  task_id: string;
  kind: Generated<ArtifactKind>;
  path: string;
  /** SHA-256 of the content in the blob store; null for a bare path. */
  storage_ref: string | null;
  checksum_sha256: string | null;
  size_bytes: ColumnType<string, number> | null;
  content_type: string | null;
  /** Which attempt left it; both null for an attachment. */
  job_id: string | null;
  attempt: number | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface JobArtifactUploadsTable {
  job_id: string;
  attempt: number;
  sha256: string;
  size_bytes: ColumnType<string, number>;
  created_at: Timestamp;
}

export interface JobsTable {
  id: string;
  task_id: string;
  ordinal: number;
  /** `answer`: asked of a model, not run on a node. */
  kind: Generated<'run' | 'answer'>;
  status: Generated<JobStatus>;
  payload: JSONColumnType<RunRequest>;
  result: JSONColumnType<RunResponse> | null;
  failure_code: string | null;
  timeout_seconds: number;
  cancel_requested_at: Date | null;
  waiting_since: Date | null;
  waiting_code: WaitingCode | null;
  lost_attempts: Generated<number>;
  /** Only nodes that take attachments can run it. */
  needs_attachments: Generated<boolean>;
  started_at: Date | null;
  ended_at: Date | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export type AttemptState = 'placed' | 'claimed' | 'completed' | 'lost' | 'canceled';

export interface JobAttemptsTable {
  job_id: string;
  number: number;
  node_id: string;
  incarnation: number;
  transport: Transport;
  state: Generated<AttemptState>;
  claim_id: string | null;
  placed_at: Timestamp;
  claimed_at: Date | null;
  deadline_at: Date | null;
  outcome_unknown_since: Date | null;
  ended_at: Date | null;
  end_reason: string | null;
}

export interface JobAuditLogTable {
  id: string;
  task_id: string;
  job_id: string;
  attempt: number | null;
  node_id: string | null;
  event_type: string;
  detail: string | null;
  created_at: Timestamp;
}
