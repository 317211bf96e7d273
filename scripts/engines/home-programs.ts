import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, identifyProcess } from './processes.ts';

/**
 * Ends programs that have their home folder inside this one: a node agent gives Ollama a home in its state folder, and that
 * outlives an agent that was killed. Nothing to find where there is no `/proc`.
 */
export async function endProgramsAtHomeIn(folder: string): Promise<void> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const isInside = environment.split('\0').some((entry) => entry.startsWith(`HOME=${join(folder, '/')}`));
    const identity = isInside ? await identifyProcess(Number(pid)) : undefined;
    if (identity !== undefined) await endProcess(identity, 'SIGKILL', 0);
  }
}
