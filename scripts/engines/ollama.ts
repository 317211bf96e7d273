import { readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { exists, findExecutable } from './files.ts';
import { cachedGoProgram, ensureGoProgram, type GoProgram } from './go-program.ts';
import { aptInstall, canBecomeRoot, hasApt } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

/** The last version that builds from Go's module proxy as it is: newer ones lack headers there. */
const VERSION = '0.6.5';
const GO_VERSION = '1.24.0';
const OTHERWISE =
  'Or install Ollama yourself (https://ollama.com/download), or load the image ollama/ollama into Docker.';

/** What the processor can do, as /proc/cpuinfo calls it, and the compiler's flag for it. */
const CPU_FLAGS: readonly (readonly [string, string])[] = [
  ['avx2', '-mavx2'],
  ['fma', '-mfma'],
  ['f16c', '-mf16c'],
];

/**
 * Path of a program `ollama`: the one on the path, the cache, or a build from its Go module for this processor.
 *
 * @throws SetupError when there is no way to one; its text says what to do
 */
export async function ensureOllama(talk: Talk): Promise<string> {
  const onPath = await findExecutable('ollama', ['/usr/local/bin']);
  if (onPath !== undefined) return onPath;
  const program = await ollamaProgram();
  await ensureCompilers(talk, cachedGoProgram(program));
  return ensureGoProgram(program, talk);
}

/** Where `ensureOllama` puts a program that it builds. */
export async function builtOllamaFile(): Promise<string> {
  return cachedGoProgram(await ollamaProgram());
}

async function ollamaProgram(): Promise<GoProgram> {
  const flags = await cpuFlags();
  const compilerFlags = ['-O3', ...flags.map(([, flag]) => flag)].join(' ');
  return {
    name: 'ollama',
    packagePath: 'github.com/ollama/ollama',
    version: VERSION,
    variant: [arch(), ...flags.map(([name]) => name)].join('-'),
    goVersion: GO_VERSION,
    effort: 'about 9 minutes of CPU, 30 MB',
    otherwise: OTHERWISE,
    linkerFlags: `-X=github.com/ollama/ollama/version.Version=${VERSION}`,
    env: { CGO_ENABLED: '1', CGO_CFLAGS: compilerFlags, CGO_CXXFLAGS: compilerFlags },
  };
}

async function cpuFlags(): Promise<(readonly [string, string])[]> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const known = new Set(/^flags\s*:\s*(.*)$/m.exec(info)?.[1]?.split(' '));
  return CPU_FLAGS.filter(([name]) => known.has(name));
}

/** Go is new enough for the module, or fetches one that is, by its toolchain directive. */
async function ensureCompilers(talk: Talk, built: string): Promise<void> {
  if (await exists(built)) return;
  const missing = [
    ...((await findExecutable('go', ['/usr/local/go/bin'])) === undefined ? ['golang-go'] : []),
    ...((await findExecutable('g++')) === undefined ? ['g++'] : []),
  ];
  if (missing.length === 0) return;
  if (!(await hasApt()) || !(await canBecomeRoot())) {
    throw new SetupError(
      `Ollama is built with Go and a C++ compiler, and here is no ${missing.join(' and no ')}. Install them. ${OTHERWISE}`,
    );
  }
  await aptInstall(missing, 'What Ollama is built with', talk);
}
