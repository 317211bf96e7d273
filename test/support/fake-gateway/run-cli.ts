import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from '../../../cli/run.ts';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What stdin holds; it ends after it. */
  readonly stdin?: string;
  /** Which streams are terminals. */
  readonly tty?: readonly ('stdin' | 'stdout' | 'stderr')[];
  readonly signal?: AbortSignal;
}

/** Runs `cynork` in this process. */
export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<CliRun> {
  const { env = {}, stdin: input = '', tty = [], signal } = options;
  const stream = (name: 'stdin' | 'stdout' | 'stderr'): PassThrough & { isTTY: boolean } =>
    Object.assign(new PassThrough(), { isTTY: tty.includes(name) });
  const [stdin, stdout, stderr] = [stream('stdin'), stream('stdout'), stream('stderr')];
  stdin.end(input);
  const texts = Promise.all([collect(stdout), collect(stderr)]);
  const code = await run(argv, { stdin, stdout, stderr, env, ...(signal && { signal }) });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { code, stdout: out, stderr: err };
}

async function collect(stream: PassThrough): Promise<string> {
  return stream.setEncoding('utf8').reduce((text, chunk) => `${text}${String(chunk)}`, '');
}

/** A folder of its own with a config file; removed on disposal. */
export interface CliHome extends AsyncDisposable {
  readonly folder: string;
  readonly configPath: string;
  readConfigText(): Promise<string>;
  /** Writes a file into the folder and gives its path. */
  file(name: string, content: string | Uint8Array): Promise<string>;
  /** Runs with this home's config. */
  run(argv: readonly string[], options?: RunOptions): Promise<CliRun>;
}

export interface HomeConfig {
  readonly url: string;
  readonly access?: string;
  readonly refresh?: string;
}

export async function makeCliHome(config?: HomeConfig): Promise<CliHome> {
  const folder = await mkdtemp(join(tmpdir(), 'cynork-test-'));
  const configPath = join(folder, 'cynork', 'config.yaml');
  const home: CliHome = {
    folder,
    configPath: config ? join(folder, 'config.yaml') : configPath,
    readConfigText: () => readFile(home.configPath, 'utf8'),
    file: async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    run: (argv, options = {}) =>
      runCli(argv, { ...options, env: { CYNORK_CONFIG: home.configPath, ...options.env } }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  if (config) {
    const { url, access = '', refresh = '' } = config;
    await home.file('config.yaml', `gateway_url: ${url}\ntoken: "${access}"\nrefresh_token: "${refresh}"\n`);
  }
  return home;
}

/** A home that is logged in at `gateway` with a valid session. */
export function makeLoggedInHome(gateway: { readonly url: string }): Promise<CliHome> {
  return makeCliHome({ url: gateway.url, access: 'token-of-a-test' });
}
