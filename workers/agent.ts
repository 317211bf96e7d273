import { Worker } from '@temporalio/worker';
import { createAgentActivities } from '../activities/agent/answer-turn.ts';
import { createModelPort, createTurnPort } from '../activities/agent/ports.ts';
import type { ControlPlanePorts } from '../activities/agent/ports.ts';
import { QUEUE_AGENT, QUEUE_AGENT_CHAT } from '../contracts/turn-activities.ts';
import type { AgentWorkerConfig } from '../platform/config/agent-worker.ts';
import { createTokenService } from '../platform/crypto/tokens.ts';
import { createHttpClient } from '../platform/http/client.ts';
import { createEventsClient } from '../platform/http/events.ts';
import { createHttpApp } from '../platform/http/server.ts';
import type { Role } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import { installTemporalRuntime } from '../platform/temporal/runtime.ts';
import { traceWork } from '../platform/temporal/tracing.ts';
import { connectWhenThere } from './connect.ts';

const SERVICE_TOKEN_MS = 60_000;
/** Answers at a time, of tasks and of chats. */
const MAX_TURNS = 32;

/** Role `agent-worker`: asks the models for turns of chats and prompt tasks. It has no database. */
export async function startAgentWorker(
  config: AgentWorkerConfig,
  logger: Logger,
  metrics: Registry,
): Promise<Role> {
  await installTemporalRuntime(logger, metrics);
  const closing = new AbortController();
  await using acquired = new AsyncDisposableStack();
  const tokens = createTokenService(config.masterSecret);
  const ports: ControlPlanePorts = {
    controlPlaneUrl: config.controlPlaneUrl,
    http: acquired.use(createHttpClient()),
    events: acquired.use(createEventsClient()),
    serviceToken: () => tokens.sign('service', { sub: 'agent-worker' }, { lifeMs: SERVICE_TOKEN_MS }),
  };
  const state = { polling: false };
  const health = createHttpApp({
    role: 'agent-worker',
    logger,
    metrics,
    bodyLimitBytes: 1024,
    tooLarge: 'validation',
    readiness: async () =>
      state.polling ? null : `Temporal cannot be reached at ${config.temporal.address}: start it`,
  });
  await health.listen(config.health);
  const resources = acquired.move();
  const worker = runWorker(config, { ports, logger, state }, closing.signal);
  return {
    name: 'agent-worker',
    failed: worker.then(() => new Promise<never>(() => undefined)),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.allSettled([worker]);
      await health.close();
      await resources.disposeAsync();
    },
  };
}

interface AgentParts {
  readonly ports: ControlPlanePorts;
  readonly logger: Logger;
  readonly state: { polling: boolean };
}

/** Polls until closing; what is in hand then is cancelled and runs again elsewhere. */
async function runWorker(
  { temporal }: AgentWorkerConfig,
  { ports, logger, state }: AgentParts,
  signal: AbortSignal,
): Promise<void> {
  const connection = await connectWhenThere(temporal, logger, signal);
  if (connection === null) return;
  try {
    const activities = createAgentActivities({
      turns: createTurnPort(ports),
      model: createModelPort(ports),
      logger,
    });
    const create = (taskQueue: string): Promise<Worker> =>
      Worker.create({
        connection,
        namespace: temporal.namespace,
        taskQueue,
        ...traceWork(),
        activities,
        maxConcurrentActivityTaskExecutions: MAX_TURNS,
        maxHeartbeatThrottleInterval: '1s',
        defaultHeartbeatThrottleInterval: '1s',
        shutdownGraceTime: '2s',
      });
    const workers = [await create(QUEUE_AGENT), await create(QUEUE_AGENT_CHAT)];
    state.polling = true;
    await runUntil(workers, signal);
  } finally {
    state.polling = false;
    await connection.close();
  }
}

/** Ends all of them when one ends, so that none is missing without a sign. */
async function runUntil(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const running = workers.map((worker) => worker.run().finally(stop));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await Promise.all(running);
}
