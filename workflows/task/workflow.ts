import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { BeginTaskResult, JobStep, TaskWorkflowInput } from '../../contracts/activities.ts';
import type { TaskStatus } from '../../contracts/tasks.ts';
import { describeStep } from '../job/state.ts';
import { driveJob } from '../job/workflow.ts';
import { databaseStep } from '../steps.ts';
import { capacitySignal } from './messages.ts';
import { nodesOf } from './state.ts';

const NODE_ATTRIBUTE = { name: 'CynodeNode', type: 'KEYWORD_LIST' } as const;

/** A task from its row to its outcome. Ids here, bodies in Postgres: the stored row decides, this only moves it on. */
export async function taskWorkflow({
  taskId,
  first = [],
}: TaskWorkflowInput): Promise<{ status: TaskStatus }> {
  let capacitySignals = 0;
  setHandler(capacitySignal, () => {
    capacitySignals += 1;
  });
  const begun = await begin(taskId, first);
  if (begun.kind === 'closed') return { status: begun.status };

  const steps = [...begun.jobs];
  const board = new Board(steps, nodesOf(first));
  const settled = await Promise.all(
    begun.jobs.map((first, index) =>
      driveJob(first, {
        capacitySignals: () => capacitySignals,
        requestCancel: () => databaseStep('record the cancel', (db) => db.requestCancel({ taskId })),
        onStep: (step) => board.show(index, step),
        describe: (step) => describeStep(step, index + 1, steps.length),
      }),
    ),
  );
  const ended = settled.find(({ taskStatus }) => taskStatus !== null)?.taskStatus ?? null;
  const status = ended ?? (await databaseStep('write the outcome', (db) => db.finishTask({ taskId }))).status;
  return closeAs(status);
}

/** What was placed with the task needs no step of its own: the claim marks the task as running, or refuses. */
async function begin(taskId: string, first: readonly JobStep[]): Promise<BeginTaskResult> {
  if (first.length > 0) return { kind: 'open', jobs: first };
  return databaseStep('open the task and place its jobs', (db) => db.beginTask({ taskId }));
}

/** Ends the workflow so that its status in the Temporal UI is the task's. */
function closeAs(status: TaskStatus): { status: TaskStatus } {
  if (status === 'canceled' && CancellationScope.current().consideredCancelled) {
    throw new CancelledFailure('the task was cancelled');
  }
  if (status === 'failed') {
    const failure = ApplicationFailure.create({
      type: 'task_failed',
      message: 'the task failed; its result says why',
      nonRetryable: true,
      category: 'BENIGN', // a failing script is no fault of the worker
    });
    failure.stack = ''; // paths of the host are nobody's business
    throw failure;
  }
  return { status };
}

/** Keeps what operators see of the workflow: its details, and the nodes it ran on. */
class Board {
  private readonly steps: JobStep[];
  private shownNodes: string;

  /** @param shownNodes what the workflow was started with */
  constructor(steps: readonly JobStep[], shownNodes: readonly string[]) {
    this.steps = [...steps];
    this.shownNodes = shownNodes.join();
  }

  show(index: number, step: JobStep): void {
    this.steps[index] = step;
    setCurrentDetails(
      this.steps.map((each, at) => `- ${describeStep(each, at + 1, this.steps.length)}`).join('\n'),
    );
    const nodes = nodesOf(this.steps);
    if (nodes.length > 0 && nodes.join() !== this.shownNodes) {
      this.shownNodes = nodes.join();
      upsertSearchAttributes([{ key: NODE_ATTRIBUTE, value: nodes }]);
    }
  }
}
