import type { HealthCheck, SystemHealth } from '../../../contracts/system.ts';
import type { TemporalState } from '../../../platform/temporal/probe.ts';
import { packageVersion } from '../../../platform/version.ts';
import { inferencePath } from '../../../schema/inference/path.ts';
import type { InferencePath } from '../../../schema/inference/path.ts';
import { listNodeHealth } from '../../../schema/nodes/health.ts';
import type { UserApiDeps } from '../deps.ts';
import { checkNodes } from './node-checks.ts';

/** What `cynork doctor` shows of this side. That the caller was let in says already that the database answers. */
export async function checkSystem({
  db,
  temporal,
}: Pick<UserApiDeps, 'db' | 'temporal'>): Promise<SystemHealth> {
  const startedAtMs = performance.now();
  const nodes = await listNodeHealth(db);
  const databaseMs = Math.ceil(performance.now() - startedAtMs);
  return {
    version: packageVersion(),
    checks: [
      { name: 'database', status: 'ok', detail: `Postgres answers in ${databaseMs} ms` },
      ...checkTemporal(await temporal()),
      checkModel(await inferencePath(db)),
      ...checkNodes(nodes),
    ],
  };
}

function checkModel(path: InferencePath): HealthCheck {
  if (path.ready)
    return { name: 'model', status: 'ok', detail: `${path.model} is in memory on ${path.nodeSlug}` };
  return {
    name: 'model',
    status: 'warn',
    detail: `no inference path: ${path.reason}`,
    advice: 'Prompts and chats wait for it; script and command tasks work.',
  };
}

function checkTemporal({ where, fault, orchestratorWorkers }: TemporalState): readonly HealthCheck[] {
  if (fault !== null) {
    return [
      {
        name: 'temporal',
        status: 'fail',
        detail: `no answer from ${where}: ${fault}`,
        advice: 'Start Temporal (./dev up) or correct TEMPORAL_ADDRESS; new tasks wait until it is back.',
      },
    ];
  }
  const answers: HealthCheck = { name: 'temporal', status: 'ok', detail: `answers at ${where}` };
  if (orchestratorWorkers > 0) {
    const processes = `${orchestratorWorkers} ${orchestratorWorkers === 1 ? 'process' : 'processes'}`;
    return [answers, { name: 'orchestrator-worker', status: 'ok', detail: `${processes} at work` }];
  }
  return [
    answers,
    {
      name: 'orchestrator-worker',
      status: 'fail',
      detail: 'nobody runs the workflows, so no task goes on',
      advice: 'Start `cynodeai serve orchestrator-worker`; its log says why it ended.',
    },
  ];
}
