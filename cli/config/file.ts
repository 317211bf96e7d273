import { mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Document } from 'yaml';
import { messageOf, systemCode, usageError } from '../errors.ts';
import { withFileLock } from './lock.ts';

export const DEFAULT_GATEWAY_URL = 'http://localhost:12080';

const KEYS = ['gateway_url', 'token', 'refresh_token'] as const;

/** The keys of the config file that mean something (contract §3.6); empty texts where the file has none. */
export type StoredConfig = Readonly<Record<(typeof KEYS)[number], string>>;

export type ConfigPatch = Partial<StoredConfig>;

/** What `updateConfig` hands to its callback; `save` writes the patch over what the file holds now. */
export interface ConfigUpdate {
  readonly stored: StoredConfig;
  readonly save: (patch: ConfigPatch) => Promise<void>;
}

/** Reads the config file. A missing one is an empty one; a broken one is a usage error (exit code 2). */
export async function readConfig(path: string): Promise<StoredConfig> {
  return storedOf(await readDocument(path), path);
}

/**
 * Runs `change` while no other process changes the config, with the file as it is once the lock is had. Keys and
 * comments that mean nothing to us survive a save.
 */
export async function updateConfig<T>(
  path: string,
  change: (update: ConfigUpdate) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await makeFolder(path);
  return withFileLock(`${path}.lock`, signal, async () => {
    const document = await readDocument(path);
    return change({
      stored: storedOf(document, path),
      save: (patch) => writeDocument(path, document, patch),
    });
  });
}

async function readDocument(path: string): Promise<Document | undefined> {
  const text = await readText(path);
  if (text.trim() === '') return undefined;
  const { parseDocument, isMap } = await import('yaml');
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error)
    throw usageError(`the config file ${path} is not valid YAML: ${firstLine(error.message)}`, REPAIR);
  if (document.contents === null) return undefined;
  if (!isMap(document.contents)) throw usageError(`the config file ${path} is not a YAML mapping`, REPAIR);
  return document;
}

const REPAIR = 'Correct it, or remove it and run `cynork auth login`.';

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw usageError(`cannot read the config file ${path}: ${messageOf(error)}`);
  }
}

function storedOf(document: Document | undefined, path: string): StoredConfig {
  const text = (key: string): string => {
    const value = document?.get(key) ?? '';
    if (typeof value !== 'string') throw usageError(`the config file ${path}: ${key} must be a text`, REPAIR);
    return value;
  };
  return { gateway_url: text('gateway_url'), token: text('token'), refresh_token: text('refresh_token') };
}

async function writeDocument(
  path: string,
  existing: Document | undefined,
  patch: ConfigPatch,
): Promise<void> {
  const { Document: YamlDocument } = await import('yaml');
  const document: Document = existing ?? new YamlDocument({});
  const stored = storedOf(existing, path);
  for (const key of KEYS) document.set(key, patch[key] ?? stored[key]);
  if (document.get('gateway_url') === '') document.set('gateway_url', DEFAULT_GATEWAY_URL);
  await replaceFile(path, document.toString());
}

/** Temp file and rename, so that a reader never sees half a file; a symlinked config stays a symlink. */
async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw usageError(`cannot save the config file ${path}: ${messageOf(error)}`);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw usageError(`cannot make the folder of the config file ${path}: ${messageOf(error)}`);
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
