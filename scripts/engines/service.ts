import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { endProcess, identifyProcess, waitUntil, type ProcessIdentity } from './processes.ts';
import { SetupError } from './talk.ts';

/** A process to run: how it is started, how it is asked to end, and when it is ready. */
export interface ServiceSpec {
  name: string;
  file: string;
  args: string[];
  /** The whole environment, so that nothing reaches it by accident. */
  env: Record<string, string>;
  /** The account it runs as, where it is not ours. */
  account?: { uid: number; gid: number };
  cwd?: string;
  /** Asks for an orderly end. */
  stopSignal: NodeJS.Signals;
  /** How long the orderly end may take before it is killed. */
  stopGraceMs: number;
  readyTimeoutMs: number;
  isReady(): Promise<boolean>;
}

/** A process that was started from a {@link ServiceSpec}. */
export interface RunningService {
  identity: ProcessIdentity;
  /** Resolves with a short text such as `exit code 1` or `signal SIGKILL` when it is gone. Never rejects. */
  exited: Promise<string>;
  /** Ends it in an orderly way and resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a process in its own process group, its output appended to the log file. */
export async function startService(spec: ServiceSpec, logFile: string): Promise<RunningService> {
  await mkdir(dirname(logFile), { recursive: true });
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(spec.file, spec.args, {
      stdio: ['ignore', log.fd, log.fd],
      env: spec.env,
      detached: true,
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...spec.account,
    });
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) =>
        resolve(signal ? `signal ${signal}` : `exit code ${String(code)}`),
      );
      child.once('error', (error) => resolve(error.message));
    });
    const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
    if (identity === undefined)
      throw new SetupError(`${spec.name} ended at once (${await exited}). Its log: ${logFile}`);
    return { identity, exited, stop: () => endProcess(identity, spec.stopSignal, spec.stopGraceMs) };
  } finally {
    await log.close();
  }
}

/**
 * Resolves when a started process is ready.
 *
 * @throws SetupError when it ends before, or is not ready in time.
 */
export async function waitUntilReady(
  spec: ServiceSpec,
  running: RunningService,
  logFile: string,
): Promise<void> {
  let ended: string | undefined;
  void running.exited.then((how) => (ended = how));
  const ready = await waitUntil(async () => ended !== undefined || (await spec.isReady()), {
    timeoutMs: spec.readyTimeoutMs,
    intervalMs: 100,
  });
  if (ended !== undefined) throw new SetupError(`${spec.name} ended at once (${ended}). Its log: ${logFile}`);
  if (!ready) {
    const seconds = String(Math.round(spec.readyTimeoutMs / 1_000));
    throw new SetupError(`${spec.name} is not ready after ${seconds} s. Its log: ${logFile}`);
  }
}

/** The parts of our own environment that any program needs and that carry no secret. */
export function plainEnvironment(): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'USER',
    'LANG',
    'LC_ALL',
    'TZ',
    'TMPDIR',
    'XDG_CACHE_HOME',
    'XDG_RUNTIME_DIR',
    'SSL_CERT_FILE',
  ];
  const pairs = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs);
}
