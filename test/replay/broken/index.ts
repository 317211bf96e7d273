import { sleep } from '@temporalio/workflow';

/** A task workflow that begins with a timer, as no released version did: its replay must fail. */
export async function taskWorkflow(): Promise<void> {
  await sleep(1);
}
