import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { exists, writeFileAtomically } from '../engines/files.ts';
import { postgresDataFolders } from '../engines/postgres.ts';
import { SetupError } from '../engines/talk.ts';
import { pathsOf, type Settings } from './settings.ts';

const secretsSchema = z.object({
  jwtSecret: z.string(),
  nodeRegistrationPsk: z.string(),
  postgresPassword: z.string(),
  ownerPassword: z.string(),
  appPassword: z.string(),
});

/** What the set-up makes up at random, once for a state folder, and keeps readable for its owner only. */
export interface Secrets extends z.infer<typeof secretsSchema> {
  adminPassword: string;
}

/** Makes the state folder and its secrets when they are missing. */
export async function openStateFolder(settings: Settings): Promise<Secrets> {
  const paths = pathsOf(settings);
  await refuseForeignFolder(settings);
  await mkdir(settings.stateFolder, { recursive: true });
  await chmod(settings.stateFolder, 0o711); // the account of Postgres passes through; what is inside guards itself
  for (const folder of [paths.logs, paths.run, paths.temporal, paths.cynork]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  if (!(await exists(paths.secrets))) await writeSecrets(settings);
  await writeFileAtomically(paths.marker, 'State of CyNodeAI. Remove it with ./dev reset.\n');
  return readSecrets(settings);
}

/** The secrets of a stack that was set up before. */
export async function readSecrets(settings: Settings): Promise<Secrets> {
  const paths = pathsOf(settings);
  const stored = secretsSchema.parse(JSON.parse(await readFile(paths.secrets, 'utf8')));
  return { ...stored, adminPassword: (await readFile(paths.adminPassword, 'utf8')).trim() };
}

async function writeSecrets(settings: Settings): Promise<void> {
  const random = (bytes: number): string => randomBytes(bytes).toString('base64url');
  const secrets: z.infer<typeof secretsSchema> = {
    jwtSecret: random(48),
    nodeRegistrationPsk: random(32),
    postgresPassword: random(24),
    ownerPassword: random(24),
    appPassword: random(24),
  };
  const paths = pathsOf(settings);
  await writeFileAtomically(paths.adminPassword, `${random(15)}\n`);
  await writeFileAtomically(paths.secrets, `${JSON.stringify(secrets, undefined, 2)}\n`);
}

/** Removes what the set-up made in the state folder, and the folder when nothing else is in it. */
export async function removeStateFolder(settings: Settings): Promise<void> {
  if (!(await exists(settings.stateFolder))) return;
  await refuseForeignFolder(settings);
  const { marker, ...paths } = pathsOf(settings);
  const ours = Object.values(paths).filter((path) => typeof path === 'string');
  const inside = ours.filter((path) => path.startsWith(join(settings.stateFolder, '/')));
  for (const path of [...inside, ...postgresDataFolders(settings.stateFolder), marker]) {
    await rm(path, { recursive: true, force: true });
  }
  await rmdir(settings.stateFolder).catch(() => undefined); // somebody else's files are left alone
}

async function refuseForeignFolder(settings: Settings): Promise<void> {
  const content = await readdir(settings.stateFolder).catch(() => []);
  if (content.length === 0 || (await exists(pathsOf(settings).marker))) return;
  throw new SetupError(
    `${settings.stateFolder} has files in it that are not CyNodeAI's. Set CYNODEAI_STATE_DIR to an empty or a new folder.`,
  );
}
