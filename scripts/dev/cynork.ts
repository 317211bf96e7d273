import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT } from '../build/outputs.ts';
import { plainEnvironment } from '../engines/service.ts';
import { SetupError } from '../engines/talk.ts';
import { pathsOf, urlsOf, type Settings } from './settings.ts';

/** What a command of `bin/cynork` gave back. */
interface Reply {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const configSchema = z.object({ gateway_url: z.string() });
const nodesSchema = z.object({ nodes: z.array(z.object({ node_slug: z.string(), status: z.string() })) });

const nodeSchema = z.object({
  inference: z
    .object({
      backend: z.string(),
      reason: z.string().optional(),
      models: z.array(z.object({ name: z.string(), loaded: z.boolean() })),
      pulls: z.array(
        z.object({ model: z.string(), percent: z.number().optional(), error: z.string().optional() }),
      ),
    })
    .optional(),
});
export type InferenceOfNode = NonNullable<z.infer<typeof nodeSchema>['inference']>;

/** Runs the launcher with the configuration of this state folder. */
async function cynork(settings: Settings, args: string[], input = ''): Promise<Reply> {
  const result = await execa(join(ROOT, 'bin/cynork'), args, {
    env: {
      ...plainEnvironment(),
      CYNODEAI_STATE_DIR: settings.stateFolder,
      CYNORK_CONFIG: pathsOf(settings).cynorkConfig,
      CYNORK_GATEWAY_URL: urlsOf(settings).userApi,
    },
    extendEnv: false,
    input,
    reject: false,
  });
  return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}

/** Logs the launcher in as admin at this stack, unless it is: the ports may be others than those it was logged in at. */
export async function logIn(settings: Settings, password: string): Promise<void> {
  const knowsGateway = (await savedGateway(settings)) === urlsOf(settings).userApi;
  if (knowsGateway && (await cynork(settings, ['auth', 'whoami'])).exitCode === 0) return;
  const login = await cynork(
    settings,
    ['auth', 'login', '--user', 'admin', '--password-stdin'],
    `${password}\n`,
  );
  if (login.exitCode === 0) return;
  throw new SetupError(
    [
      `admin could not log in: ${login.stderr.trim()}`,
      `If its password was changed, log in yourself: bin/cynork auth login --user admin`,
    ].join('\n'),
  );
}

async function savedGateway(settings: Settings): Promise<string | undefined> {
  const text = await readFile(pathsOf(settings).cynorkConfig, 'utf8').catch(() => '');
  return configSchema.safeParse(parse(text)).data?.gateway_url;
}

/** Whether our node takes jobs. */
export async function isNodeActive(settings: Settings): Promise<boolean> {
  const reply = await cynork(settings, ['nodes', 'list', '-o', 'json']);
  if (reply.exitCode !== 0) return false;
  const parsed = nodesSchema.safeParse(JSON.parse(reply.stdout));
  if (!parsed.success)
    throw new SetupError(`"cynork nodes list -o json" printed something unexpected:\n${reply.stdout}`);
  return parsed.data.nodes.some((node) => node.node_slug === settings.nodeSlug && node.status === 'active');
}

/** What our node says of its models; undefined while it says nothing. */
export async function inferenceOfNode(settings: Settings): Promise<InferenceOfNode | undefined> {
  const reply = await cynork(settings, ['nodes', 'get', settings.nodeSlug, '-o', 'json']);
  if (reply.exitCode !== 0) return undefined;
  return nodeSchema.parse(JSON.parse(reply.stdout)).inference;
}

/** The commands of the first task, for people to see that they run in a container. */
export const FIRST_TASK = [
  'task',
  'create',
  '--command',
  'echo "Hello from a CyNodeAI sandbox"',
  '--command',
  'id',
  '--result',
];

/** Runs the first task and gives what it printed. */
export async function runFirstTask(settings: Settings): Promise<string> {
  const reply = await cynork(settings, FIRST_TASK);
  if (reply.exitCode === 0) return reply.stdout;
  throw new SetupError(
    `The first task failed (exit code ${String(reply.exitCode)}):\n${reply.stdout}\n${reply.stderr}`,
  );
}
