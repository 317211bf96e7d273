import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerEngine } from '../../scripts/engines/docker-api.ts';
import { identifyProcess } from '../../scripts/engines/processes.ts';
import { prepareTestDocker } from '../support/engines/docker.ts';
import { publishTestSetting, testSetting } from '../support/engines/environment.ts';
import { startMigratedPostgres } from '../support/engines/postgres.ts';
import { onRelease } from '../support/engines/releases.ts';
import { openRunFolder, type RunFolder } from '../support/engines/run-folder.ts';
import { startTemporalService } from '../support/engines/temporal.ts';
import type { RoleProcess } from '../support/stack/role-process.ts';
import { startStack, type NodeAgent, type Stack } from '../support/stack/stack.ts';
import { AgentWatchdogs } from './agent-watchdogs.ts';
import { followContainers, type ContainerJournal } from './container-journal.ts';
import { POOL_SIZE } from './left-containers.ts';
import { startControlPlaneProxy, type ControlPlaneProxy } from './control-plane-proxy.ts';
import { startOwnDockerd, type OwnDockerd } from './own-dockerd.ts';
import { keepLogs } from './keep-logs.ts';
import type { Abilities, NODES, Victim as VictimName } from './plan.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { engineVictim, Revivals, roleVictim, type Victim } from './victims.ts';

/** A whole CyNodeAI of its own with two nodes, every process of which can be hurt. */
export interface Rig {
  readonly stack: Stack;
  readonly proxy: ControlPlaneProxy;
  readonly victims: ReadonlyMap<VictimName, Victim>;
  readonly revivals: Revivals;
  /** Slugs of node-1 and node-2. */
  readonly slugs: readonly [string, string];
  readonly journals: readonly ContainerJournal[];
  readonly smallDisk: SmallDisk | undefined;
  readonly abilities: Abilities;
  /** Folder with everybody's logs; removed with the run. */
  readonly folder: string;
}

export interface RigOptions {
  readonly ownDockerd: boolean;
  /** Everybody's logs are copied there at the end, also when the run fails. */
  readonly logsFolder?: string | undefined;
  readonly say: (line: string) => void;
}

const SLOTS = 4;
const ORCHESTRATOR = ['user-api', 'control-plane', 'orchestrator-worker'] as const;

/** Starts everything; what it started is given back by `releaseAll`, also when this throws half-way. */
export async function buildRig(options: RigOptions): Promise<Rig> {
  const run = await openRunFolder();
  onRelease(() => run.remove());
  if (options.logsFolder !== undefined) keepLogs(run.path, options.logsFolder);
  publishTestSetting('stateFolder', run.path);
  await prepareTestDocker(run);
  const postgres = await startMigratedPostgres(run, { durable: true });
  const temporal = await startTemporalService(run);
  const dockerd = options.ownDockerd ? await wantedDockerd(run, options.say) : undefined;
  const smallDisk = await mountSmallDisk();
  if (smallDisk === undefined) options.say('no small disk: mounting one needs root, so no disk gets full');
  else onRelease(async () => smallDisk[Symbol.asyncDispose]());
  const journals = followEngines(run, dockerd);

  const { stack, proxy } = await startOrchestrator();
  const state2 = smallDisk === undefined ? join(run.path, 'node-2') : join(smallDisk.path, 'state');
  const node1 = await startAgent(stack, proxy, 'n1', join(run.path, 'node-1'));
  const node2 = await startAgent(stack, proxy, 'n2', state2, dockerd?.engine);
  const revivals = new Revivals();
  const record = async ({ pid }: RoleProcess): Promise<void> => {
    const identity = pid === undefined ? undefined : await identifyProcess(pid);
    if (identity !== undefined) await run.recordService(identity);
  };
  const role = async (name: VictimName, process: RoleProcess): Promise<[VictimName, Victim]> => {
    await record(process);
    return [name, roleVictim(name, process, run, { revivals })];
  };
  const agent = async (
    name: (typeof NODES)[number],
    { process }: NodeAgent,
  ): Promise<[VictimName, Victim]> => {
    const watchdogs = new AgentWatchdogs(process, run);
    onRelease(() => watchdogs.resume());
    await record(process);
    return [name, roleVictim(name, process, run, { revivals, watchdogs })];
  };
  const victims = new Map<VictimName, Victim>([
    ['postgres', engineVictim('postgres', postgres, 'SIGQUIT', revivals)],
    ['temporal', engineVictim('temporal', temporal, 'SIGKILL', revivals)],
    ...(dockerd === undefined
      ? []
      : [['dockerd', engineVictim('dockerd', dockerd.service, 'SIGTERM', revivals)] as const]),
    await agent('node-1', node1),
    await agent('node-2', node2),
  ]);
  for (const name of ORCHESTRATOR) victims.set(...(await role(name, stack.processOf(name))));
  onRelease(() => revivals.close()); // before the processes are ended
  return {
    stack,
    proxy,
    victims,
    revivals,
    slugs: [node1.slug, node2.slug],
    journals,
    smallDisk,
    abilities: { smallDisk: smallDisk !== undefined, ownDockerd: dockerd !== undefined },
    folder: run.path,
  };
}

async function wantedDockerd(run: RunFolder, say: RigOptions['say']): Promise<OwnDockerd | undefined> {
  const dockerd = await startOwnDockerd(run);
  if (typeof dockerd !== 'string') return dockerd;
  say(`no Docker daemon of our own, so none is restarted: ${dockerd}`);
  return undefined;
}

function followEngines(run: RunFolder, dockerd: OwnDockerd | undefined): ContainerJournal[] {
  const engines = [{ host: testSetting('dockerHost') }, ...(dockerd === undefined ? [] : [dockerd.engine])];
  return engines.map((engine) => {
    const journal = followContainers(engine, run.nodePrefix);
    onRelease(async () => journal[Symbol.dispose]());
    return journal;
  });
}

/** The proxy has to be known before the control plane, whose port is not: so its address is filled in later. */
async function startOrchestrator(): Promise<{ stack: Stack; proxy: ControlPlaneProxy }> {
  const proxy = await startControlPlaneProxy();
  onRelease(async () => proxy[Symbol.asyncDispose]());
  const starting = startStack({
    processes: ORCHESTRATOR.map((name) => [name]),
    env: { ORCHESTRATOR_PUBLIC_URL: proxy.url, LOG_LEVEL: 'info' },
  });
  // Before it is there: who ends the run while it starts must not leave its processes behind.
  onRelease(async () => {
    const started = await starting.catch(() => undefined);
    await started?.[Symbol.asyncDispose]();
  });
  const stack = await starting;
  proxy.forwardTo(stack.controlPlaneUrl);
  return { stack, proxy };
}

async function startAgent(
  stack: Stack,
  proxy: ControlPlaneProxy,
  name: string,
  stateFolder: string,
  docker?: DockerEngine,
): Promise<NodeAgent> {
  await mkdir(stateFolder, { recursive: true });
  return stack.startNode(
    {
      name,
      slots: SLOTS,
      env: {
        ORCHESTRATOR_URL: proxy.url,
        CYNODE_STATE_DIR: stateFolder,
        SANDBOX_WARM_POOL: String(POOL_SIZE),
        ...(docker === undefined ? {} : { DOCKER_HOST: docker.host }),
      },
    },
    false,
  );
}
