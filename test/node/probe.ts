import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { NodeControlActivities } from '../../contracts/activities.ts';
import { testSetting } from '../support/engines/environment.ts';
import type { probeControl, probeJob } from '../support/probe-worker/workflows.ts';

const MAIN = fileURLToPath(new URL('../support/probe-worker/main.ts', import.meta.url));

/** Schedules activities on a node's queues, in the place of the product's workflows. */
export interface Probe extends AsyncDisposable {
  readonly client: Client;
  /** Asks for an attempt. The handle's result is `ok`, `canceled`, the type of the failure, or `timeout`. */
  readonly startJob: (
    slug: string,
    jobId: string,
    attempt?: number,
  ) => Promise<WorkflowHandle<typeof probeJob>>;
  readonly startControl: (
    slug: string,
    activity: keyof NodeControlActivities,
    argument: object,
  ) => Promise<WorkflowHandle<typeof probeControl>>;
}

export async function startProbe(): Promise<Probe> {
  const resources = new AsyncDisposableStack();
  const address = testSetting('temporalAddress');
  const namespace = testSetting('temporalNamespace');
  const taskQueue = `probe-${randomUUID()}`;
  const log = openSync(join(testSetting('stateFolder'), `${taskQueue}.log`), 'a');
  const worker = spawn(process.execPath, [MAIN, address, namespace, taskQueue], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', log, log],
  });
  resources.defer(async () => {
    if (worker.exitCode !== null) return;
    const exited = once(worker, 'exit');
    worker.kill('SIGTERM');
    await exited;
  });
  const connection = await Connection.connect({ address });
  resources.defer(() => connection.close());
  const client = new Client({ connection, namespace });
  return {
    client,
    startJob: (slug, jobId, attempt = 1) =>
      client.workflow.start<typeof probeJob>('probeJob', {
        taskQueue,
        workflowId: `probe-${randomUUID()}`,
        args: [{ slug, jobId, attempt }],
      }),
    startControl: (slug, activity, argument) =>
      client.workflow.start<typeof probeControl>('probeControl', {
        taskQueue,
        workflowId: `probe-${randomUUID()}`,
        args: [{ slug, activity, argument }],
      }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
