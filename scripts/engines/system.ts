import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { execa } from 'execa';
import { cacheFolder, exists, findExecutable } from './files.ts';
import { withLock } from './lock.ts';
import { SetupError, type Talk } from './talk.ts';

/** Runs a command as root: directly, or through sudo. Throws a {@link SetupError} with its last words. */
export async function runAsRoot(command: string, args: string[]): Promise<string> {
  const prefix = isRoot() ? [] : ['sudo'];
  const [file, ...rest] = [...prefix, command, ...args];
  const result = await execa(file ?? command, rest, {
    reject: false,
    stdin: isRoot() ? 'ignore' : 'inherit', // sudo may want a password
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (result.failed) {
    const tail = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-6).join('\n  ');
    throw new SetupError(`"${[...prefix, command, ...args].join(' ')}" failed:\n  ${tail}`);
  }
  return result.stdout;
}

/** Whether this process runs as root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether root rights can be had: root itself, or a sudo that works (without a password when nobody is there). */
export async function canBecomeRoot(): Promise<boolean> {
  if (isRoot()) return true;
  if ((await findExecutable('sudo')) === undefined) return false;
  if (process.stdin.isTTY) return true;
  return !(await execa('sudo', ['-n', 'true'], { reject: false })).failed;
}

/** The login name of whoever runs this. */
export function userName(): string {
  return userInfo().username;
}

/** Whether systemd manages this machine's services. */
export async function hasSystemd(): Promise<boolean> {
  return exists('/run/systemd/system');
}

/** Whether packages can be installed with apt. */
export async function hasApt(): Promise<boolean> {
  return (await findExecutable('apt-get')) !== undefined;
}

/**
 * Installs packages of the system, after saying what it downloads and asking whoever is there.
 *
 * @throws SetupError when it is refused, or root rights cannot be had.
 */
export async function aptInstall(packages: string[], what: string, talk: Talk): Promise<void> {
  const command = `apt-get install ${packages.join(' ')}`;
  if (!(await canBecomeRoot()))
    throw new SetupError(`${what}: missing. Ask an administrator to run: ${command}`);
  const size = megabytes(await aptDownloadBytes(packages));
  if (!(await talk.agree(`${what}: missing. Install ${packages.join(', ')} with apt (downloads ${size})?`))) {
    throw new SetupError(`${what}: missing. Install it with "${command}" and run this again.`);
  }
  talk.say(`${what}: installing ${packages.join(', ')} with apt (downloads ${size})`);
  await runAptGet(['install', '-y', '-q', '--no-install-recommends', ...packages]);
}

/** Fetches the package lists. @throws SetupError */
export async function aptUpdate(): Promise<void> {
  await runAptGet(['update', '-q']);
}

/** One at a time, because two of them refuse each other. */
async function runAptGet(args: string[]): Promise<void> {
  await withLock(cacheFolder('locks', 'apt'), () => runAsRoot('apt-get', args));
}

/** Where this machine gets the packages of its own release. */
export interface AptSource {
  uri: string;
  /** Code name of the release. */
  suite: string;
  components: string[];
}

/** Reads it out of apt's configuration. @throws SetupError when it names no archive that is reached by HTTP */
export async function aptSource(): Promise<AptSource> {
  const release = await readFile('/etc/os-release', 'utf8');
  const suite = /^VERSION_CODENAME="?([^"\n]+)/m.exec(release)?.[1] ?? '';
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const { stdout } = await execa('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const targets = stdout.split('\n').map((line) => line.split(' '));
  const uri = targets.find(([from = '', of]) => of === suite && /^https?:/.test(from))?.[0];
  if (uri === undefined) throw new SetupError(`apt's configuration names no archive of ${suite} by HTTP.`);
  const components = targets.flatMap(([from, of, component = '']) =>
    from === uri && of === suite ? component : [],
  );
  return { uri, suite, components: [...new Set(components)] };
}

/** What installing these packages would download, in bytes. Fetches the package lists when there are none. */
async function aptDownloadBytes(packages: string[]): Promise<number> {
  const args = ['install', '-y', '--no-install-recommends', '--print-uris', ...packages];
  let result = await execa('apt-get', args, { reject: false });
  if (result.failed) {
    await aptUpdate();
    result = await execa('apt-get', args, { reject: false });
  }
  if (result.failed) throw new SetupError(`apt knows no ${packages.join(', ')}: ${result.stderr.trim()}`);
  const sizes = result.stdout.matchAll(/^'\S+' \S+ (\d+) /gm);
  return [...sizes].reduce((sum, match) => sum + Number(match[1]), 0);
}

/** Bytes as a person reads them. */
function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}
