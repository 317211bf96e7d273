import { mkdir, rename, rm } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { cacheFolder, emptyCacheFolder, exists, findExecutable } from './files.ts';
import { withLock } from './lock.ts';
import { SetupError, type Talk } from './talk.ts';

const BUILD_TIMEOUT_MS = 3_600_000;

/** A program that is built from its Go module, in a pinned version. */
export interface GoProgram {
  /** Name of the file it gets in the cache. */
  name: string;
  /** Package of its `main`, without the version. */
  packagePath: string;
  version: string;
  /** Oldest Go that builds it. */
  goVersion: string;
  /** What a build takes, for the question and the line of progress. */
  effort: string;
  /** What somebody without Go can do, as a sentence. */
  otherwise: string;
  /** What tells builds for different machines apart; part of the file's name. */
  variant?: string;
  /** More environment of the build, e.g. for C code in it. */
  env?: Record<string, string>;
  /** More flags of the linker. */
  linkerFlags?: string;
}

/** Where the program is in the cache, once it was built. */
export function cachedGoProgram({ name, version, variant }: GoProgram): string {
  return cacheFolder('go-programs', [name, version, variant].filter(Boolean).join('-'));
}

/**
 * Path of the program in the cache, built there when it is missing. Go checks the module against its checksum database.
 *
 * @throws SetupError when it is refused, there is no fitting Go, or the build fails.
 */
export async function ensureGoProgram(program: GoProgram, talk: Talk): Promise<string> {
  const target = cachedGoProgram(program);
  if (await exists(target)) return target;
  return withLock(cacheFolder('go-programs', `${program.name}.lock`), async () => {
    if (!(await exists(target))) await build(program, target, talk);
    return target;
  });
}

async function build(program: GoProgram, target: string, talk: Talk): Promise<void> {
  const { name, version, effort, otherwise } = program;
  const go = await findExecutable('go', ['/usr/local/go/bin']);
  if (go === undefined) {
    throw new SetupError(
      `${name} ${version} is built with Go, which is not here. Install Go ${program.goVersion} or newer. ${otherwise}`,
    );
  }
  if (!(await talk.agree(`${name} ${version} is missing. Build it with Go (${effort})?`)))
    throw new SetupError(`${name} is needed. ${otherwise}`);
  talk.say(`${name} ${version}: building it with Go (${effort}, once)`);
  const work = await emptyCacheFolder('go-programs', `${name}.work`);
  try {
    await install(go, program, work);
    await mkdir(dirname(target), { recursive: true });
    await rename(join(work, basename(program.packagePath)), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function install(go: string, program: GoProgram, folder: string): Promise<void> {
  const flags = ['-s', '-w', program.linkerFlags].filter(Boolean).join(' ');
  const args = ['install', '-trimpath', `-ldflags=${flags}`, `${program.packagePath}@v${program.version}`];
  const running = execa(go, args, {
    reject: false,
    timeout: BUILD_TIMEOUT_MS,
    env: { CGO_ENABLED: '0', GOBIN: folder, GOFLAGS: '', ...program.env },
  });
  if (running.pid !== undefined) setPriority(running.pid, constants.priority.PRIORITY_LOW);
  const { failed, stderr } = await running;
  if (!failed) return;
  const lastWords = stderr.trim().split('\n').slice(-6).join('\n  ');
  throw new SetupError(
    `${program.name} could not be built (Go ${program.goVersion} or newer is needed):\n  ${lastWords}\n${program.otherwise}`,
  );
}
