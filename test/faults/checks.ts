import { isTerminalTaskStatus, TASK_STATUSES, type TaskStatus } from '../../contracts/tasks.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { IntakeCall } from './control-plane-proxy.ts';
import { attemptsOf, byJob, type Evidence } from './evidence.ts';
import { overlapsOf } from './overlaps.ts';
import type { StoredAttempt, StoredTask } from './stored.ts';

/** A promise that was broken; `what` says which and where. */
export interface Violation {
  readonly check: string;
  readonly what: string;
}

const OK = 200;

/** Merges the journals and says what of the promises does not hold. Pure. */
export function findViolations(evidence: Evidence): Violation[] {
  return [
    ...lostTasks(evidence),
    ...doubledTasks(evidence),
    ...changedOutcomes(evidence),
    ...wrongEffects(evidence),
    ...unexplainedFailures(evidence),
    ...attemptsAtOnce(evidence),
    ...acceptedIntrusions(evidence),
    ...leftOvers(evidence),
    ...overlapsOf(evidence)
      .filter(({ ms, boundMs }) => ms > boundMs)
      .map(({ what, ms }) => ({
        check: 'container outlived its fence',
        what: `${what}: ${Math.round(ms)} ms`,
      })),
    ...evidence.clientErrors.map((what) => ({ check: 'client was refused', what })),
  ];
}

function isTerminal(status: string): boolean {
  const known: TaskStatus | undefined = TASK_STATUSES.find((each) => each === status);
  return known !== undefined && isTerminalTaskStatus(known);
}

/** Every task that was accepted is there, and every task that is there has ended. */
function lostTasks({ submissions, stored }: Evidence): Violation[] {
  const ids = new Set(stored.tasks.map(({ id }) => id));
  const gone = submissions
    .filter(({ taskId }) => taskId !== null && !ids.has(taskId))
    .map(({ key }) => ({ check: 'accepted task is gone', what: key }));
  const open = stored.tasks
    .filter(({ status, jobStatus }) => !isTerminal(status) || !isTerminal(jobStatus))
    .map(({ id, status, jobStatus }) => ({
      check: 'task did not end',
      what: `${id} is ${status}, its job ${jobStatus}`,
    }));
  return [...gone, ...open];
}

/** One key, one task; and a client is given the id of the task that is stored under its key. */
function doubledTasks({ submissions, stored }: Evidence): Violation[] {
  const byKey = Map.groupBy(stored.tasks, ({ key }) => key ?? '');
  const doubled = [...byKey]
    .filter(([key, tasks]) => key === '' || tasks.length > 1)
    .map(([key, tasks]) => ({ check: 'key with several tasks', what: `${key}: ${tasks.length}` }));
  const foreign = submissions
    .filter(({ key, taskId }) => taskId !== null && byKey.get(key)?.[0]?.id !== taskId)
    .map(({ key, taskId }) => ({ check: 'client got another task', what: `${key}: ${String(taskId)}` }));
  return [...doubled, ...foreign];
}

/** What a client has seen as the end is still the end. */
function changedOutcomes({ submissions, stored }: Evidence): Violation[] {
  const statuses = new Map(stored.tasks.map(({ id, status }) => [id, status]));
  return submissions.flatMap(({ key, taskId, ended }) => {
    const now = statuses.get(taskId ?? '');
    if (ended === null || now === undefined || now === ended.status) return [];
    return [{ check: 'outcome changed', what: `${key}: was ${ended.status}, is ${now}` }];
  });
}

/** A completed task has exactly one accepted effect, of its last attempt; any other has none. */
function wrongEffects({ stored, calls }: Evidence): Violation[] {
  const attempts = byJob(stored.attempts);
  const completions = byJob(calls.filter(({ verb }) => verb === 'complete'));
  return stored.tasks.flatMap((task) => {
    const problem = effectProblem(task, attemptsOf(attempts, task.jobId), completions.get(task.jobId) ?? []);
    return problem === null ? [] : [{ check: 'effects', what: `task ${task.id}: ${problem}` }];
  });
}

function effectProblem(
  task: StoredTask,
  attempts: readonly StoredAttempt[],
  completions: readonly IntakeCall[],
): string | null {
  const accepted = completions.filter(({ status }) => status === OK);
  const effects = new Set(accepted.map(({ attempt, effect }) => `${attempt} ${effect ?? 'none'}`));
  const finished = attempts.filter(({ state }) => state === 'completed');
  if (effects.size > 1) return `accepted twice: ${[...effects].join(' and ')}`;
  if (task.jobStatus !== 'completed') {
    return effects.size + finished.length === 0 ? null : `${task.jobStatus}, but a result was accepted`;
  }
  if (task.status !== 'completed') return `${task.status}, but its job is completed`;
  const [winner] = finished;
  if (winner === undefined || finished.length > 1) return `${finished.length} completed attempts`;
  if (winner.number !== attempts.at(-1)?.number) return `attempt ${winner.number} won, but is not the last`;
  return storedEffectProblem(task, winner, completions, effects);
}

function storedEffectProblem(
  { effect, key }: StoredTask,
  winner: StoredAttempt,
  completions: readonly IntakeCall[],
  accepted: ReadonlySet<string>,
): string | null {
  if (effect === null) return 'completed without its effect';
  if (!effect.startsWith(`${key ?? ''} `)) return `has the effect of another task: ${effect}`;
  const sent = completions.some((call) => call.attempt === winner.number && call.effect === effect);
  if (!sent) return `stored effect ${effect} was never sent by attempt ${winner.number}`;
  const acknowledged = accepted.size === 0 || accepted.has(`${winner.number} ${effect}`);
  return acknowledged ? null : `acknowledged ${[...accepted].join()}, stored ${effect}`;
}

/** Jobs of the load never fail by themselves: only the loss of three started attempts ends one as failed. */
function unexplainedFailures({ stored }: Evidence): Violation[] {
  const attempts = byJob(stored.attempts);
  return stored.tasks
    .filter(({ status }) => status === 'failed')
    .filter((task) => !isGivenUp(task, attemptsOf(attempts, task.jobId)))
    .map(({ id, failureCode }) => ({ check: 'failed', what: `task ${id}: ${failureCode ?? 'no reason'}` }));
}

/** Whether a task failed because its nodes were lost too often, and truly so. */
export function isGivenUp(task: StoredTask, attempts: readonly StoredAttempt[]): boolean {
  const lost = attempts.filter(
    ({ state, claimedAtMs, endReason }) =>
      state === 'lost' && claimedAtMs !== null && endReason !== 'node_unable' && endReason !== 'not_started',
  );
  const often = lost.length >= LEASE.maxLostAttempts || attempts.length >= LEASE.maxPlacements;
  return task.status === 'failed' && task.failureCode === 'node_losses_exhausted' && often;
}

/** In Postgres the leases of a job follow each other, and none is left. */
function attemptsAtOnce({ stored }: Evidence): Violation[] {
  return [...byJob(stored.attempts)].flatMap(([jobId, rows]) =>
    rows.flatMap((attempt) => {
      if (attempt.endedAtMs === null) {
        return [{ check: 'live attempt left', what: `job ${jobId} attempt ${attempt.number}` }];
      }
      const next = rows.find(({ number }) => number === attempt.number + 1);
      const early = next?.claimedAtMs != null && next.claimedAtMs < attempt.endedAtMs;
      return early
        ? [
            {
              check: 'two leases at once',
              what: `job ${jobId} attempts ${attempt.number} and ${next.number}`,
            },
          ]
        : [];
    }),
  );
}

/** A second runner of an attempt is refused; no answer at all is no acceptance. */
function acceptedIntrusions({ intrusions }: Evidence): Violation[] {
  return intrusions
    .filter(({ status }) => status !== null && status < 500 && status !== 409)
    .map(({ what, jobId, attempt, status }) => ({
      check: 'second runner was not refused',
      what: `${what} of job ${jobId} attempt ${attempt}: ${String(status)}`,
    }));
}

function leftOvers({ leftOvers: left }: Evidence): Violation[] {
  return [
    ...left.containers.map((what) => ({ check: 'container left', what })),
    ...left.runningWorkflows.map((what) => ({ check: 'workflow left running', what })),
    ...left.idleNodes.map((what) => ({ check: 'node does not take work again', what })),
    ...left.watchdogs.map((what) => ({ check: 'watchdog missing or left', what })),
  ];
}
