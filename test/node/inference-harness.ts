import { readdir, readFile } from 'node:fs/promises';
import type { NodeInference } from '../../contracts/node-inference.ts';
import type { NodeConfig, NodeContact } from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { testSetting } from '../support/engines/environment.ts';
import { eventually } from '../support/wait.ts';
import { POLLING, prepareAgent, type AgentUnderTest } from './agent-harness.ts';
import type { Probe } from './probe.ts';

export const ENABLED = { enabled: true, variant: 'cpu', env: { OLLAMA_CONTEXT_LENGTH: '2048' } } as const;
/** On a busy machine a model takes its time. */
export const PATIENCE_MS = 90_000;

/** Starts an agent on the suite's Temporal with these settings and this wish of the orchestrator. */
export async function startAgent(
  env: Readonly<Record<string, string>>,
  backend: NodeConfig['inference_backend'] = ENABLED,
): Promise<AgentUnderTest> {
  const agent = await prepareAgent({
    config: { inference_backend: backend },
    env: { ...POLLING, ...env },
  });
  const queue = {
    address: testSetting('temporalAddress'),
    namespace: testSetting('temporalNamespace'),
    tls: false,
  };
  agent.plane.config = { ...agent.plane.config, temporal: { ...queue, task_queue: `node:${agent.slug}` } };
  agent.process.start();
  return agent;
}

function said({ plane }: AgentUnderTest): NodeInference | undefined {
  return (plane.callsTo('POST', PATHS.nodeContact).at(-1)?.body as NodeContact | undefined)?.inference;
}

/** Resolves with what the agent says of its models as soon as it is so. */
export async function says(
  agent: AgentUnderTest,
  what: string,
  condition: (inference: NodeInference) => boolean,
): Promise<NodeInference> {
  let last: NodeInference | undefined;
  try {
    await eventually(
      what,
      async () => {
        if (!agent.process.running) throw new Error(`the agent ended:\n${await agent.process.log()}`);
        last = said(agent);
        return last !== undefined && condition(last);
      },
      { timeoutMs: PATIENCE_MS },
    );
  } catch (error) {
    throw new Error(`${what}; it says ${JSON.stringify(last)}\n${await agent.process.log()}`, {
      cause: error,
    });
  }
  if (last === undefined) throw new Error('nothing was said');
  return last;
}

export const isReady = ({ backend }: NodeInference): boolean => backend === 'ready';
export const hasLoaded = ({ backend, models }: NodeInference): boolean =>
  backend === 'ready' && models.some(({ name, loaded }) => name === TINY_MODEL && loaded);

/** What becomes of the activity `prepareModel`: `ok`, or the type of its failure. */
export async function prepare(probe: Probe, agent: AgentUnderTest, model: string): Promise<string> {
  const handle = await probe.startControl(agent.slug, 'prepareModel', { model, contextTokens: 2048 });
  const outcome: unknown = (await handle.result()) ?? 'ok';
  return typeof outcome === 'string' ? outcome : JSON.stringify(outcome);
}

/** Processes of this agent's Ollama with that word in their command line. */
export async function processesOf(agent: AgentUnderTest, word: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string): Promise<string> =>
        readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [environ, cmdline] = [await read('environ'), await read('cmdline')];
      const isIts = environ.includes(`HOME=${agent.stateDir}/ollama`) && cmdline.includes(word);
      return isIts && cmdline !== '' ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
