import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { onRelease } from '../support/engines/releases.ts';

/** Copies the logs of a run before its folder is removed. Call it right after `onRelease` for that folder. */
export function keepLogs(runFolder: string, into: string): void {
  onRelease(async () => {
    await mkdir(into, { recursive: true });
    const entries = await readdir(runFolder);
    const stacks = entries.filter((name) => name.startsWith('stack-')).map((name) => join(runFolder, name));
    for (const folder of [runFolder, ...stacks, ...stacks.map((stack) => join(stack, 'logs'))]) {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.log'));
      for (const name of names) await copyFile(join(folder, name), join(into, basename(name)));
    }
  });
}
