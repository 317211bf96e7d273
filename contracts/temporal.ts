/** Names that workers, clients and operators share on Temporal (design §4). */
export const TEMPORAL_NAMESPACE = 'cynodeai';
export const NAMESPACE_RETENTION_DAYS = 7;

export const QUEUE_ORCHESTRATOR = 'orchestrator';

/** Task queue of a node's jobs. */
export function jobsQueueOf(nodeSlug: string): string {
  return `node:${nodeSlug}`;
}

/** Task queue of a node's control activities (cancel, lease, config), so that nothing queues behind jobs. */
export function controlQueueOf(nodeSlug: string): string {
  return `node:${nodeSlug}:control`;
}

export function taskWorkflowId(taskId: string): string {
  return `task-${taskId}`;
}

/** The task of a workflow's id; undefined for other workflows. */
export function taskOfWorkflow(workflowId: string | undefined): string | undefined {
  return /^task-(.+)$/.exec(workflowId ?? '')?.[1];
}

/** Id of the activity that runs an attempt: who ends the attempt in the database ends the activity by it. */
export function attemptActivityId({ jobId, attempt }: { jobId: string; attempt: number }): string {
  return `job-${jobId}-${attempt}`;
}

export function nodeWorkflowId(nodeSlug: string): string {
  return `node-${nodeSlug}`;
}

export const WORKFLOW_TYPE = { task: 'taskWorkflow', node: 'nodeWorkflow' } as const;

/** Signals. `capacity`: a waiting job of the task was placed, ask again. `registered`: a new incarnation of the node. */
export const SIGNAL = {
  capacity: 'capacity',
  registered: 'registered',
  configChanged: 'configChanged',
} as const;

/** Custom search attributes and their Temporal types. */
export const SEARCH_ATTRIBUTES = {
  CynodeUser: 'KEYWORD',
  CynodeProject: 'KEYWORD',
  CynodeMode: 'KEYWORD',
  CynodeTaskName: 'KEYWORD',
  CynodeNode: 'KEYWORD_LIST',
} as const;

/** Keyword values are cut to this many characters. */
export const SEARCH_ATTRIBUTE_MAX_LENGTH = 255;

const SECOND_MS = 1000;

/** Time limits of the lease protocol (design §4). */
export const LEASE = {
  /** An activity on a node's queue not picked up in this time is placed again. */
  scheduleToStartMs: 10 * SECOND_MS,
  /** Temporal declares the attempt lost after this time without a heartbeat. */
  heartbeatTimeoutMs: 12 * SECOND_MS,
  /** The node renews this often. */
  renewMs: 3 * SECOND_MS,
  /** The node stops the job when this time has passed since the sending of the last acknowledged renewal. */
  durationMs: 9 * SECOND_MS,
  /** Added to a job's timeout for the activity's startToClose: container clean-up and delivery of the result. */
  startToCloseMarginMs: 60 * SECOND_MS,
  /** Started attempts that may be lost to nodes before the job fails. */
  maxLostAttempts: 3,
  /** Placements of one job, started or not, before it fails. */
  maxPlacements: 50,
  /** A node not heard of for this long gets no new jobs. */
  contactFreshMs: 5 * SECOND_MS,
  /** The node agent reports its contact this often. */
  contactIntervalMs: 2 * SECOND_MS,
  /** `nodeLease` returns for hand-over after this time. */
  nodeLeaseHandoverMs: 3600 * SECOND_MS,
} as const;
