import { createRandom, type Random } from './random.ts';

/** The processes that faults happen to. */
export const ROLES = ['user-api', 'control-plane', 'orchestrator-worker', 'node-1', 'node-2'] as const;
export type Victim = (typeof ROLES)[number] | 'temporal' | 'postgres' | 'dockerd';
export const NODES = ['node-1', 'node-2'] as const;

/** When a process is killed: as planned, or in the middle of the next claim, completion or settling of a job. */
export type Moment = 'now' | 'claim' | 'complete' | 'settle';

export type FaultAction =
  | { readonly kind: 'kill'; readonly victim: Victim; readonly moment: Moment }
  | { readonly kind: 'pause'; readonly victim: Victim }
  | { readonly kind: 'kill-watchdog'; readonly of: (typeof NODES)[number]; readonly withAgent: boolean }
  | { readonly kind: 'pause-watchdog'; readonly of: (typeof NODES)[number] }
  | { readonly kind: 'lose-replies'; readonly of: 'claim' | 'complete' }
  | { readonly kind: 'second-runner' }
  | { readonly kind: 'disk-full' };

/** A fault of the schedule. Everything about it is decided before the run. */
export type PlannedFault = FaultAction & {
  readonly index: number;
  /** Since the injection of the one before. */
  readonly gapMs: number;
  /** How long the process stays away or paused, or the disk full. */
  readonly lastsMs: number;
  /** Delay of a kill after the request that triggers it, so that it hits different places. */
  readonly delayMs: number;
  /** How many replies are lost in a row. */
  readonly replies: number;
};

/** What this machine can do beyond the ordinary. */
export interface Abilities {
  /** A small file system of the test's own, as the state folder of node-2. */
  readonly smallDisk: boolean;
  /** A Docker daemon of the test's own, used by node-2. */
  readonly ownDockerd: boolean;
}

/** One card a kind of fault; the deck is dealt again and again, so that every kind comes up. */
function deck(random: Random, { smallDisk, ownDockerd }: Abilities): FaultAction[] {
  const kill = (victim: Victim, moment: Moment = 'now'): FaultAction => ({ kind: 'kill', victim, moment });
  return random.shuffle([
    ...[...ROLES, 'temporal' as const, 'postgres' as const].map((victim) => kill(victim)),
    ...ROLES.map((victim): FaultAction => ({ kind: 'pause', victim })),
    kill('postgres', 'claim'),
    kill('postgres', 'complete'),
    kill('postgres', 'settle'),
    kill('control-plane', random.pick(['claim', 'complete'])),
    kill('orchestrator-worker', 'settle'),
    kill(random.pick(NODES), random.pick(['claim', 'complete'])),
    { kind: 'kill-watchdog', of: random.pick(NODES), withAgent: false },
    { kind: 'kill-watchdog', of: random.pick(NODES), withAgent: true },
    { kind: 'pause-watchdog', of: random.pick(NODES) },
    { kind: 'lose-replies', of: 'claim' },
    { kind: 'lose-replies', of: 'complete' },
    { kind: 'second-runner' },
    ...(smallDisk ? [{ kind: 'disk-full' } as const] : []),
    ...(ownDockerd ? [kill('dockerd')] : []),
  ]);
}

export interface Schedule {
  readonly seed: number;
  readonly faults: number;
  /** Least time between two injections. */
  readonly gapMs: number;
}

const GAP_SPREAD_MS = 4_000;

/** The faults of a run, the same for the same schedule and abilities. */
export function planFaults({ seed, faults, gapMs }: Schedule, abilities: Abilities): PlannedFault[] {
  const random = createRandom(seed);
  const plan: PlannedFault[] = [];
  let cards: FaultAction[] = [];
  for (let index = 1; index <= faults; index++) {
    if (cards.length === 0) cards = deck(random, abilities);
    const action = cards.pop();
    if (action === undefined) break;
    plan.push({
      ...action,
      index,
      gapMs: random.integer(gapMs, gapMs + GAP_SPREAD_MS),
      lastsMs: lastsMs(action, random),
      delayMs: random.integer(0, 20),
      replies: random.integer(1, 4),
    });
  }
  return plan;
}

const LEAST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 20_000;
/**
 * Of what the rig has only one of. Longer than the lease and the heartbeat timeout (9 and 12 s), so it still loses what it can
 * lose; longer ones would measure the length of the pause, as nobody can take over.
 */
const SINGLETON_PAUSE_MS = 14_000;
/** Long enough for a job to run elsewhere while its container goes on and nobody is there to end it. */
const FENCELESS_MS = 14_000;

function lastsMs(action: FaultAction, random: Random): number {
  switch (action.kind) {
    case 'kill':
      return random.integer(0, 3_000);
    case 'pause':
      return random.integer(LEAST_PAUSE_MS, isNode(action.victim) ? LONGEST_PAUSE_MS : SINGLETON_PAUSE_MS);
    case 'pause-watchdog':
      return random.integer(LEAST_PAUSE_MS, LONGEST_PAUSE_MS);
    case 'kill-watchdog':
      return action.withAgent ? random.integer(0, FENCELESS_MS) : 0;
    case 'disk-full':
      return random.integer(3_000, 8_000);
    case 'lose-replies':
    case 'second-runner':
      return 0;
  }
}

/** The kind as the report names it. */
export function nameOf(fault: FaultAction): string {
  switch (fault.kind) {
    case 'kill': {
      const moments = { now: '', claim: ' at a claim', complete: ' at a completion', settle: ' at settling' };
      return `${verbOf(fault.victim)} ${classOf(fault.victim)}${moments[fault.moment]}`;
    }
    case 'pause':
      return `pause ${classOf(fault.victim)}`;
    case 'kill-watchdog':
      return fault.withAgent ? 'kill node agent and watchdog' : 'kill watchdog';
    case 'pause-watchdog':
      return 'pause watchdog';
    case 'lose-replies':
      return `lose ${fault.of === 'claim' ? 'claim' : 'completion'} replies`;
    case 'second-runner':
      return 'second runner of an attempt';
    case 'disk-full':
      return 'disk of a node full';
  }
}

function verbOf(victim: Victim): string {
  if (victim === 'postgres') return 'stop';
  return victim === 'dockerd' ? 'restart' : 'kill';
}

function classOf(victim: Victim): string {
  return isNode(victim) ? 'node agent' : victim;
}

function isNode(victim: Victim): boolean {
  return NODES.some((node) => node === victim);
}
