import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { TURN_WORKFLOW, turnWorkflowId } from '../../contracts/turn-activities.ts';
import type { TurnWorkflowInput } from '../../contracts/turn-activities.ts';
import { QUEUE_ORCHESTRATOR, SEARCH_ATTRIBUTE_MAX_LENGTH } from '../../contracts/temporal.ts';
import { callTemporal, WORKFLOW_TASK_TIMEOUT } from './calls.ts';

export interface TurnToStart {
  readonly turnId: string;
  readonly userHandle: string;
}

/** What front doors and the reconciler ask of the workflows of chat turns. All calls may be repeated. */
export interface TurnWorkflows {
  /** "Already started" is success; a turn that has ended is never run again. @throws CynodeError `unavailable` */
  start(turn: TurnToStart): Promise<void>;
}

const USER = defineSearchAttributeKey('CynodeUser', 'KEYWORD');
const MODE = defineSearchAttributeKey('CynodeMode', 'KEYWORD');

export function createTurnWorkflows(client: Client): TurnWorkflows {
  return {
    start: async ({ turnId, userHandle }) => {
      const input: TurnWorkflowInput = { turnId };
      try {
        await callTemporal(client, () =>
          client.workflow.start(TURN_WORKFLOW, {
            workflowId: turnWorkflowId(turnId),
            taskQueue: QUEUE_ORCHESTRATOR,
            args: [input],
            workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            workflowIdConflictPolicy: 'USE_EXISTING',
            staticSummary: `chat of ${userHandle}`,
            typedSearchAttributes: new TypedSearchAttributes([
              { key: USER, value: userHandle.slice(0, SEARCH_ATTRIBUTE_MAX_LENGTH) },
              { key: MODE, value: 'chat' },
            ]),
          }),
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
  };
}
