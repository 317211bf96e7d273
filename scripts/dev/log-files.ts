import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

const LONGEST_LOG_BYTES = 20 * 1024 * 1024;

/** Moves logs that grew too long to `<name>.log.1`. Their writers go on: they append, so a cut file is fine for them. */
export async function boundLogs(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  for (const name of names) {
    const file = join(folder, name);
    const { size } = await stat(file);
    if (size <= LONGEST_LOG_BYTES) continue;
    await copyFile(file, `${file}.1`);
    await truncate(file);
  }
}
