import { sleep } from '../../../platform/clock.ts';
import type { TaskToStart } from '../../../platform/temporal/tasks.ts';
import type { UserApiDeps } from '../../../gateway/user-api/deps.ts';

/** Stands in for the calls that the user gateway makes to Temporal, and remembers them. */
export interface RecordedCalls extends Pick<UserApiDeps, 'tasks' | 'turns' | 'nodes' | 'temporal'> {
  readonly started: TaskToStart[];
  readonly canceled: string[];
  readonly woken: string[];
  readonly turnsStarted: string[];
  readonly configs: { readonly slug: string; readonly configVersion: string }[];
  /** When set, every call fails with it. */
  failure: Error | null;
  /** Every call takes this long. */
  delayMs: number;
}

export function recordCalls(): RecordedCalls {
  const attempt = async (remember: () => void): Promise<void> => {
    if (recorded.delayMs > 0) await sleep(recorded.delayMs);
    if (recorded.failure !== null) throw recorded.failure;
    remember();
  };
  const recorded: RecordedCalls = {
    temporal: async () => ({
      where: 'nowhere',
      fault: recorded.failure?.message ?? null,
      orchestratorWorkers: 1,
    }),
    started: [],
    canceled: [],
    woken: [],
    turnsStarted: [],
    configs: [],
    failure: null,
    delayMs: 0,
    tasks: {
      start: (task) => attempt(() => recorded.started.push(task)),
      cancel: (taskId) => attempt(() => recorded.canceled.push(taskId)),
      signalCapacity: (taskId) => attempt(() => recorded.woken.push(taskId)),
    },
    turns: { start: ({ turnId }) => attempt(() => recorded.turnsStarted.push(turnId)) },
    nodes: {
      configChanged: (slug, configVersion) => attempt(() => recorded.configs.push({ slug, configVersion })),
    },
  };
  return recorded;
}
