import { spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CYNORK = fileURLToPath(new URL('../../../cli/dist/cynork.mjs', import.meta.url));

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody at the command line: the real `cynork`, with a config file of its own. */
export class CynorkUser {
  readonly configFile: string;

  private constructor(configFile: string) {
    this.configFile = configFile;
  }

  static async login(
    gatewayUrl: string,
    folder: string,
    handle: string,
    password: string,
  ): Promise<CynorkUser> {
    const home = await mkdtemp(join(folder, 'cynork-'));
    const user = new CynorkUser(join(home, 'config.yaml'));
    const login = await user.run(['auth', 'login', '--user', handle, '--password-stdin'], {
      input: password,
      env: { CYNORK_GATEWAY_URL: gatewayUrl },
    });
    if (login.code !== 0) throw new Error(`login failed: ${login.stderr}`);
    return user;
  }

  run(
    args: readonly string[],
    options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Output> {
    const child = spawn(process.execPath, [CYNORK, '--config', this.configFile, ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
    });
    child.stdin.end(options.input ?? '');
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code) => resolve({ code, ...text }));
    });
  }

  /** Parsed standard output of a command with `-o json` that succeeds. */
  async json<T>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(['-o', 'json', ...args]);
    if (code !== 0) throw new Error(`cynork ${args.join(' ')} ended with ${code}: ${stderr}`);
    // Tests state the shape that they then check.
    return JSON.parse(stdout) as T;
  }

  /** The stored access token, for calls past the command line. */
  async accessToken(): Promise<string> {
    const token = /^token: "?([^"\n]+)"?$/m.exec(await readFile(this.configFile, 'utf8'))?.[1];
    if (token === undefined) throw new Error('not logged in');
    return token;
  }
}
