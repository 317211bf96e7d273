import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';

/** With RECORD_HISTORIES=<version> histories are kept for the replay suite, as is done for every release. */
const record = process.env['RECORD_HISTORIES'];
const HISTORIES = fileURLToPath(new URL('../replay/histories', import.meta.url));

export async function recordHistory(name: string, history: temporal.api.history.v1.IHistory): Promise<void> {
  if (record === undefined) return;
  await mkdir(join(HISTORIES, record), { recursive: true });
  await writeFile(join(HISTORIES, record, `${name}.json`), `${historyToJSON(history)}\n`);
}
