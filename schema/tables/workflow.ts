import type { ColumnType, Generated, JSONColumnType } from 'kysely';

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface ProjectPlansTable {
  id: string;
  project_id: string;
  state: Generated<'draft' | 'ready' | 'active' | 'suspended' | 'completed' | 'canceled'>;
  archived: Generated<boolean>;
}

export interface TaskDependenciesTable {
  id: string;
  task_id: string;
  depends_on_task_id: string;
}

export interface WorkflowCheckpointsTable {
  id: string;
  task_id: string;
  state: JSONColumnType<object> | null;
  last_node_id: string | null;
  updated_at: Timestamp;
}

export interface TaskWorkflowLeasesTable {
  id: string;
  task_id: string;
  lease_id: string;
  /** Null when the lease is free. */
  holder_id: string | null;
  expires_at: Date | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}
