import { spawn, type ChildProcess } from 'node:child_process';
import { access, constants, mkdir, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { BackendError, variablesFor, type Backend, type RunningBackend, type StartOrder } from './backend.ts';

export interface ProcessBackendOptions {
  /** Path of the program; absent: `ollama` on the path. */
  readonly program: string | undefined;
  /** Environment that the program gets; its path is searched for the program too. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder for its key and, unless told otherwise, its models. */
  readonly home: string;
  /** Tells the processes of this agent from those of others. */
  readonly instanceId: string;
  readonly logger: Logger;
}

const MARKER = 'CYNODEAI_OLLAMA_OF';
const STOP_GRACE_MS = 5_000;
const LAST_WORDS = 5;
const ACCESS_LOG = '[GIN]';
const POLL_MS = 20;
/** A runner that is gone may stay a zombie for ever where nobody reaps it. */
const MAX_POLLS = 50;

/** Ollama as a process of the agent, in a process group of its own. */
export class ProcessBackend implements Backend {
  readonly #options: ProcessBackendOptions;

  constructor(options: ProcessBackendOptions) {
    this.#options = options;
  }

  /** Path of the program, when it is here. */
  async findProgram(): Promise<string | undefined> {
    const { program, env } = this.#options;
    const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
    const candidates = program === undefined ? folders.map((folder) => join(folder, 'ollama')) : [program];
    for (const path of candidates) if (await isExecutable(path)) return path;
    return undefined;
  }

  async start(order: StartOrder): Promise<RunningBackend> {
    const program = await this.findProgram();
    if (program === undefined) throw new BackendError(this.missing());
    await mkdir(this.#options.home, { recursive: true, mode: 0o700 });
    const child = spawn(program, ['serve'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.#options.home,
      env: this.#environment(order),
    });
    return supervised(child, this.#options.logger);
  }

  /** Why there is no program, and what to do. */
  missing(): string {
    const { program } = this.#options;
    return program === undefined
      ? 'there is no program `ollama` on the path: install Ollama, or name it in OLLAMA_PROGRAM'
      : `there is no program ${program} (yet): install Ollama, or correct OLLAMA_PROGRAM`;
  }

  /** By a mark in their environment: also the runners of an Ollama that is gone, which hold the memory. */
  async removeLeftovers(): Promise<void> {
    const mark = `${MARKER}=${this.#options.instanceId}`;
    const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
    const marked = await Promise.all(
      pids.map(async (pid) => ((await environmentOf(pid)).includes(mark) ? [pid] : [])),
    );
    for (const pid of marked.flat()) kill(pid, 'SIGKILL');
    if (marked.flat().length > 0)
      this.#options.logger.info({ pids: marked.flat() }, 'Ollama of an earlier run ended');
  }

  #environment({ port, configured }: StartOrder): Record<string, string> {
    const { env, home, instanceId } = this.#options;
    return {
      ...variablesFor(configured),
      ...env,
      HOME: home,
      OLLAMA_HOST: `127.0.0.1:${port}`,
      [MARKER]: instanceId,
    };
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function environmentOf(pid: number): Promise<readonly string[]> {
  return (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).split('\0');
}

function supervised(child: ChildProcess, logger: Logger): RunningBackend {
  const lastWords: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      logger.debug({ line }, 'ollama');
      if (!line.startsWith(ACCESS_LOG)) lastWords.push(line);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
    });
  }
  const { promise: exited, resolve } = Promise.withResolvers<string>();
  const ended = (how: string): void => {
    // Its runners outlive it when it is killed.
    if (child.pid !== undefined) kill(-child.pid, 'SIGKILL');
    resolve([how, ...lastWords.slice(-1)].join(': '));
  };
  child.once('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
  child.once('error', (error) => ended(error.message));
  return { kind: 'process', exited, stop: () => stop(child, exited) };
}

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  if (child.pid === undefined) return;
  const over = new AbortController();
  void exited.then(() => over.abort());
  kill(child.pid, 'SIGTERM');
  await sleep(STOP_GRACE_MS, over.signal);
  kill(-child.pid, 'SIGKILL');
  await exited;
  for (let polls = 0; polls < MAX_POLLS && kill(-child.pid, 0); polls++) await sleep(POLL_MS);
}

/** @returns whether there was such a process (or, for a negative number, group) */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
