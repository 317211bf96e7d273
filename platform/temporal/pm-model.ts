import type { Client } from '@temporalio/client';
import { PM_MODEL_WORKFLOW, PM_MODEL_WORKFLOW_ID, RESELECT_SIGNAL } from '../../contracts/pm-model.ts';
import type { PmModelWorkflowInput } from '../../contracts/pm-model.ts';
import { QUEUE_ORCHESTRATOR } from '../../contracts/temporal.ts';
import { callTemporal, WORKFLOW_TASK_TIMEOUT } from './calls.ts';

/** Has the model of the project manager selected again, by the one workflow, started where it does not run. @throws CynodeError `unavailable` */
export async function reselectPmModel(client: Client): Promise<void> {
  const input: PmModelWorkflowInput = {};
  await callTemporal(client, () =>
    client.workflow.signalWithStart(PM_MODEL_WORKFLOW, {
      workflowId: PM_MODEL_WORKFLOW_ID,
      taskQueue: QUEUE_ORCHESTRATOR,
      args: [input],
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      signal: RESELECT_SIGNAL,
      signalArgs: [],
      staticSummary: 'The model of the project manager',
    }),
  );
}
