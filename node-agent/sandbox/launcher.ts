import type { SuccessMark } from './success-mark.ts';

/**
 * The program of a container that is started before its job is known: a shell that takes what to run from its stdin, runs
 * it and ends as it did.
 */
export const LAUNCHER_ARGV: readonly string[] = ['sh'];

/** What the kernel takes as one argument is 128 KiB; the rest is for what the shell adds. */
const MAX_WORD_BYTES = 100_000;
const MAX_TOTAL_BYTES = 500_000;

/** Has the launcher say `token` if the image has all that the launch will need, and else end. */
export function probeLine(token: string): string {
  return `env -i -- "PATH=$PATH" env >/dev/null && echo ${token} || exit 1\n`;
}

/**
 * Has the launcher say `token`, and run the program. `env` gives it exactly these variables: shells add some of their
 * own, and cannot pass on every name.
 * @param env as `NAME=value`
 */
export function launchLine(
  argv: readonly string[],
  env: readonly string[],
  token: string,
  mark: SuccessMark,
): string {
  const command = `env -i -- ${[...env, ...argv].map(quoted).join(' ')} </dev/null`;
  return `echo ${token}; ${mark.around(command)}\n`;
}

/**
 * The same of a container that is started for its job, where the job needs a shell anyway.
 * @returns undefined where the program has to be started by itself
 */
export function markedArgv(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  mark: SuccessMark,
): string[] | undefined {
  if (argv[0] !== 'sh' || COUNTED_BY_SHELLS.some((name) => name in env)) return undefined;
  return ['sh', '-c', `unset ${COUNTED_BY_SHELLS.join(' ')}; ${mark.around('"$@"')}`, 'sh', ...argv];
}

/** Variables by which a program could tell that one shell more has started it. */
const COUNTED_BY_SHELLS: readonly string[] = ['SHLVL', 'OLDPWD'];

/** In single quotes a shell takes everything as it is, line ends included, except the quote itself. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Whether a launcher can start this. What `env` would take for a variable, and what is very long, it cannot; and BusyBox'
 * `env` prefers its own programs to those of a job's own `PATH`.
 */
export function canLaunch(argv: readonly string[], env: Readonly<Record<string, string>>): boolean {
  const [program = ''] = argv;
  if (program === '' || program.includes('=') || 'PATH' in env) return false;
  const sizes = [...argv, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].map((word) =>
    Buffer.byteLength(word),
  );
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return Math.max(...sizes) <= MAX_WORD_BYTES && total <= MAX_TOTAL_BYTES;
}

/** Where the engine finds programs for an image that does not say. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The variables that the engine gives to a container, as `NAME=value`: its own, those of the image, those of the plan,
 * each overriding the ones before.
 */
export function containerEnv(
  hostname: string,
  ofImage: readonly string[],
  ofPlan: Readonly<Record<string, string>>,
): string[] {
  const variables = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', hostname],
  ]);
  for (const entry of ofImage) {
    const at = entry.indexOf('=');
    if (at > 0) variables.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [name, value] of Object.entries(ofPlan)) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
