import { sleep } from '../../platform/clock.ts';
import { Counter } from '../../platform/metrics.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { Leadership } from '../../schema/leader.ts';
import { createAuditSweep } from './audit-sweep.ts';
import { createEndedCounter } from './ended-counter.ts';
import { showLoad } from './load-gauges.ts';
import { createPmModelRepair } from './pm-model.ts';
import {
  createGoneCheck,
  deliverCancels,
  endUnheard,
  startForgotten,
  startNodeWorkflows,
  wakeWaiters,
} from './repairs.ts';
import type { RepairDeps } from './repairs.ts';
import { endAbandonedTurns, startForgottenTurns, sweepOldChunks, wakeAnswers } from './turns.ts';

const PASS_EVERY_MS = 2_000;
/** Passes between two looks at workflows, which cost Temporal a call each. */
const LOOK_EVERY_PASSES = 5;
const SWEEP_EVERY_PASSES = 150;

interface Repair {
  readonly name: string;
  readonly everyPasses: number;
  readonly run: (deps: RepairDeps) => Promise<void>;
}

/** The one sweeper (design §4): repairs from Postgres what a lost message or a dead process left behind. */
export async function runReconciler(
  options: Omit<RepairDeps, 'repaired'> & {
    readonly auditRetentionDays: number;
    readonly pinnedModel: string | undefined;
  },
  registry: Registry,
  leadership: Leadership,
  signal: AbortSignal,
): Promise<void> {
  const deps: RepairDeps = { ...options, repaired: countRepairs(registry) };
  const ended = createEndedCounter(registry);
  let leads = false;
  showLoad({ db: deps.db, logger: deps.logger, registry, leads: () => leads });
  const repairs: readonly Repair[] = [
    { name: 'start forgotten tasks', everyPasses: 1, run: startForgotten },
    { name: 'deliver cancels', everyPasses: 1, run: deliverCancels },
    { name: 'end attempts', everyPasses: 1, run: endUnheard },
    { name: 'wake waiters', everyPasses: 1, run: wakeWaiters },
    { name: 'check for gone workflows', everyPasses: LOOK_EVERY_PASSES, run: createGoneCheck() },
    { name: 'start forgotten turns', everyPasses: 1, run: startForgottenTurns },
    { name: 'wake prompts', everyPasses: 1, run: wakeAnswers },
    { name: 'end abandoned turns', everyPasses: LOOK_EVERY_PASSES, run: endAbandonedTurns },
    { name: 'remove pieces of answers', everyPasses: SWEEP_EVERY_PASSES, run: sweepOldChunks },
    { name: 'select the model', everyPasses: 1, run: createPmModelRepair(options.pinnedModel) },
    { name: 'start node workflows', everyPasses: LOOK_EVERY_PASSES, run: startNodeWorkflows },
    {
      name: 'remove old audit rows',
      everyPasses: SWEEP_EVERY_PASSES,
      run: createAuditSweep(options.auditRetentionDays),
    },
    { name: 'count what has ended', everyPasses: 2, run: ({ db }) => ended.count(db) },
  ];
  for (let pass = 0; !signal.aborted; pass += 1) {
    leads = await leadership.lead();
    if (leads) await runPass(deps, repairs, pass);
    else ended.stop();
    await sleep(PASS_EVERY_MS, signal);
  }
}

function countRepairs(registry: Registry): RepairDeps['repaired'] {
  const counter = new Counter({
    name: 'cynodeai_reconciler_repairs_total',
    help: 'What the reconciler had to do because a message was lost or a process died',
    labelNames: ['repair'],
    registers: [registry],
  });
  return (repair, count = 1) => counter.inc({ repair }, count);
}

/** One repair that fails does not keep the others from running. */
async function runPass(deps: RepairDeps, repairs: readonly Repair[], pass: number): Promise<void> {
  for (const { name, everyPasses, run } of repairs) {
    if (pass % everyPasses !== 0) continue;
    try {
      await run(deps);
    } catch (error) {
      deps.logger.warn({ err: error, repair: name }, 'repair failed; the next pass tries again');
    }
  }
}
