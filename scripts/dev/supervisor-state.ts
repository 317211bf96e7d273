import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../engines/files.ts';
import { isAlive } from '../engines/processes.ts';
import { pathsOf, PORT_NAMES, type Settings } from './settings.ts';

const identitySchema = z.object({ pid: z.number(), startedAt: z.string() });

const serviceSchema = z.object({
  name: z.string(),
  /** `restarting` = it died and waits for its next start. */
  state: z.enum(['waiting', 'starting', 'ready', 'restarting', 'stopped']),
  identity: identitySchema.optional(),
  restarts: z.number(),
  /** How it ended last, e.g. `signal SIGKILL`. */
  lastExit: z.string().optional(),
});

const stateSchema = z.object({
  supervisor: identitySchema,
  phase: z.enum(['starting', 'running', 'stopping', 'failed']),
  /** Why the start failed, for whoever waits for it. */
  failure: z.string().optional(),
  /** As the running stack has them, whatever the environment of a later command says. */
  ports: z.record(z.enum(PORT_NAMES), z.number()),
  nodeSlug: z.string(),
  services: z.array(serviceSchema),
});

export type ServiceStatus = z.infer<typeof serviceSchema>;
export type SupervisorState = z.infer<typeof stateSchema>;

/** What the supervisor wrote last, whether it still lives or not; undefined when it ended in an orderly way. */
export async function readSupervisorState(settings: Settings): Promise<SupervisorState | undefined> {
  const content = await readFile(pathsOf(settings).supervisorState, 'utf8').catch(() => undefined);
  return content === undefined ? undefined : stateSchema.parse(JSON.parse(content));
}

/** What a supervisor that lives wrote last. */
export async function readLiveState(settings: Settings): Promise<SupervisorState | undefined> {
  const state = await readSupervisorState(settings);
  return state !== undefined && (await isAlive(state.supervisor)) ? state : undefined;
}

/** The settings with which the stack runs, where it does. */
export async function settingsOfRunningStack(settings: Settings): Promise<Settings> {
  const state = await readLiveState(settings);
  return state === undefined ? settings : { ...settings, ports: state.ports, nodeSlug: state.nodeSlug };
}

/** Writes the state; the last write wins, in the order of the calls. */
export function supervisorStateWriter(settings: Settings): (state: SupervisorState) => Promise<void> {
  let last = Promise.resolve();
  return (state) => {
    const content = `${JSON.stringify(state, undefined, 2)}\n`;
    last = last.then(() => writeFileAtomically(pathsOf(settings).supervisorState, content));
    return last;
  };
}

/** Forgets the supervisor, after it and all its services have ended. */
export async function removeSupervisorState(settings: Settings): Promise<void> {
  await rm(pathsOf(settings).supervisorState, { force: true });
}
