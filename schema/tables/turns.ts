import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { AnswerOptions, TurnStatus } from '../../contracts/turns.ts';

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface ChatThreadsTable {
  id: string;
  user_id: string;
  project_id: string | null;
  session_id: string | null;
  title: string | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export type ChatRole = 'system' | 'user' | 'assistant' | 'tool';

export interface ChatMessagesTable {
  id: string;
  thread_id: string;
  role: ChatRole;
  content: string;
  metadata: JSONColumnType<Record<string, unknown>> | null;
  created_at: Timestamp;
}

export type ChatOutcome = 'success' | 'error' | 'canceled' | 'timeout';

export interface ChatAuditLogTable {
  id: string;
  created_at: Timestamp;
  user_id: string | null;
  project_id: string | null;
  outcome: ChatOutcome;
  error_code: string | null;
  redaction_applied: boolean;
  redaction_kinds: JSONColumnType<readonly string[]> | null;
  duration_ms: number | null;
  request_id: string | null;
}

export interface TurnsTable {
  id: string;
  kind: 'chat' | 'task';
  user_id: string;
  thread_id: string | null;
  /** The user's message that it answers. */
  message_id: string | null;
  task_id: string | null;
  job_id: string | null;
  /** As the client named it; null for the project manager's model. */
  model: string | null;
  options: JSONColumnType<AnswerOptions> | null;
  epoch: Generated<number>;
  status: Generated<TurnStatus>;
  error_code: string | null;
  /** Executions of a prompt task that failed, apart from those that no node took. */
  failures: Generated<number>;
  /** Times in a row that no node took the question. */
  refusals: Generated<number>;
  text: string | null;
  finish_reason: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  redaction_kinds: JSONColumnType<readonly string[]> | null;
  request_id: string | null;
  workflow_started_at: Date | null;
  created_at: Timestamp;
  started_at: Date | null;
  ended_at: Date | null;
  settled_at: Date | null;
}

export interface TurnChunksTable {
  turn_id: string;
  epoch: number;
  seq: number;
  text: string;
  created_at: Timestamp;
}
