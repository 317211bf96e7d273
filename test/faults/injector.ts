import { setTimeout as delay } from 'node:timers/promises';
import type { IntakeCall } from './control-plane-proxy.ts';
import { nameOf, type PlannedFault, type Victim as VictimName } from './plan.ts';
import type { Rig } from './rig.ts';
import type { Victim } from './victims.ts';

/** Whose tasks a fault concerns: everybody's in flight, those on a node, or one job. */
export type Scope =
  | { readonly of: 'all' }
  | { readonly of: 'node'; readonly slug: string }
  | { readonly of: 'job'; readonly jobId: string };

/** A fault that was injected. */
export interface Injection {
  readonly index: number;
  readonly name: string;
  readonly atMs: number;
  /** When its cause was gone: the process started again or continued, the disk cleared. */
  readonly overAtMs: number;
  readonly scope: Scope;
  /** False when the moment it waited for did not come, so that it happened at another one. */
  readonly onTheMoment: boolean;
}

/** Bound of the wait for a claim or completion; then the fault happens anyway. */
const MOMENT_TIMEOUT_MS = 15_000;

/** Injects the fault and resolves when its cause is gone. */
export async function inject(fault: PlannedFault, rig: Rig): Promise<Injection> {
  const happened = await perform(fault, rig);
  return { index: fault.index, name: nameOf(fault), ...happened };
}

type Happened = Omit<Injection, 'index' | 'name'>;

async function perform(fault: PlannedFault, rig: Rig): Promise<Happened> {
  switch (fault.kind) {
    case 'kill':
      return withVictim(fault.victim, rig, (victim) => kill(fault, victim, rig));
    case 'pause':
      return withVictim(fault.victim, rig, (victim) => pause(fault, victim, rig));
    case 'kill-watchdog':
      return withVictim(fault.of, rig, (victim) => killWatchdog(fault, victim, rig));
    case 'pause-watchdog':
      return withVictim(fault.of, rig, (victim) => pauseWatchdog(fault, victim, rig));
    case 'disk-full':
      return withVictim('node-2', rig, () => fillDisk(fault, rig));
    case 'lose-replies':
      rig.proxy.loseReplies(fault.of, fault.replies);
      return ofNextCall(fault.of, rig);
    case 'second-runner':
      rig.proxy.intrude();
      return ofNextCall('claim', rig);
  }
}

async function withVictim(
  name: VictimName,
  rig: Rig,
  hurt: (victim: Victim) => Promise<Happened>,
): Promise<Happened> {
  const victim = rig.victims.get(name);
  if (victim === undefined) throw new Error(`there is no ${name}`);
  await victim.take();
  try {
    return await hurt(victim);
  } finally {
    victim.release();
  }
}

async function kill(
  fault: PlannedFault & { readonly kind: 'kill' },
  victim: Victim,
  rig: Rig,
): Promise<Happened> {
  const call = await theMoment(fault, rig);
  if (call !== null) await delay(fault.delayMs);
  const atMs = Date.now();
  await victim.crash();
  await delay(fault.lastsMs);
  await victim.revive();
  return {
    atMs,
    overAtMs: Date.now(),
    scope: scopeOf(fault.victim, rig),
    onTheMoment: fault.moment === 'now' || call !== null,
  };
}

async function theMoment(
  { moment, victim }: PlannedFault & { readonly kind: 'kill' },
  rig: Rig,
): Promise<IntakeCall | null> {
  if (moment === 'now') return null;
  const node = slugOf(victim, rig) ?? undefined;
  const wanted = {
    claim: { verb: 'claim', stage: 'sent', node },
    complete: { verb: 'complete', stage: 'sent', node },
    settle: { verb: 'complete', stage: 'answered', node },
  } as const;
  return rig.proxy.next(wanted[moment], MOMENT_TIMEOUT_MS);
}

async function pause(
  fault: PlannedFault & { readonly kind: 'pause' },
  victim: Victim,
  rig: Rig,
): Promise<Happened> {
  const atMs = Date.now();
  await victim.pausable?.pause();
  await delay(fault.lastsMs);
  await victim.pausable?.resume();
  return { atMs, overAtMs: Date.now(), scope: scopeOf(fault.victim, rig), onTheMoment: true };
}

/**
 * The agent is the fault's until it has another watchdog: without one nothing ends the containers of an agent that is away,
 * and only the fault that ends both is about that.
 */
async function killWatchdog(
  fault: PlannedFault & { readonly kind: 'kill-watchdog' },
  victim: Victim,
  rig: Rig,
): Promise<Happened> {
  const watchdog = await victim.watchdogs?.present(MOMENT_TIMEOUT_MS);
  const atMs = Date.now();
  if (watchdog !== undefined) await victim.watchdogs?.kill(watchdog);
  if (fault.withAgent) {
    await victim.crash();
    await delay(fault.lastsMs);
    await victim.revive();
  }
  const revivedAtMs = Date.now();
  await victim.watchdogs?.present(MOMENT_TIMEOUT_MS, watchdog);
  return {
    atMs,
    overAtMs: fault.withAgent ? revivedAtMs : Date.now(),
    scope: scopeOf(fault.of, rig),
    onTheMoment: watchdog !== undefined,
  };
}

async function pauseWatchdog(
  fault: PlannedFault & { readonly kind: 'pause-watchdog' },
  victim: Victim,
  rig: Rig,
): Promise<Happened> {
  const watchdog = await victim.watchdogs?.present(MOMENT_TIMEOUT_MS);
  const atMs = Date.now();
  if (watchdog !== undefined) {
    await victim.watchdogs?.pause(watchdog);
    await delay(fault.lastsMs);
    await victim.watchdogs?.resume();
  }
  const overAtMs = Date.now();
  await victim.watchdogs?.present(MOMENT_TIMEOUT_MS);
  return { atMs, overAtMs, scope: scopeOf(fault.of, rig), onTheMoment: watchdog !== undefined };
}

async function fillDisk(fault: PlannedFault, rig: Rig): Promise<Happened> {
  const atMs = Date.now();
  await rig.smallDisk?.fill();
  await delay(fault.lastsMs);
  await rig.smallDisk?.clear();
  return { atMs, overAtMs: Date.now(), scope: scopeOf('node-2', rig), onTheMoment: true };
}

async function ofNextCall(verb: 'claim' | 'complete', rig: Rig): Promise<Happened> {
  const call = await rig.proxy.next({ verb, stage: 'answered' }, MOMENT_TIMEOUT_MS);
  const now = Date.now();
  const scope: Scope = call === null ? { of: 'all' } : { of: 'job', jobId: call.jobId };
  return { atMs: now, overAtMs: now, scope, onTheMoment: call !== null };
}

function scopeOf(victim: VictimName, rig: Rig): Scope {
  const slug = victim === 'dockerd' ? rig.slugs[1] : slugOf(victim, rig);
  return slug === null ? { of: 'all' } : { of: 'node', slug };
}

function slugOf(victim: VictimName, { slugs }: Rig): string | null {
  if (victim === 'node-1') return slugs[0];
  return victim === 'node-2' ? slugs[1] : null;
}
