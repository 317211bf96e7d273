import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigInEffect } from './applier.ts';
import type { EngineHealth } from './engine-health.ts';
import type { StateFolder } from './state-folder.ts';

export interface ReadinessDeps {
  readonly closing: AbortController;
  readonly inEffect: ConfigInEffect;
  readonly health: Pick<EngineHealth, 'isUp'>;
  readonly state: Pick<StateFolder, 'pathOf'>;
  readonly mountRoot: string;
  readonly watchdog: { readonly alive: boolean };
}

/** More than the script and the result of a job that writes little. */
const ROOM_BYTES = 1024 * 1024;
const ROOM_FILE = '.room';

/** Why the node cannot take work, in words for an operator; null when it can. */
export async function readinessOf(deps: ReadinessDeps): Promise<string | null> {
  if (deps.closing.signal.aborted) return 'shutting down';
  if (deps.inEffect.current === undefined) return 'no configuration applied yet';
  if (!(await deps.health.isUp())) return 'the container engine does not answer';
  if (!deps.watchdog.alive) return 'the watchdog of the containers does not run; the log says why';
  if (!(await hasRoom(deps.mountRoot)))
    return 'the folder for workspaces cannot be written, or its disk is full';
  if (!(await hasRoom(deps.state.pathOf()))) return 'the state folder cannot be written, or its disk is full';
  return null;
}

/** Asked of the disk itself: what it says about its free space leaves out quotas and reserves. */
async function hasRoom(folder: string): Promise<boolean> {
  const file = join(folder, ROOM_FILE);
  try {
    await writeFile(file, Buffer.alloc(ROOM_BYTES), { mode: 0o600 });
    return true;
  } catch {
    return false;
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}
