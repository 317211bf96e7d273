import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findRunningDocker } from '../../../scripts/engines/docker.ts';
import { endProgramsAtHomeIn } from '../../../scripts/engines/home-programs.ts';
import { removeNodeContainers } from '../../../scripts/engines/node-containers.ts';
import { postgresDataFolders } from '../../../scripts/engines/postgres.ts';
import {
  endProcess,
  identifyProcess,
  isAlive,
  type ProcessIdentity,
} from '../../../scripts/engines/processes.ts';

const PREFIX = 'cynodeai-test-';
const OWNER_FILE = 'owner.json';
const SERVICES_FILE = 'services.json';

const identitySchema = z.object({ pid: z.number(), startedAt: z.string() });
const ownerSchema = identitySchema.extend({ nodePrefix: z.string() });

/** The folder of one run of a suite; it also records what must be ended should this process be killed. */
export interface RunFolder {
  path: string;
  /** Slugs of this run's nodes start with it, which tells its containers from others'. */
  nodePrefix: string;
  recordService(identity: ProcessIdentity): Promise<void>;
  remove(): Promise<void>;
}

/** Makes the folder of a run, after removing what killed runs left behind. */
export async function openRunFolder(): Promise<RunFolder> {
  await sweepAbandonedRuns();
  const path = await mkdtemp(join(tmpdir(), PREFIX));
  await chmod(path, 0o711); // the account of Postgres passes through
  const nodePrefix = `test-${randomBytes(3).toString('hex')}`;
  const owner = { ...(await identifyProcess(process.pid)), nodePrefix };
  await writeFile(join(path, OWNER_FILE), JSON.stringify(owner));
  const services: ProcessIdentity[] = [];
  return {
    path,
    nodePrefix,
    recordService: async (identity) => {
      services.push(identity);
      await writeFile(join(path, SERVICES_FILE), JSON.stringify(services));
    },
    remove: () => removeRun(path),
  };
}

async function sweepAbandonedRuns(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  for (const name of names) {
    const path = join(tmpdir(), name);
    const owner = await readJson(join(path, OWNER_FILE), ownerSchema);
    if (owner === undefined || (await isAlive(owner))) continue;
    const services = (await readJson(join(path, SERVICES_FILE), z.array(identitySchema))) ?? [];
    for (const service of services) await endProcess(service);
    const docker = await findRunningDocker().catch(() => undefined);
    if (docker) await removeNodeContainers(docker, ({ nodeSlug }) => nodeSlug.startsWith(owner.nodePrefix));
    await removeRun(path);
  }
}

async function removeRun(path: string): Promise<void> {
  await endProgramsAtHomeIn(path);
  for (const folder of [...postgresDataFolders(path), path])
    await rm(folder, { recursive: true, force: true });
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // not ours, or killed while writing it
  }
}
