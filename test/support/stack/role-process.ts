import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../../bin/main.ts', import.meta.url));
const CLOSE_GRACE_MS = 20_000;

/** A real process of the product that a test starts, kills and starts again. */
export class RoleProcess implements AsyncDisposable {
  readonly name: string;
  readonly logFile: string;
  private readonly roles: readonly string[];
  private readonly env: Readonly<Record<string, string>>;
  private readonly launcher: string;
  private child: ChildProcess | undefined;

  constructor(
    name: string,
    roles: readonly string[],
    env: Readonly<Record<string, string>>,
    logFile: string,
    launcher = LAUNCHER,
  ) {
    this.name = name;
    this.roles = roles;
    this.env = env;
    this.logFile = logFile;
    this.launcher = launcher;
  }

  start(): void {
    const log = openSync(this.logFile, 'a');
    this.child = spawn(process.execPath, [this.launcher, 'serve', ...this.roles], {
      env: { PATH: process.env['PATH'] ?? '', ...this.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
  }

  /** Of the process that was started last. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends a signal to this process and no other; for SIGKILL and SIGTERM resolves when it is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<number | null> {
    const { child } = this;
    if (child === undefined || !this.running) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await exited;
    return child.exitCode;
  }

  /** Resolves with the exit code when the process ends by itself. */
  async exited(): Promise<number | null> {
    const { child } = this;
    if (child !== undefined && this.running) await once(child, 'exit');
    return child?.exitCode ?? null;
  }

  log(): Promise<string> {
    return readFile(this.logFile, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.running) return;
    const force = setTimeout(() => this.child?.kill('SIGKILL'), CLOSE_GRACE_MS);
    await this.kill('SIGTERM');
    clearTimeout(force);
  }
}
