import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { testSetting } from '../../test/support/engines/environment.ts';
import { onRelease } from '../../test/support/engines/releases.ts';
import type { RunFolder } from '../../test/support/engines/run-folder.ts';
import type { Watched } from '../processes.ts';
import { startChild } from './child.ts';

/** Temporal with nothing around it: what it costs to run a workflow with one activity that does nothing. */
export interface BareTemporal {
  readonly worker: Watched;
  readonly client: Client;
  /** Resolves when its start is acknowledged. */
  readonly start: () => Promise<WorkflowHandle>;
  /** Runs one and waits for its end. Returns its workflow id. */
  runOne(): Promise<string>;
  countEvents(workflowId: string): Promise<number>;
}

const QUEUE = 'bench-bare';

export async function startBareTemporal(run: RunFolder): Promise<BareTemporal> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, '..', 'bare', 'workflows.ts'),
    logger: new DefaultLogger('WARN'),
  });
  const bundle = join(run.path, 'bare-workflows.cjs');
  await writeFile(bundle, code);
  const [address, namespace] = [testSetting('temporalAddress'), testSetting('temporalNamespace')];
  const worker = await startChild(run, 'bare worker', 'bare/worker.ts', [address, namespace, bundle, QUEUE]);
  const connection = await Connection.connect({ address });
  onRelease(() => connection.close());
  const client = new Client({ connection, namespace });
  const start = (): Promise<WorkflowHandle> =>
    client.workflow.start('bareWorkflow', { workflowId: `bare-${randomUUID()}`, taskQueue: QUEUE });
  const runOne = async (): Promise<string> => {
    const handle = await start();
    await handle.result();
    return handle.workflowId;
  };
  await runOne(); // the worker is there
  return {
    worker,
    client,
    start,
    runOne,
    countEvents: async (workflowId) =>
      (await client.workflow.getHandle(workflowId).fetchHistory()).events?.length ?? 0,
  };
}
