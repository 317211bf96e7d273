/** The public face of the sandbox: everything that runs jobs in containers, and the only importer of dockerode. */
export { createDockerEngine } from './docker-engine.ts';
export type { ContainerEngine, EngineInfo } from './engine.ts';
export type { FileExchange } from './file-exchange.ts';
export { containerName, LABEL, type NodeIdentity } from './names.ts';
export { WarmPool, type PoolCounts } from './pool.ts';
export { checkRequest, type SandboxUser } from './plan.ts';
export type { SandboxLimits, SandboxPolicy } from './policy.ts';
export { JobRunner } from './runner.ts';
export type { ServicePlan } from './service-container.ts';
export { JobStoppedError, stopReasonOf, type StopReason } from './stop.ts';
export type { ModelGate } from './with-models.ts';
export { waitAtMost } from './wait-at-most.ts';
export { WorkspaceRoot } from './workspace.ts';
