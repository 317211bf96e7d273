import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removeFile } from '../files/remove-file.ts';

/** What an agent keeps on disk between runs. Files are 0600, written whole or not at all. */
export class StateFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
  }

  pathOf(...parts: readonly string[]): string {
    return join(this.#path, ...parts);
  }

  /** Parsed content of a file; `undefined` when it is absent or not what it should be. */
  async read<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const text = await readFile(this.pathOf(name), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    return schema.safeParse(parseJson(text)).data;
  }

  async write(name: string, value: unknown): Promise<void> {
    const path = this.pathOf(name);
    const temporary = `${path}.${randomUUID()}.tmp`;
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(value));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  }

  async remove(name: string): Promise<void> {
    await removeFile(this.pathOf(name));
  }

  async makeFolder(name: string): Promise<void> {
    await mkdir(this.pathOf(name), { recursive: true, mode: 0o700 });
  }

  /** Names of the files in a folder, without half-written ones. */
  async list(folder: string): Promise<string[]> {
    const names = await readdir(this.pathOf(folder)).catch(() => []);
    return names.filter((name) => !name.endsWith('.tmp'));
  }
}

const INSTANCE_FILE = 'instance.json';

/** Id of this agent on this host, random and kept; it tells a restart from a twin (design §4). */
export async function loadInstanceId(state: StateFolder): Promise<string> {
  const stored = await state.read(INSTANCE_FILE, z.object({ instance_id: z.uuid() }));
  if (stored !== undefined) return stored.instance_id;
  const instanceId = randomUUID();
  await state.write(INSTANCE_FILE, { instance_id: instanceId });
  return instanceId;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
