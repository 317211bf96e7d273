import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

/** A process that a recycled pid cannot impersonate: the pid and when it started. */
export interface ProcessIdentity {
  pid: number;
  /** Start time as the system tells it: boot and clock ticks since then on Linux, `ps` text elsewhere. */
  startedAt: string;
}

/** The identity of a live process; undefined when there is none (a zombie counts as gone). */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform !== 'linux') return identifyByPs(pid);
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The command in parentheses may itself contain spaces, so fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startedAt] = [fields[0], fields[19]];
  if (state === 'Z' || startedAt === undefined) return undefined;
  return { pid, startedAt: `${await bootId()}+${startedAt}` };
}

async function bootId(): Promise<string> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return id.slice(0, 8);
}

async function identifyByPs(pid: number): Promise<ProcessIdentity | undefined> {
  const result = await execa('ps', ['-o', 'lstart=', '-p', String(pid)], { reject: false });
  const startedAt = result.stdout.trim();
  return startedAt === '' ? undefined : { pid, startedAt };
}

/** Whether exactly this process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startedAt === identity.startedAt;
}

/** Ends a process: the signal first, SIGKILL after the grace time. Resolves when it is gone. */
export async function endProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals = 'SIGTERM',
  graceMs = 20_000,
): Promise<void> {
  if (!(await isAlive(identity))) return;
  send(identity.pid, signal);
  const ended = await waitUntil(async () => !(await isAlive(identity)), {
    timeoutMs: graceMs,
    intervalMs: 50,
  });
  if (ended) return;
  send(identity.pid, 'SIGKILL');
  await waitUntil(async () => !(await isAlive(identity)), { timeoutMs: 5_000, intervalMs: 50 });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal, which is what was wanted.
  }
}

/** Asks again and again until the check holds; false when the time is over first. */
export async function waitUntil(
  check: () => Promise<boolean>,
  options: { timeoutMs: number; intervalMs: number },
): Promise<boolean> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    if (await check()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(options.intervalMs);
  }
}

/** Resolves after that many milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
