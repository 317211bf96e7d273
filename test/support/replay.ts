import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';

/** Workflows of the product, built ahead as the worker runs them. */
const BUNDLE_PATH = fileURLToPath(new URL('../../dist/workflows.cjs', import.meta.url));

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
});

/** Replays a history; throws `DeterminismViolationError` where the workflows would now do something else. */
export async function replay(
  history: unknown,
  workflowId: string,
  options: ReplayWorkerOptions = {
    workflowBundle: { codePath: BUNDLE_PATH },
    sinks: { traces: { ended: { fn: () => undefined } } },
  },
): Promise<void> {
  await Worker.runReplayHistory(options, history, workflowId);
}
