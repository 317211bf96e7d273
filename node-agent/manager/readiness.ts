import { access, constants } from 'node:fs/promises';
import type { ConfigInEffect } from './applier.ts';
import type { EngineHealth } from './engine-health.ts';

export interface ReadinessDeps {
  readonly closing: AbortController;
  readonly inEffect: ConfigInEffect;
  readonly health: EngineHealth;
  readonly mountRoot: string;
}

/** Why the node cannot take work, in words for an operator; null when it can. */
export async function readinessOf(deps: ReadinessDeps): Promise<string | null> {
  if (deps.closing.signal.aborted) return 'shutting down';
  if (deps.inEffect.current === undefined) return 'no configuration applied yet';
  if (!(await deps.health.isUp())) return 'the container engine does not answer';
  return access(deps.mountRoot, constants.W_OK).then(
    () => null,
    () => 'the folder for workspaces cannot be written',
  );
}
