import { waitAtMost } from '../sandbox/index.ts';
import type { AgentParts } from './agent-parts.ts';

const SECOND_MS = 1000;
const STOP_MS = 5 * SECOND_MS;
const LINK_CLOSE_MS = 5 * SECOND_MS;
const SWEEP_MS = 3 * SECOND_MS;
const ANSWER_MS = SECOND_MS / 2;
const SETTLE_MS = 5 * SECOND_MS;

/**
 * Ends the agent: takes no more work, gives jobs in hand their grace, ends the rest so that they are placed elsewhere at
 * once, delivers what is complete, closes.
 */
export async function stopAgent(parts: AgentParts): Promise<void> {
  const { runner, pool, applier, outbox, workerApi, closing, jobsOver, logger } = parts;
  closing.abort();
  // Answers what is in hand and refuses the rest from now on.
  const apiClosed = workerApi.close();
  await waitAtMost(parts.config.shutdownGraceMs, Promise.all([applier.link?.drainJobs(), runner.finished()]));
  jobsOver.abort();
  if (runner.running > 0) logger.warn({ jobs: runner.running }, 'jobs ended by shutdown');
  await waitAtMost(STOP_MS, runner.stopAll('shutdown'));
  await Promise.all([
    waitAtMost(LINK_CLOSE_MS, applier.close()),
    waitAtMost(STOP_MS, parts.inference.close()),
  ]);
  await waitAtMost(SWEEP_MS, outbox.sweep());
  await waitAtMost(SETTLE_MS, Promise.all([runner.settled(), pool.settled()]));
  await waitAtMost(ANSWER_MS, apiClosed);
  // What is still connected has nothing in hand.
  workerApi.server.closeAllConnections();
  await apiClosed;
}
