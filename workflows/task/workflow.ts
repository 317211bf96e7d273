import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { JobStep, TaskWorkflowInput } from '../../contracts/activities.ts';
import type { TaskStatus } from '../../contracts/tasks.ts';
import { describeStep } from '../job/state.ts';
import { driveJob } from '../job/workflow.ts';
import { databaseStep } from '../steps.ts';
import { capacitySignal } from './messages.ts';
import { nodesOf } from './state.ts';

const NODE_ATTRIBUTE = { name: 'CynodeNode', type: 'KEYWORD_LIST' } as const;

/** A task from its row to its outcome. Ids here, bodies in Postgres: the stored row decides, this only moves it on. */
export async function taskWorkflow({ taskId }: TaskWorkflowInput): Promise<{ status: TaskStatus }> {
  let capacitySignals = 0;
  setHandler(capacitySignal, () => {
    capacitySignals += 1;
  });
  const begun = await databaseStep('open the task and place its jobs', (db) => db.beginTask({ taskId }));
  if (begun.kind === 'closed') return { status: begun.status };

  const steps = [...begun.jobs];
  const board = new Board(steps);
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
  private shownNodes = '';

  constructor(steps: readonly JobStep[]) {
    this.steps = [...steps];
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
