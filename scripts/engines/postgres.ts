import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Client } from 'pg';
import { canEnter, ensurePostgresAccount, sharedFolder, type Account } from './account.ts';
import { databaseUrl, LOOPBACK } from './database.ts';
import { exists } from './files.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { plainEnvironment, type ServiceSpec } from './service.ts';
import { SetupError, type Talk } from './talk.ts';

/** A Postgres of our own. */
export interface PostgresOptions {
  /** Folder for its data; the data go elsewhere when Postgres' account cannot enter it, see {@link postgresDataFolders}. */
  stateFolder: string;
  port: number;
  /** Password of the superuser `postgres`. */
  password: string;
  /** False only for tests: a crash of the machine may then lose data, a crash of a process still does not. */
  durable: boolean;
}

const SUPERUSER = 'postgres';

/** Makes the cluster when it is missing, and tells how to run its server: loopback only, password required. */
export async function preparePostgres(options: PostgresOptions, talk: Talk): Promise<ServiceSpec> {
  const account = await ensurePostgresAccount(talk);
  const binaries = await findPostgresBinaries(account);
  const data = await chooseDataFolder(options.stateFolder, account);
  if (!(await exists(join(data, 'PG_VERSION')))) await initialise(binaries, data, options, account);

  const settings = {
    listen_addresses: LOOPBACK,
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: '200',
    ...(options.durable ? {} : { fsync: 'off' }),
  };
  return {
    name: 'postgres',
    file: join(binaries, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: plainEnvironment(),
    cwd: '/',
    ...(account === undefined ? {} : { account }),
    stopSignal: 'SIGINT', // "fast shutdown": sessions are ended, data are safe
    stopGraceMs: 20_000,
    readyTimeoutMs: 60_000,
    isReady: () => canConnect(superuserUrl(options)),
  };
}

/** Address of the server for its superuser. */
export function superuserUrl(options: PostgresOptions, database = 'postgres'): string {
  return databaseUrl({ ...options, user: SUPERUSER, database });
}

/** Every folder in which a cluster of this state folder may lie. */
export function postgresDataFolders(stateFolder: string): string[] {
  return [join(stateFolder, 'postgres'), sharedFolder('data', stateFolder)];
}

async function chooseDataFolder(stateFolder: string, account: Account | undefined): Promise<string> {
  const [inside, outside] = postgresDataFolders(stateFolder);
  const data = (await canEnter(account, stateFolder)) ? inside : outside;
  if (data === undefined) throw new SetupError('no folder for Postgres'); // unreachable, for the type checker
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (account) await chown(data, account.uid, account.gid);
  return data;
}

async function initialise(
  binaries: string,
  data: string,
  options: PostgresOptions,
  account: Account | undefined,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'cynodeai-initdb-'));
  try {
    const passwordFile = join(work, 'password');
    await writeFile(passwordFile, options.password, { mode: 0o600 });
    if (account) {
      await chown(passwordFile, account.uid, account.gid);
      await chmod(work, 0o711);
    }
    const access = ['--username', SUPERUSER, '--auth', 'scram-sha-256', '--pwfile', passwordFile];
    const locale = [
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--locale-provider',
      'builtin',
      '--builtin-locale',
      'C.UTF-8',
    ];
    const args = ['-D', data, ...access, ...locale, ...(options.durable ? [] : ['--no-sync'])];
    const result = await execa(join(binaries, 'initdb'), args, { reject: false, cwd: '/', ...account });
    if (result.failed) throw new SetupError(`Postgres could not be initialised:\n${result.stderr}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function canConnect(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
