import { relative } from 'node:path';
import { ensureDocker } from '../engines/docker.ts';
import type { DockerEngine } from '../engines/docker-api.ts';
import { exists } from '../engines/files.ts';
import { withLock } from '../engines/lock.ts';
import { waitUntil } from '../engines/processes.ts';
import { ensureSandboxImage } from '../engines/sandbox-image.ts';
import { ensureSidecarImage } from '../engines/sidecar-image.ts';
import { SetupError, terminalTalk, type Talk } from '../engines/talk.ts';
import { chooseSandboxImage } from '../engines/tools-image.ts';
import { buildOutputs } from './builds.ts';
import { isNodeActive, logIn, runFirstTask, FIRST_TASK } from './cynork.ts';
import { agreeOnInference } from './inference.ts';
import { waitForModel } from './model.ts';
import { pathsOf, urlsOf, type Settings } from './settings.ts';
import { endLeftovers, launchSupervisor, requireFreePorts, waitForStart } from './start.ts';
import { openStateFolder, type Secrets } from './state-folder.ts';
import { terminalSteps, type Steps } from './steps.ts';
import { readLiveState, settingsOfRunningStack } from './supervisor-state.ts';
import { chooseTemporalKind, ensureTemporal, rememberTemporalKind, type TemporalKind } from './temporal.ts';
import { agreeOnToolsImage, usesOwnSandboxImage, waitForTools } from './tools-image.ts';

/** How `./dev up` was called. */
export interface UpOptions {
  /** Do not run the first task. */
  detach: boolean;
  /** Install what is missing without asking. */
  yes: boolean;
  /** Temporal on Postgres (true) or on a database file (false); undefined = as at the last start. */
  pgTemporal?: boolean | undefined;
}

const NODE_TIMEOUT_MS = 60_000;

/** Sets up what is missing, starts the stack, logs the launcher in and runs a first task. Safe to run twice. */
export async function up(wanted: Settings, options: UpOptions): Promise<void> {
  const steps = terminalSteps();
  const talk = terminalTalk(options);
  const running = await readLiveState(wanted);
  const settings = await settingsOfRunningStack(wanted);
  if (running === undefined) talk.say('Setting up CyNodeAI');
  else
    talk.say(
      `CyNodeAI of this checkout is already up (supervisor pid ${String(running.supervisor.pid)}); checking it`,
    );

  const kind = await chooseTemporalKind(settings, wantedKind(options), running !== undefined);
  const docker = await ensureEngines(kind, steps, talk);
  const secrets = await withLock(pathsOf(settings).startLock, () => launch(settings, { kind, docker }, talk));
  process.once('SIGINT', () => {
    talk.say('\nIt goes on in the background: "./dev status" shows how far it is, "./dev down" stops it.');
    process.exit(130);
  });
  const isFirst = !(await exists(pathsOf(settings).cynorkConfig));
  await awaitStack(settings, secrets, steps);
  if (!options.detach && running === undefined) await showFirstTask(settings, steps);
  if (!options.detach && usesOwnSandboxImage())
    await steps.run('Tools in the sandbox', () => waitForTools(settings, docker), String);
  if (!options.detach) await showModel(settings, steps, talk);
  printSummary(settings, isFirst ? secrets : undefined);
}

function wantedKind({ pgTemporal }: UpOptions): TemporalKind | undefined {
  if (pgTemporal === undefined) return undefined;
  return pgTemporal ? 'postgres' : 'file';
}

async function ensureEngines(kind: TemporalKind, steps: Steps, talk: Talk): Promise<DockerEngine> {
  const built = (names: string[]): string =>
    names.length === 0 ? 'Programs up to date' : `Built ${names.join(', ')}`;
  await steps.run('Programs', () => buildOutputs(), built);
  const docker = await steps.run(
    'Docker Engine',
    () => ensureDocker(talk),
    ({ host }) => `Docker Engine at ${host}`,
  );
  await steps.run(
    'Sandbox image',
    () => makeSandboxImage(docker, talk),
    (image) => `Sandbox image ${image}`,
  );
  await steps.run('Image for jobs with models', () => makeSidecarImage(docker, talk), String);
  await steps.run(kind === 'file' ? 'Temporal CLI' : 'Temporal for Postgres', () =>
    ensureTemporal(kind, talk),
  );
  return docker;
}

async function makeSandboxImage(docker: DockerEngine, talk: Talk): Promise<string> {
  await ensureSandboxImage(docker, talk);
  return chooseSandboxImage(docker);
}

/** Without it only jobs that ask for models fail, and say so. */
async function makeSidecarImage(docker: DockerEngine, talk: Talk): Promise<string> {
  try {
    return `Image for jobs with models ${await ensureSidecarImage(docker, talk)}`;
  } catch (error) {
    return `No image for jobs with models: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Starts the supervisor unless one runs. Done under a lock, so that two `./dev up` at once start one stack. */
async function launch(
  settings: Settings,
  { kind, docker }: { kind: TemporalKind; docker: DockerEngine },
  talk: Talk,
): Promise<Secrets> {
  await endLeftovers(settings);
  const running = (await readLiveState(settings)) !== undefined;
  if (!running) await requireFreePorts(settings);
  const secrets = await openStateFolder(settings);
  if (!running) {
    await rememberTemporalKind(settings, kind);
    await agreeOnToolsImage(settings, docker, talk);
    await agreeOnInference(settings, docker, talk);
    await launchSupervisor(settings);
  }
  return secrets;
}

async function awaitStack(settings: Settings, secrets: Secrets, steps: Steps): Promise<void> {
  if (settings.givenDatabase === undefined)
    await steps.run('Postgres', () => waitForStart(settings, 'postgres'));
  await steps.run('Temporal', () => waitForStart(settings, 'temporal'));
  await steps.run('Orchestrator', () => waitForStart(settings, 'orchestrator'));
  await steps.run('Agent worker', () => waitForStart(settings, 'agent-worker'));
  await steps.run('Node agent', () => waitForStart(settings));
  await steps.run('bin/cynork is logged in as admin', () => logIn(settings, secrets.adminPassword));
  await steps.run(`${settings.nodeSlug} is ready for jobs`, () => waitForNode(settings));
}

async function waitForNode(settings: Settings): Promise<void> {
  const active = await waitUntil(() => isNodeActive(settings), {
    timeoutMs: NODE_TIMEOUT_MS,
    intervalMs: 200,
  });
  if (active) return;
  throw new SetupError(
    `${settings.nodeSlug} did not become active. Its log: ${pathsOf(settings).log('node-agent')}`,
  );
}

async function showFirstTask(settings: Settings, steps: Steps): Promise<void> {
  const output = await steps.run('First task', () => runFirstTask(settings));
  const shown = FIRST_TASK.map((part) => (/[ "]/.test(part) ? `'${part}'` : part)).join(' ');
  console.log(`\n$ bin/cynork ${shown}\n${output}`);
}

/** Waits for a model, which may have to be built or downloaded first; script tasks run meanwhile. */
async function showModel(settings: Settings, steps: Steps, talk: Talk): Promise<void> {
  const outcome = await steps.run(
    'A model for tasks in plain words',
    () => waitForModel(settings, talk),
    ({ line }) => line,
  );
  if (outcome.advice !== undefined) talk.say(outcome.advice);
}

function printSummary(settings: Settings, newSecrets: Secrets | undefined): void {
  const urls = urlsOf(settings);
  const { adminPassword } = pathsOf(settings);
  const fromHere = relative(process.cwd(), adminPassword);
  const passwordFile = fromHere.startsWith('..') ? adminPassword : fromHere;
  const password = newSecrets
    ? `password ${newSecrets.adminPassword}  (kept in ${passwordFile})`
    : `password in ${passwordFile}`;
  console.log(`
CyNodeAI is up.

  User API       ${urls.userApi}
  Temporal UI    ${urls.temporalUi}
  admin          ${password}

  bin/cynork task create --command 'uname -a' --result
  bin/cynork task list
  bin/cynork nodes list
  ./dev status | logs -f | down`);
}
