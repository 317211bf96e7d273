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

/** What the control plane found when it last tried to reach the models of a node by way of its Worker API. */
export interface NodeReachTable {
  node_id: string;
  /** Of the Worker API that was tried. */
  url: string;
  /** Stays true when one try fails after others did not. */
  reached: boolean;
  /** Tries in a row that failed. */
  failures: number;
  error: string | null;
  tried_at: ColumnType<Date, Date, Date>;
}
