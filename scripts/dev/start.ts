import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../build/outputs.ts';
import { endProcess, isAlive, sleep } from '../engines/processes.ts';
import { findPortOwner, isPortBusy } from '../engines/ports.ts';
import { SetupError } from '../engines/talk.ts';
import { boundLogs } from './log-files.ts';
import { ownPorts, pathsOf, PORTS, type Settings } from './settings.ts';
import {
  readLiveState,
  readSupervisorState,
  removeSupervisorState,
  type SupervisorState,
} from './supervisor-state.ts';

const POLL_MS = 100;
const RECORD_TIMEOUT_MS = 20_000;

/** Ends what a supervisor that was killed left running, and forgets it. */
export async function endLeftovers(settings: Settings): Promise<void> {
  const state = await readSupervisorState(settings);
  if (state === undefined || (await isAlive(state.supervisor))) return;
  for (const { identity } of state.services.toReversed()) if (identity) await endProcess(identity);
  await removeSupervisorState(settings);
}

/** @throws SetupError that names every busy port, who has it and what to do. */
export async function requireFreePorts(settings: Settings): Promise<void> {
  const complaints: string[] = [];
  for (const name of ownPorts(settings)) {
    const port = settings.ports[name];
    if (!(await isPortBusy(port))) continue;
    const owner = (await findPortOwner(port)) ?? 'a program of another user';
    complaints.push(
      `  ${String(port)} (${PORTS[name].title}) is used by ${owner}; ${PORTS[name].variable}=<port> sets another one`,
    );
  }
  if (complaints.length === 0) return;
  throw new SetupError(
    `Some ports are taken. Stop what uses them, or choose others:\n${complaints.join('\n')}`,
  );
}

/** Starts the supervisor so that it outlives this terminal, and resolves when it has recorded itself. */
export async function launchSupervisor(settings: Settings): Promise<void> {
  const paths = pathsOf(settings);
  await boundLogs(paths.logs);
  const log = await open(paths.log('supervisor'), 'a', 0o600);
  try {
    const program = join(ROOT, 'scripts/dev/supervise.ts');
    const child = spawn(process.execPath, [program], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
  } finally {
    await log.close();
  }
  const deadline = performance.now() + RECORD_TIMEOUT_MS;
  while ((await readLiveState(settings)) === undefined) {
    if (performance.now() > deadline)
      throw new SetupError(`The supervisor did not start. Its log: ${paths.log('supervisor')}`);
    await sleep(POLL_MS);
  }
}

/** Resolves when the named service is ready, or all are; throws what the supervisor failed with. */
export async function waitForStart(settings: Settings, service?: string): Promise<void> {
  for (;;) {
    const state = await readSupervisorState(settings);
    if (state === undefined) throw new SetupError('The stack was stopped while it was being started.');
    if (state.failure !== undefined) throw new SetupError(state.failure);
    if (hasStarted(state, service)) return;
    if (!(await isAlive(state.supervisor))) {
      throw new SetupError(`The supervisor died. Its log: ${pathsOf(settings).log('supervisor')}`);
    }
    await sleep(POLL_MS);
  }
}

function hasStarted(state: SupervisorState, service: string | undefined): boolean {
  if (state.phase === 'running') return true;
  return state.services.some(({ name, state: progress }) => name === service && progress === 'ready');
}
