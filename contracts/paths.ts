/** API paths, one place for servers and clients. `{…}` parts are filled by the callers. */
export const PATHS = {
  healthz: '/healthz',
  readyz: '/readyz',
  metrics: '/metrics',
  openApi: '/openapi.json',
  docs: '/docs',
  login: '/v1/auth/login',
  refresh: '/v1/auth/refresh',
  logout: '/v1/auth/logout',
  me: '/v1/users/me',
  users: '/v1/users',
  tasks: '/v1/tasks',
  systemHealth: '/v1/system/health',
  systemSettings: '/v1/system/settings',
  nodes: '/v1/nodes',
  nodeRegister: '/v1/nodes/register',
  nodeConfig: '/v1/nodes/config',
  nodeCapability: '/v1/nodes/capability',
  nodeContact: '/v1/nodes/contact',
  nodeJobs: '/v1/nodes/jobs',
  workflowStart: '/v1/workflow/start',
  workflowResume: '/v1/workflow/resume',
  workflowCheckpoint: '/v1/workflow/checkpoint',
  workflowRelease: '/v1/workflow/release',
  workerJobsRun: '/v1/worker/jobs:run',
  /** Before the paths of the node's Ollama, e.g. `/api/chat`. */
  workerInference: '/v1/worker/inference',
  workerNodeInfo: '/v1/worker/telemetry/node:info',
  workerNodeStats: '/v1/worker/telemetry/node:stats',
} as const;

export function claimPath(jobId: string, attempt: number): string {
  return `${PATHS.nodeJobs}/${jobId}/attempts/${attempt}:claim`;
}

export function completePath(jobId: string, attempt: number): string {
  return `${PATHS.nodeJobs}/${jobId}/attempts/${attempt}:complete`;
}
