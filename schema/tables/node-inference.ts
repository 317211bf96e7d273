import type { ColumnType, JSONColumnType } from 'kysely';
import type { NodeInference } from '../../contracts/node-inference.ts';

/** What a node said last of its models. Whether it is still true, `nodes.last_seen_at` tells. */
export interface NodeInferenceTable {
  node_id: string;
  backend: NodeInference['backend'];
  kind: NonNullable<NodeInference['kind']> | null;
  reason: string | null;
  models: JSONColumnType<NodeInference['models']>;
  pulls: JSONColumnType<NodeInference['pulls']>;
  active: number;
  queued: number;
  /** Last change. */
  updated_at: ColumnType<Date, Date | undefined, Date>;
}
