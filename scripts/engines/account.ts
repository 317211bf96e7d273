import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import { isRoot } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

/** The account that Postgres runs as, because it refuses to run as root. */
export interface Account {
  uid: number;
  gid: number;
}

const NAME = 'cynodeai-postgres';

/** Where things are put that this account must reach, when it cannot enter the checkout or the state folder. */
const SHARED_FOLDER = '/var/lib/cynodeai';

/** An account of our own to run Postgres as, made when it is missing; undefined where we are not root. */
export async function ensurePostgresAccount(talk: Talk): Promise<Account | undefined> {
  if (!isRoot()) return undefined;
  const existing = await findAccount();
  if (existing) return existing;
  talk.say(`Postgres refuses to run as root: adding the system user ${NAME} for it`);
  const args = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    NAME,
  ];
  const result = await execa('useradd', args, { reject: false });
  const account = await findAccount();
  if (account === undefined) throw new SetupError(`The user ${NAME} could not be added: ${result.stderr}`);
  return account;
}

async function findAccount(): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all([idOf('-u'), idOf('-g')]);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

async function idOf(flag: '-u' | '-g'): Promise<number | undefined> {
  const result = await execa('id', [flag, NAME], { reject: false });
  return result.failed ? undefined : Number(result.stdout);
}

/** Whether the account can enter that folder (a checkout under /root is closed to everybody else). */
export async function canEnter(account: Account | undefined, folder: string): Promise<boolean> {
  if (account === undefined) return true;
  return !(await execa('test', ['-x', folder], { ...account, cwd: '/', reject: false })).failed;
}

/** A folder outside every home folder, with a name of its own for each owner, e.g. a state folder's path. */
export function sharedFolder(kind: string, owner: string): string {
  return join(SHARED_FOLDER, `${kind}-${createHash('sha256').update(owner).digest('hex').slice(0, 12)}`);
}
