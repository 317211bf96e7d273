import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { callDocker, type DockerEngine } from './docker-api.ts';
import { cacheFolder, exists, findExecutable, writeFileAtomically } from './files.ts';
import { withLock } from './lock.ts';
import { identifyProcess, isAlive, waitUntil, type ProcessIdentity } from './processes.ts';
import { removeStalePidFiles } from './stale-pid-files.ts';
import { aptInstall, canBecomeRoot, hasApt, hasSystemd, isRoot, runAsRoot, userName } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

type Ping = 'ok' | 'denied' | 'absent';

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const READY_TIMEOUT_MS = 30_000;
const PING_TIMEOUT_MS = 2_000;

/**
 * Gives a Docker Engine that answers: the one that runs, else the installed one started, else one
 * installed with the system's packages. Safe to call from several processes at once.
 *
 * @throws SetupError saying what the person can do, when there is no way to one.
 */
export async function ensureDocker(talk: Talk): Promise<DockerEngine> {
  const running = await findRunningDocker();
  if (running) return running;
  return withLock(cacheFolder('docker', 'setup.lock'), async () => {
    const sinceThen = await findRunningDocker();
    if (sinceThen) return sinceThen;
    if (process.env['DOCKER_HOST']) {
      throw new SetupError(
        `No Docker Engine answers at DOCKER_HOST=${process.env['DOCKER_HOST']}. Start it or unset the variable.`,
      );
    }
    if (process.platform !== 'linux') {
      throw new SetupError('Docker is not running. Start Docker Desktop and run this again.');
    }
    if (!(await canBecomeRoot())) throw new SetupError(withoutRoot());
    if ((await findDockerd()) === undefined) await installDocker(talk);
    await startDocker(talk);
    return reachable();
  });
}

/** The engine that answers now, if any. A socket that refuses us is an error with the remedy in it. */
export async function findRunningDocker(): Promise<DockerEngine | undefined> {
  for (const host of candidateHosts()) {
    const answer = await pingDocker(host);
    if (answer === 'ok') return { host };
    if (answer === 'denied') throw new SetupError(notInGroup(host));
  }
  return undefined;
}

function candidateHosts(): string[] {
  const given = process.env['DOCKER_HOST'];
  if (given) return [given];
  const runtimeDir = process.env['XDG_RUNTIME_DIR'];
  return [
    DEFAULT_HOST,
    ...(runtimeDir ? [`unix://${join(runtimeDir, 'docker.sock')}`] : []),
    `unix://${join(homedir(), '.docker/run/docker.sock')}`,
  ];
}

/** Asks a Docker Engine for a sign of life. `denied` = it runs, and we may not use it. */
export async function pingDocker(host: string): Promise<Ping> {
  try {
    const reply = await callDocker({ host }, { method: 'GET', path: '/_ping', timeoutMs: PING_TIMEOUT_MS });
    reply.resume();
    return reply.statusCode === 200 ? 'ok' : 'absent';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES' ? 'denied' : 'absent';
  }
}

async function installDocker(talk: Talk): Promise<void> {
  if (!(await hasApt())) throw new SetupError(withoutApt());
  await aptInstall(['docker.io'], 'Docker Engine', talk);
}

async function startDocker(talk: Talk): Promise<void> {
  // The package's own scripts may have started it already.
  if (await waitUntil(isUp, { timeoutMs: 1_500, intervalMs: 250 })) return;
  if (await hasSystemd()) {
    await runAsRoot('systemctl', ['start', 'docker']);
  } else {
    const { pid } = await startDockerd();
    talk.say(`Docker Engine: started dockerd (pid ${String(pid)}); it stays on for whoever needs it`);
  }
  if (!(await waitUntil(isUp, { timeoutMs: READY_TIMEOUT_MS, intervalMs: 200 }))) {
    throw new SetupError(`dockerd does not answer. Its log: ${dockerdLog()}`);
  }
}

async function isUp(): Promise<boolean> {
  return (await pingDocker(DEFAULT_HOST)) !== 'absent';
}

async function reachable(): Promise<DockerEngine> {
  const engine = await findRunningDocker();
  if (engine === undefined) throw new SetupError(`dockerd does not answer. Its log: ${dockerdLog()}`);
  return engine;
}

/** Starts `dockerd` on a machine without systemd, detached, and records its identity. */
async function startDockerd(): Promise<ProcessIdentity> {
  const dockerd = (await findDockerd()) ?? 'dockerd';
  await removeStalePidFiles();
  await mkdir(cacheFolder('docker'), { recursive: true });
  const log = await open(dockerdLog(), 'a', 0o600);
  try {
    const [file, ...args] = [...(isRoot() ? [] : ['sudo']), dockerd];
    const child = spawn(file ?? dockerd, args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
    if (identity === undefined) throw new SetupError(`${dockerd} could not be started`);
    await writeFileAtomically(dockerdRecord(), JSON.stringify(identity));
    return identity;
  } finally {
    await log.close();
  }
}

/** The `dockerd` that this set-up started, while it lives. */
export async function ownDockerd(): Promise<ProcessIdentity | undefined> {
  const content = await readFile(dockerdRecord(), 'utf8').catch(() => undefined);
  if (content === undefined) return undefined;
  const identity = z.object({ pid: z.number(), startedAt: z.string() }).parse(JSON.parse(content));
  return (await isAlive(identity)) ? identity : undefined;
}

/** Whether an earlier set-up started `dockerd` on this machine, so that it is ours to start again. */
export async function managesDockerd(): Promise<boolean> {
  return exists(dockerdRecord());
}

async function findDockerd(): Promise<string | undefined> {
  return findExecutable('dockerd', ['/usr/sbin', '/usr/local/sbin', '/sbin']);
}

function dockerdLog(): string {
  return cacheFolder('docker', 'dockerd.log');
}

function dockerdRecord(): string {
  return cacheFolder('docker', 'dockerd.json');
}

function notInGroup(host: string): string {
  return [
    `Docker runs, but ${userName()} may not use it (${host}). Either`,
    `  sudo usermod -aG docker ${userName()}   and log in again (or: newgrp docker), or`,
    '  set DOCKER_HOST to an engine of your own, e.g. a rootless one.',
  ].join('\n');
}

function withoutRoot(): string {
  return [
    'Docker Engine is not running, and without root or sudo it cannot be installed or started here. Ask an administrator to',
    `  apt-get install docker.io && usermod -aG docker ${userName()}`,
    'or install a rootless engine (https://docs.docker.com/engine/security/rootless/) and set DOCKER_HOST.',
  ].join('\n');
}

function withoutApt(): string {
  return 'Docker Engine is missing and this system has no apt. Install it (https://docs.docker.com/engine/install/) and run this again.';
}
