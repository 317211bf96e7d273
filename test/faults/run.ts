import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { WORKFLOW_TYPE } from '../../contracts/temporal.ts';
import { describeTestTemporal } from '../support/engines/temporal.ts';
import { eventually } from '../support/wait.ts';
import { ApiUser } from './api-user.ts';
import type { Evidence, LeftOvers } from './evidence.ts';
import { readHistories } from './histories.ts';
import { inject, type Injection } from './injector.ts';
import { Load } from './load.ts';
import { planFaults, type PlannedFault } from './plan.ts';
import { createRandom } from './random.ts';
import { buildReport, type Report } from './report.ts';
import { buildRig, type Rig } from './rig.ts';
import { samplesOf, slowestOf } from './recovery.ts';
import { readStored } from './stored.ts';
import { formatTimelines } from './timelines.ts';

export interface RunOptions {
  readonly faults: number;
  readonly seed: number;
  readonly maxMinutes: number;
  readonly inFlight: number;
  /** How many causes may overlap. */
  readonly atOnce: number;
  /** Least time between two injections. */
  readonly gapMs: number;
  readonly ownDockerd: boolean;
  /** Journals and everybody's logs are put there at the end, the logs also when the run fails. */
  readonly logsFolder?: string | undefined;
  readonly say: (line: string) => void;
}

const MINUTE_MS = 60_000;
const READY_MS = 60_000;
const DRAIN_MS = 120_000;
const REST_MS = 45_000;
/** How many of the slowest recoveries are told line by line. */
const TIMELINES = 15;
const LOAD_SALT = 0x5eed;

/**
 * Starts a stack of its own, drives load through it while faults hit its processes, and checks what came of it.
 * Everything it starts is given back by `releaseAll`.
 */
export async function runFaults(options: RunOptions): Promise<Report> {
  const rig = await buildRig(options);
  const aborted = new AbortController();
  const user = new ApiUser(rig.stack.gatewayUrl, rig.stack.adminPassword, aborted.signal);
  await nodesAreReady(user, READY_MS);
  options.say(`ready, logs in ${rig.folder}`);

  const load = new Load(user, createRandom(options.seed ^ LOAD_SALT), options.inFlight, `s${options.seed}`);
  const startedAtMs = Date.now();
  const running = load.run();
  const plan = planFaults(options, rig.abilities);
  const injections = await injectAll(plan, rig, startedAtMs + options.maxMinutes * MINUTE_MS, options);
  load.stop();
  await running;
  options.say('no more faults; waiting for everything to come to rest');
  if (!(await load.drained(DRAIN_MS))) options.say(`${load.inFlight} clients still wait for their task`);
  const seconds = (Date.now() - startedAtMs) / 1_000;
  const leftOvers = await comeToRest(rig, user);
  aborted.abort();
  await rig.revivals.close();
  const evidence = await gather(rig, load, injections, leftOvers);
  if (options.logsFolder !== undefined) await keepEvidence(options.logsFolder, evidence, rig);
  return buildReport(
    {
      seed: options.seed,
      engine: describeTestTemporal(),
      seconds,
      faultsPlanned: plan.length,
    },
    evidence,
  );
}

/** @throws Error when a node does not take work in time */
async function nodesAreReady(user: ApiUser, timeoutMs: number): Promise<void> {
  await eventually(
    'both nodes take work',
    async () => {
      const nodes = await user.listNodes();
      return (
        nodes.length === 2 && nodes.every(({ status, lease }) => status === 'active' && lease === 'held')
      );
    },
    { timeoutMs },
  );
}

async function injectAll(
  plan: readonly PlannedFault[],
  rig: Rig,
  deadlineMs: number,
  { atOnce, say }: Pick<RunOptions, 'atOnce' | 'say'>,
): Promise<Injection[]> {
  const done: Injection[] = [];
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for (const fault of plan) {
    await delay(fault.gapMs);
    while (underWay.size >= atOnce) await Promise.race(underWay);
    if (failures.length > 0 || Date.now() > deadlineMs) break;
    const work = inject(fault, rig)
      .then((injection) => {
        done.push(injection);
        say(
          `fault ${fault.index} of ${plan.length}: ${injection.name}, ${injection.overAtMs - injection.atMs} ms`,
        );
      })
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(work));
    underWay.add(work);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw new AggregateError(failures, 'a fault could not be injected');
  return done;
}

/** Waits until nothing is left, and says what still is when that takes too long. */
async function comeToRest(rig: Rig, user: ApiUser): Promise<LeftOvers> {
  const restless = { containers: ['not looked at'], runningWorkflows: [], idleNodes: [], watchdogs: [] };
  let left: LeftOvers = restless;
  const look = async (): Promise<boolean> => {
    left = await lookAround(rig, user);
    return Object.values(left).every((each: readonly string[]) => each.length === 0);
  };
  await eventually('nothing is left', look, { timeoutMs: REST_MS, everyMs: 500 }).catch(() => undefined);
  return left;
}

async function lookAround({ journals, stack, victims }: Rig, user: ApiUser): Promise<LeftOvers> {
  const containers = await Promise.all(journals.map((journal) => journal.list()));
  const nodes = await user.listNodes();
  const agents = [...victims.values()].flatMap(({ watchdogs }) => watchdogs ?? []);
  const watchdogs = await Promise.all(agents.map((agent) => agent.wrongAtRest()));
  return {
    containers: containers.flat(),
    runningWorkflows: await listRunningTasks(stack.temporal),
    idleNodes: nodes
      .filter(({ status, lease }) => status !== 'active' || lease !== 'held')
      .map(({ node_slug, status, lease }) => `${node_slug}: ${status}, lease ${lease}`),
    watchdogs: watchdogs.flat(),
  };
}

async function listRunningTasks({ address, namespace }: Rig['stack']['temporal']): Promise<string[]> {
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection, namespace });
    const query = `WorkflowType = '${WORKFLOW_TYPE.task}' AND ExecutionStatus = 'Running'`;
    const running: string[] = [];
    for await (const { workflowId } of workflow.list({ query })) running.push(workflowId);
    return running;
  } finally {
    await connection.close();
  }
}

async function keepEvidence(folder: string, evidence: Evidence, { stack }: Rig): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'evidence.json'), JSON.stringify(evidence));
  const slowest = slowestOf(samplesOf(evidence), TIMELINES);
  const histories = await readHistories(
    stack,
    slowest.map(({ task }) => task.id),
  );
  await writeFile(join(folder, 'slowest.txt'), `${formatTimelines(slowest, evidence, histories)}\n`);
}

async function gather(
  { stack, proxy, journals, victims }: Rig,
  load: Load,
  injections: readonly Injection[],
  leftOvers: LeftOvers,
): Promise<Evidence> {
  const uptimeSeconds = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  return {
    submissions: load.submissions,
    clientErrors: load.errors,
    stored: await readStored(stack.database.ownerUrl),
    calls: proxy.calls,
    intrusions: proxy.intrusions,
    containers: journals.flatMap(({ runs }) => runs),
    injections,
    selfEnded: [...victims.values()].flatMap(({ name, selfEndedAtMs }) =>
      selfEndedAtMs.map((atMs) => ({ name, atMs })),
    ),
    leftOvers,
    bootedAtMs: Date.now() - uptimeSeconds * 1_000,
  };
}
