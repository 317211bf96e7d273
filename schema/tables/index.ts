import type {
  AuthAuditLogTable,
  PasswordCredentialsTable,
  RefreshSessionsTable,
  RefreshTokensTable,
  RoleBindingsTable,
  RolesTable,
  UsersTable,
} from './identity.ts';
import type { InferenceCallsTable, PmModelTable, SystemSettingsTable } from './inference.ts';
import type { NodeInferenceTable, NodeReachTable } from './node-inference.ts';
import type { NodeCapabilitiesTable, NodesTable } from './nodes.ts';
import type {
  JobArtifactUploadsTable,
  JobAttemptsTable,
  JobAuditLogTable,
  JobsTable,
  ProjectsTable,
  TaskArtifactsTable,
  TasksTable,
} from './tasks.ts';
import type {
  ChatAuditLogTable,
  ChatMessagesTable,
  ChatThreadsTable,
  TurnChunksTable,
  TurnsTable,
} from './turns.ts';
import type {
  ProjectPlansTable,
  TaskDependenciesTable,
  TaskWorkflowLeasesTable,
  WorkflowCheckpointsTable,
} from './workflow.ts';

/** The tables that the program reads or writes today; the migrations hold more (contract §18). */
export interface Tables {
  users: UsersTable;
  password_credentials: PasswordCredentialsTable;
  refresh_sessions: RefreshSessionsTable;
  refresh_tokens: RefreshTokensTable;
  auth_audit_log: AuthAuditLogTable;
  roles: RolesTable;
  role_bindings: RoleBindingsTable;
  projects: ProjectsTable;
  tasks: TasksTable;
  task_artifacts: TaskArtifactsTable;
  jobs: JobsTable;
  job_artifact_uploads: JobArtifactUploadsTable;
  job_attempts: JobAttemptsTable;
  job_audit_log: JobAuditLogTable;
  nodes: NodesTable;
  node_capabilities: NodeCapabilitiesTable;
  node_inference: NodeInferenceTable;
  node_reach: NodeReachTable;
  inference_calls: InferenceCallsTable;
  pm_model: PmModelTable;
  system_settings: SystemSettingsTable;
  chat_threads: ChatThreadsTable;
  chat_messages: ChatMessagesTable;
  chat_audit_log: ChatAuditLogTable;
  turns: TurnsTable;
  turn_chunks: TurnChunksTable;
  project_plans: ProjectPlansTable;
  task_dependencies: TaskDependenciesTable;
  workflow_checkpoints: WorkflowCheckpointsTable;
  task_workflow_leases: TaskWorkflowLeasesTable;
}
