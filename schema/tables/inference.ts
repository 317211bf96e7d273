import type { ColumnType, Generated } from 'kysely';
import type { CallOutcome } from '../../contracts/inference.ts';

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface InferenceCallsTable {
  id: string;
  created_at: Timestamp;
  user_id: string | null;
  task_id: string | null;
  thread_id: string | null;
  turn_id: string | null;
  agent: string;
  model: string;
  provider: string | null;
  node_slug: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  first_token_ms: number | null;
  total_ms: number;
  tries: number;
  outcome: CallOutcome;
  error_code: string | null;
}

/** `warm` may be old: whether the model is there now, the nodes' reports tell. */
export type PmModelState = 'none' | 'selecting' | 'preparing' | 'warm';

export interface PmModelTable {
  singleton: Generated<boolean>;
  model: string | null;
  node_slug: string | null;
  context_tokens: number | null;
  target_model: string | null;
  target_node_slug: string | null;
  state: Generated<PmModelState>;
  reason: string | null;
  since: Timestamp;
  generation: Generated<number>;
  fingerprint: string | null;
}

export interface SystemSettingsTable {
  key: string;
  value: unknown;
  value_type: 'string' | 'number' | 'boolean' | 'object' | 'array';
  version: Generated<number>;
  updated_at: Timestamp;
  updated_by: string | null;
}
