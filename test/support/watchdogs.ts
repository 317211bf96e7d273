import { z } from 'zod';
import type { RoleProcess } from './stack/role-process.ts';

const lineSchema = z.object({ watchdogPid: z.number().int() });

/** Processes of the watchdogs that an agent has started, oldest first, as its log tells; other lines name them too. */
export async function watchdogPids(agent: RoleProcess): Promise<number[]> {
  const lines = (await agent.log()).split('\n').filter((line) => line.includes('"watchdog started"'));
  return lines.map((line) => lineSchema.parse(JSON.parse(line)).watchdogPid);
}

/** Whether there is a process of that id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
