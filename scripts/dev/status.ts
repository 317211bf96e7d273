import { isNodeActive } from './cynork.ts';
import { isHealthy } from './roles.ts';
import { urlsOf, type Settings } from './settings.ts';
import { readLiveState, readSupervisorState, type SupervisorState } from './supervisor-state.ts';

/** Prints what runs. Returns the exit code: 0 everything is well, 1 something is not, 3 nothing runs. */
export async function printStatus(settings: Settings): Promise<number> {
  const state = await readLiveState(settings);
  if (state === undefined) {
    console.log(await describeAbsence(settings));
    return 3;
  }
  printProcesses(state);
  const nodeActive = await printHealth(settings);
  const allReady = state.services.every((service) => service.state === 'ready');
  return state.phase === 'running' && allReady && nodeActive ? 0 : 1;
}

async function describeAbsence(settings: Settings): Promise<string> {
  const killed = (await readSupervisorState(settings)) !== undefined;
  return killed
    ? 'The supervisor was killed; what it ran may still run. "./dev up" starts afresh, "./dev down" ends the rest.'
    : 'CyNodeAI of this checkout is not running. "./dev up" starts it.';
}

function printProcesses(state: SupervisorState): void {
  row('supervisor', state.phase, `pid ${String(state.supervisor.pid)}`);
  for (const { name, state: progress, identity, restarts, lastExit } of state.services) {
    const pid = identity ? `pid ${String(identity.pid)}` : '';
    const history = restarts === 0 ? '' : `, ${String(restarts)} restarts (last: ${lastExit ?? 'unknown'})`;
    row(name, progress, `${pid}${history}`);
  }
}

/** Whether the node takes jobs. */
async function printHealth(settings: Settings): Promise<boolean> {
  const urls = urlsOf(settings);
  const healthy = await isHealthy(settings.ports.userApi);
  const nodeActive = healthy && (await isNodeActive(settings));
  row('user API', healthy ? 'healthy' : 'away', urls.userApi);
  row(settings.nodeSlug, nodeActive ? 'active' : 'not active');
  row('Temporal UI', '', urls.temporalUi);
  return nodeActive;
}

function row(name: string, value: string, more = ''): void {
  console.log(`${name.padEnd(18)} ${value.padEnd(11)} ${more}`.trimEnd());
}
