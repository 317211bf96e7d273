import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { NodeControlActivities, NodeJobActivities } from '../../contracts/activities.ts';
import type { NodeConfig } from '../../contracts/nodes.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import { installTemporalRuntime } from '../../platform/temporal/runtime.ts';
import { traceWork } from '../../platform/temporal/tracing.ts';
import { waitAtMost } from '../sandbox/index.ts';

export type TemporalSettings = NonNullable<NodeConfig['temporal']>;

export interface LinkOptions {
  readonly settings: TemporalSettings;
  /** 0: no jobs queue, the node only answers control. */
  readonly maxConcurrency: number;
  readonly createJobs: (client: Client) => NodeJobActivities;
  readonly createControl: (client: Client) => NodeControlActivities;
  readonly metrics: Registry;
  readonly logger: Logger;
}

/** One connection to Temporal with the workers of the jobs queue and the control queue. */
export interface TemporalLink {
  /** Rejects when a worker cannot go on; never resolves. */
  readonly failed: Promise<never>;
  /** Takes no more jobs; resolves when those in hand have ended. */
  readonly drainJobs: () => Promise<void>;
  /** Ends both workers and the connection. */
  readonly close: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const CONTROL_SLOTS = 32;
const HEARTBEAT_THROTTLE_MS = 1_000;
/** Jobs are ended by the agent, which knows what has to happen with them; not by the SDK. */
const JOBS_GRACE_MS = 12 * 3_600_000;

/**
 * Connects and starts polling.
 * @throws Error when Temporal or the namespace cannot be reached
 */
export async function startTemporalLink(options: LinkOptions): Promise<TemporalLink> {
  const { settings, metrics, logger } = options;
  await installTemporalRuntime(logger, metrics);
  const connection = await connect(settings);
  try {
    return await startWorkers(connection, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function connect(settings: TemporalSettings): Promise<NativeConnection> {
  const connecting = NativeConnection.connect({ address: settings.address, tls: settings.tls });
  let connection: NativeConnection | undefined;
  await waitAtMost(
    CONNECT_TIMEOUT_MS,
    connecting.then((connected) => {
      connection = connected;
    }),
  );
  if (connection !== undefined) return connection;
  void connecting.then((late) => late.close()).catch(() => undefined);
  throw new Error(`no answer from ${settings.address} within ${CONNECT_TIMEOUT_MS} ms`);
}

async function startWorkers(connection: NativeConnection, options: LinkOptions): Promise<TemporalLink> {
  const { settings } = options;
  const client = new Client({ connection, namespace: settings.namespace });
  const common = {
    ...traceWork(),
    connection,
    namespace: settings.namespace,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
  };
  const control = await Worker.create({
    ...common,
    shutdownGraceTime: 0,
    taskQueue: `${settings.task_queue}:control`,
    activities: { ...options.createControl(client) },
    maxConcurrentActivityTaskExecutions: CONTROL_SLOTS,
  });
  const jobs =
    options.maxConcurrency === 0
      ? undefined
      : await Worker.create({
          ...common,
          shutdownGraceTime: JOBS_GRACE_MS,
          taskQueue: settings.task_queue,
          activities: { ...options.createJobs(client) },
          maxConcurrentActivityTaskExecutions: options.maxConcurrency,
        });
  return linkOf(connection, control, jobs);
}

function linkOf(connection: NativeConnection, control: Worker, jobs: Worker | undefined): TemporalLink {
  const controlRun = control.run();
  const jobsRun = jobs?.run() ?? Promise.resolve();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined);
  controlRun.catch(reject);
  jobsRun.catch(reject);
  const drainJobs = async (): Promise<void> => {
    if (jobs?.getState() === 'RUNNING') jobs.shutdown();
    await jobsRun.catch(() => undefined);
  };
  return {
    failed,
    drainJobs,
    close: async () => {
      await drainJobs();
      if (control.getState() === 'RUNNING') control.shutdown();
      await controlRun.catch(() => undefined);
      await connection.close();
    },
  };
}
