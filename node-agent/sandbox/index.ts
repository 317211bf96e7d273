/** The public face of the sandbox: everything that runs jobs in containers, and the only importer of dockerode. */
export { createDockerEngine } from './docker-engine.ts';
export { EngineError, type ContainerEngine, type EngineInfo } from './engine.ts';
export { LABEL, containerName, type NodeIdentity } from './names.ts';
export { checkRequest, type SandboxUser } from './plan.ts';
export { effectiveTimeoutSeconds, type SandboxLimits, type SandboxPolicy } from './policy.ts';
export { JobRunner, type JobRunnerDeps } from './runner.ts';
export { JobStoppedError, stopReasonOf, type StopReason } from './stop.ts';
export { waitAtMost } from './wait-at-most.ts';
export { WorkspaceRoot } from './workspace.ts';
