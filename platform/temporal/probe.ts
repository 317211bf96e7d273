import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { QUEUE_ORCHESTRATOR } from '../../contracts/temporal.ts';
import type { TemporalTarget } from './client.ts';

const DEADLINE_MS = 2_000;
/** A poll is held for a minute; a worker that was not heard of for longer is gone. */
const POLLER_FRESH_MS = 75_000;
/** `temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW` */
const WORKFLOW_QUEUE = 1;

export interface TemporalState {
  /** Address and namespace, for a person. */
  readonly where: string;
  /** Null when Temporal answers, else what is wrong. */
  readonly fault: string | null;
  /** Processes that take workflows of the orchestrator. */
  readonly orchestratorWorkers: number;
}

/** Looks whether Temporal answers and whether anybody works; within two seconds. */
export type TemporalProbe = () => Promise<TemporalState>;

export function createTemporalProbe(client: Client, { address, namespace }: TemporalTarget): TemporalProbe {
  const where = `${address}, namespace ${namespace}`;
  return async () => {
    try {
      const { pollers } = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
        client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: QUEUE_ORCHESTRATOR },
          taskQueueType: WORKFLOW_QUEUE,
        }),
      );
      const fresh = (pollers ?? []).filter(
        ({ lastAccessTime }) => lastAccessTime && Date.now() - tsToMs(lastAccessTime) < POLLER_FRESH_MS,
      );
      const workers = new Set(fresh.map(({ identity }) => identity));
      return { where, fault: null, orchestratorWorkers: workers.size };
    } catch (error) {
      return { where, fault: reasonOf(error), orchestratorWorkers: 0 };
    }
  };
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
