import type { EndedAttempt } from '../../../contracts/activities.ts';
import type { NodeWorkflows } from '../../../platform/temporal/nodes.ts';
import type { TaskWorkflows } from '../../../platform/temporal/tasks.ts';

/** Stands in for the calls that the control plane makes to Temporal, and remembers them. */
export interface RecordedWorkflows {
  readonly nodes: Pick<NodeWorkflows, 'registered'>;
  readonly tasks: Pick<TaskWorkflows, 'signalCapacity' | 'endAttempt'>;
  readonly registered: { readonly slug: string; readonly incarnation: number }[];
  readonly wokenTaskIds: string[];
  readonly endedAttempts: EndedAttempt[];
  /** When set, every call fails with it. */
  failure: Error | null;
}

export function recordWorkflows(): RecordedWorkflows {
  const recorded: RecordedWorkflows = {
    registered: [],
    wokenTaskIds: [],
    endedAttempts: [],
    failure: null,
    nodes: {
      registered: async (slug, incarnation) => {
        if (recorded.failure !== null) throw recorded.failure;
        recorded.registered.push({ slug, incarnation });
      },
    },
    tasks: {
      endAttempt: async (attempt) => {
        if (recorded.failure !== null) throw recorded.failure;
        recorded.endedAttempts.push(attempt);
      },
      signalCapacity: async (taskId) => {
        if (recorded.failure !== null) throw recorded.failure;
        recorded.wokenTaskIds.push(taskId);
      },
    },
  };
  return recorded;
}
