import { proxyActivities } from '@temporalio/workflow';

const { noop } = proxyActivities<{ noop(): Promise<void> }>({ startToCloseTimeout: '1 minute' });

/** The least that Temporal can be asked for: one activity that does nothing. */
export async function bareWorkflow(): Promise<void> {
  await noop();
}
