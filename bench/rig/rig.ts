import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createTokenService } from '../../platform/crypto/tokens.ts';
import { openDatabase } from '../../schema/database.ts';
import { ownOllamaEnv, prepareTestOllama } from '../../test/support/engines/ollama.ts';
import { eventually } from '../../test/support/wait.ts';
import { prepareTestDocker } from '../../test/support/engines/docker.ts';
import { publishTestSetting } from '../../test/support/engines/environment.ts';
import { startMigratedPostgres } from '../../test/support/engines/postgres.ts';
import { onRelease } from '../../test/support/engines/releases.ts';
import { openRunFolder, type RunFolder } from '../../test/support/engines/run-folder.ts';
import type { TestService } from '../../test/support/engines/services.ts';
import { startTemporalService } from '../../test/support/engines/temporal.ts';
import {
  startStack,
  type NodeAgent,
  type NodeOptions,
  type Stack,
  type StackOptions,
} from '../../test/support/stack/stack.ts';
import type { Watched } from '../processes.ts';
import { startBareTemporal, type BareTemporal } from './bare-temporal.ts';
import { BenchUser } from './user.ts';

/** A whole CyNodeAI with one node, and somebody who uses it. */
export interface OwnStack {
  readonly stack: Stack;
  readonly agent: NodeAgent;
  readonly user: BenchUser;
  /** Its processes: a role each, and the node agent. */
  readonly processes: readonly Watched[];
}

/** A stack whose node has the small model in memory. */
export interface InferenceStack {
  readonly controlPlaneUrl: string;
  /** Of the Ollama that the node runs. */
  readonly ollamaUrl: string;
  readonly serviceToken: string;
  readonly contextTokens: number;
}

const NOOP_AGENT = join(import.meta.dirname, '..', 'noop-agent', 'main.ts');
const NOOP_SLOTS = 64;
/** As production has them, and so that each can be measured. */
const ROLES = [['user-api'], ['control-plane'], ['orchestrator-worker']];
/** As `./dev up` has them. */
const ONE_PROCESS = [ROLES.flat()];
/** How many processes the roles of a stack have. */
const PROCESSES = { several: ROLES, one: ONE_PROCESS } as const;

/** The engines of a run, and on demand what is measured on them. Everything is given back by `releaseAll`. */
export class Rig {
  readonly run: RunFolder;
  readonly postgres: TestService;
  readonly temporal: TestService;
  readonly #env: Readonly<Record<string, string>>;
  readonly #made = new Map<string, Promise<unknown>>();

  private constructor(
    run: RunFolder,
    [postgres, temporal]: readonly [TestService, TestService],
    env: Readonly<Record<string, string>>,
  ) {
    this.run = run;
    this.postgres = postgres;
    this.temporal = temporal;
    this.#env = env;
  }

  /** @param nodeOptions of the processes of our own stacks */
  static async start({ nodeOptions }: { readonly nodeOptions: string }): Promise<Rig> {
    const run = await openRunFolder();
    onRelease(() => run.remove());
    publishTestSetting('stateFolder', run.path);
    await prepareTestDocker(run);
    const postgres = await startMigratedPostgres(run, { durable: true });
    const env: Record<string, string> = nodeOptions === '' ? {} : { NODE_OPTIONS: nodeOptions };
    return new Rig(run, [postgres, await startTemporalService(run)], env);
  }

  /** Temporal and one no-op activity. */
  bare(): Promise<BareTemporal> {
    return this.#once('bare', () => startBareTemporal(this.run));
  }

  /** A stack whose jobs do nothing. */
  noop(processes: keyof typeof PROCESSES): Promise<OwnStack> {
    return this.#once(`noop ${processes}`, () =>
      startOwn(
        { processes: PROCESSES[processes], env: this.#env },
        { name: `noop-${processes}`, slots: NOOP_SLOTS, launcher: NOOP_AGENT },
      ),
    );
  }

  /** A stack whose jobs are containers; `pool` of them are prepared. */
  containers(pool: number, slots: number): Promise<OwnStack> {
    const name = pool === 0 ? 'cold' : 'warm';
    return this.#once(name, () =>
      startOwn(
        { processes: ONE_PROCESS, env: this.#env },
        { name, slots, env: { SANDBOX_WARM_POOL: String(pool) } },
      ),
    );
  }

  /** A stack whose node runs a real Ollama with the small model, which is in memory. */
  inference(): Promise<InferenceStack> {
    return this.#once('inference', startInference);
  }

  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    return made as Promise<T>;
  }
}

async function startOwn(options: StackOptions, node: NodeOptions): Promise<OwnStack> {
  const starting = startStack(options);
  // Before it is there: who ends the run while it starts must not leave its processes behind.
  onRelease(async () => {
    const started = await starting.catch(() => undefined);
    await started?.[Symbol.asyncDispose]();
  });
  const stack = await starting;
  const agent = await stack.startNode({ ...node, env: { ...options.env, ...node.env } });
  const user = await BenchUser.login(stack.gatewayUrl, stack.adminPassword);
  onRelease(() => user[Symbol.asyncDispose]());
  const watched = [...stack.processes, agent.process].map((process) => ({
    name: process === agent.process ? 'node-agent' : process.name,
    pid: process.pid ?? 0,
  }));
  return { stack, agent, user, processes: watched };
}

const HOUR_MS = 3_600_000;
const WARM_MS = 120_000;

async function startInference(): Promise<InferenceStack> {
  await prepareTestOllama();
  const secret = randomBytes(32).toString('hex');
  const env = await ownOllamaEnv();
  const starting = startStack({ processes: ROLES, env: { JWT_SECRET: secret } });
  onRelease(async () => {
    const started = await starting.catch(() => undefined);
    await started?.[Symbol.asyncDispose]();
  });
  const stack = await starting;
  await stack.startNode({ name: 'inference', env });
  await eventually('the model is ready', async () => (await fetch(`${stack.controlPlaneUrl}/readyz`)).ok, {
    timeoutMs: WARM_MS,
  });
  const opened = openDatabase({ url: stack.database.url, poolSize: 1, onIdleError: () => undefined });
  const pm = await opened.db.selectFrom('pm_model').select('context_tokens').executeTakeFirstOrThrow();
  await opened[Symbol.asyncDispose]();
  return {
    controlPlaneUrl: stack.controlPlaneUrl,
    ollamaUrl: `http://127.0.0.1:${env['OLLAMA_PORT'] ?? ''}`,
    serviceToken: await createTokenService(secret).sign('service', { sub: 'bench' }, { lifeMs: HOUR_MS }),
    contextTokens: pm.context_tokens ?? 0,
  };
}
