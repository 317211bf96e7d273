import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { findRunningDocker, ownDockerd } from '../engines/docker.ts';
import { endProgramsAtHomeIn } from '../engines/home-programs.ts';
import { withLock } from '../engines/lock.ts';
import { removeNodeContainers } from '../engines/node-containers.ts';
import { endProcess } from '../engines/processes.ts';
import { SetupError, terminalTalk } from '../engines/talk.ts';
import { exists } from '../engines/files.ts';
import { pathsOf, type Settings } from './settings.ts';
import { endLeftovers } from './start.ts';
import { removeStateFolder } from './state-folder.ts';
import { terminalSteps } from './steps.ts';
import { readLiveState, readSupervisorState } from './supervisor-state.ts';

/** The supervisor gives each of its processes up to half a minute. */
const STOP_GRACE_MS = 150_000;

/** Stops the stack and keeps its data. */
export async function down(settings: Settings): Promise<void> {
  if ((await readSupervisorState(settings)) === undefined) {
    console.log('CyNodeAI of this checkout is not running.');
    return;
  }
  await withLock(pathsOf(settings).startLock, () => stopEverything(settings));
  const dockerd = await ownDockerd();
  const hint = dockerd ? ` Docker Engine keeps running; "kill ${String(dockerd.pid)}" would end it.` : '';
  console.log(`CyNodeAI is stopped; its data are kept in ${settings.stateFolder}.${hint}`);
}

async function stopEverything(settings: Settings): Promise<void> {
  await terminalSteps().run('Stopped in order: node agent, orchestrator, engines', async () => {
    const state = await readLiveState(settings);
    if (state) await endProcess(state.supervisor, 'SIGTERM', STOP_GRACE_MS);
    await endLeftovers(settings);
    await endProgramsAtHomeIn(pathsOf(settings).nodes);
  });
}

/** Stops the stack and removes all its data and containers, after asking. */
export async function reset(settings: Settings, options: { yes: boolean }): Promise<void> {
  const question = `Remove all tasks, users and settings of this CyNodeAI (${settings.stateFolder})?`;
  if (!(await terminalTalk(options).agree(question, 'no'))) throw new SetupError('Nothing was removed.');
  if (await exists(settings.stateFolder)) {
    if ((await readSupervisorState(settings)) !== undefined) await stopEverything(settings);
    await removeContainers(settings);
    await removeStateFolder(settings);
  }
  console.log('CyNodeAI of this checkout is forgotten. "./dev up" starts afresh.');
}

/** Removes what our node's instance left; another checkout's node may well have the same slug. */
async function removeContainers(settings: Settings): Promise<void> {
  const content = await readFile(pathsOf(settings).nodeInstance, 'utf8').catch(() => undefined);
  const docker = await findRunningDocker().catch(() => undefined);
  if (content === undefined || docker === undefined) return;
  const { instance_id } = z.object({ instance_id: z.string() }).parse(JSON.parse(content));
  await removeNodeContainers(
    docker,
    ({ nodeSlug, instanceId }) => nodeSlug === settings.nodeSlug && instanceId === instance_id,
  );
}
