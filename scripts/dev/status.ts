import { isNodeActive } from './cynork.ts';
import { isHealthy } from './roles.ts';
import { urlsOf, type Settings } from './settings.ts';
import { readLiveState, readSupervisorState } from './supervisor-state.ts';

/** Prints what runs. Returns the exit code: 0 everything is well, 1 something is not, 3 nothing runs. */
export async function printStatus(settings: Settings): Promise<number> {
  const state = await readLiveState(settings);
  if (state === undefined) {
    const killed = (await readSupervisorState(settings)) !== undefined;
    console.log(
      killed
        ? 'The supervisor was killed; what it ran may still run. "./dev up" starts afresh, "./dev down" ends the rest.'
        : 'CyNodeAI of this checkout is not running. "./dev up" starts it.',
    );
    return 3;
  }
  const row = (name: string, value: string, more = ''): void => {
    console.log(`${name.padEnd(18)} ${value.padEnd(11)} ${more}`.trimEnd());
  };
  row('supervisor', state.phase, `pid ${String(state.supervisor.pid)}`);
  for (const { name, state: progress, identity, restarts, lastExit } of state.services) {
    const pid = identity ? `pid ${String(identity.pid)}` : '';
    const history = restarts === 0 ? '' : `, ${String(restarts)} restarts (last: ${lastExit ?? 'unknown'})`;
    row(name, progress, `${pid}${history}`);
  }
  const healthy = await isHealthy(settings.ports.userApi);
  const nodeActive = healthy && (await isNodeActive(settings));
  row('user API', healthy ? 'healthy' : 'away', urlsOf(settings).userApi);
  row(settings.nodeSlug, nodeActive ? 'active' : 'not active');
  row('Temporal UI', '', urlsOf(settings).temporalUi);
  const allReady = state.services.every((service) => service.state === 'ready');
  return state.phase === 'running' && allReady && nodeActive ? 0 : 1;
}
