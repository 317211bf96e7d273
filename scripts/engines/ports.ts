import { randomInt } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { SetupError } from './talk.ts';

const LOOPBACK = '127.0.0.1';
const PORTS = { from: 20_000, to: 32_000 };

/** A process gets each port once, as it may not listen yet when it looks for the next one. */
const handedOut = new Set<number>();

/** A free TCP port on loopback; see `findFreePorts`. */
export async function findFreePort(): Promise<number> {
  const [port] = await findFreePorts(1);
  if (port === undefined) throw new SetupError('no free TCP port');
  return port;
}

/**
 * Free ports on loopback, all different. Below those that systems hand out for outgoing connections: one of those may be
 * taken for minutes when the program that listened there is started again.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const { from, to } = PORTS;
  const first = randomInt(from, to);
  const found: number[] = [];
  for (let step = 0; step < to - from && found.length < count; step += 1) {
    const port = from + ((first - from + step) % (to - from));
    if (handedOut.has(port) || (await isPortBusy(port))) continue;
    handedOut.add(port);
    found.push(port);
  }
  if (found.length < count) throw new SetupError('not enough free TCP ports');
  return found;
}

/** Whether somebody listens on the port, on loopback or on every address. */
export async function isPortBusy(port: number): Promise<boolean> {
  return (await accepts(port, LOOPBACK)) || (await accepts(port, '::1')) || !(await canListen(port));
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}

/** Who listens on the port, as `pid 123 (node server.js)`; undefined where the system does not tell us. */
export async function findPortOwner(port: number): Promise<string | undefined> {
  const inodes = new Set([
    ...(await listeningInodes('/proc/net/tcp', port)),
    ...(await listeningInodes('/proc/net/tcp6', port)),
  ]);
  if (inodes.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await holdsSocket(pid, inodes)) return `pid ${pid} (${await commandLine(pid)})`;
  }
  return undefined;
}

async function listeningInodes(table: string, port: number): Promise<string[]> {
  const content = await readFile(table, 'utf8').catch(() => '');
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const LISTEN = '0A';
  return content
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(wanted) && fields[3] === LISTEN)
    .flatMap((fields) => fields[9] ?? []);
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    if (inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')) return true;
  }
  return false;
}

async function commandLine(pid: string): Promise<string> {
  const content = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return content.split('\0').join(' ').trim().slice(0, 80);
}
