import { BoundedOutput } from './bounded-output.ts';
import type { OutputSinks } from './demultiplex.ts';
import { EngineError, type ContainerEngine } from './engine.ts';
import type { ImagePuller } from './images.ts';
import { markedArgv } from './launcher.ts';
import type { LiveContainer } from './live-container.ts';
import type { ContainerPlan } from './plan.ts';
import type { Claim, PreparedContainer } from './prepared.ts';
import type { ContainerRemover } from './remover.ts';
import { stopReasonOf, type JobStoppedError } from './stop.ts';
import { SuccessMark } from './success-mark.ts';
import { waitAtMost } from './wait-at-most.ts';
import { exceeds, type Excess, type TreeBounds } from './workspace.ts';
import { watchWorkspace } from './workspace-watch.ts';

/** How a container ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'out_of_memory'; readonly exitCode: number }
  | { readonly kind: 'workspace_exceeded'; readonly what: Excess }
  | { readonly kind: 'timeout' };

export interface Execution {
  readonly ending: Ending;
  readonly stdout: BoundedOutput;
  readonly stderr: BoundedOutput;
  /** The job's program has ended, and the container is about to: what the program left running may still change files. */
  readonly mayLive: boolean;
}

/** An end that the job's shell told, before the engine does. */
const SUCCEEDED: Ending = { kind: 'exited', exitCode: 0 };

export interface ExecutionDeps {
  readonly engine: ContainerEngine;
  readonly remover: ContainerRemover;
  readonly images: ImagePuller;
}

export interface ExecutionOptions {
  readonly timeoutMs: number;
  readonly pullTimeoutMs: number;
  /** Aborted with a `JobStoppedError`. */
  readonly signal: AbortSignal;
  /** What the start has to wait for, if anything. Never rejects. */
  readonly ready?: Promise<void> | undefined;
  /** One that may be used for this plan instead of a new container. */
  readonly prepared: PreparedContainer | undefined;
  /** Told what came of it. */
  readonly onClaimed: (claim: Claim) => void;
  /** Called when the container runs. */
  readonly onStarted: () => void;
}

/** Time of a slow pull that is not counted against the job's timeout. */
const FREE_PULL_MS = 30_000;
const OUTPUT_DRAIN_MS = 2_000;

/**
 * Runs the plan in the prepared container if that is possible, else in one that it creates and starts, and waits for the
 * end. After a timeout or a limit the container is gone when this
 * returns; after an exit, or when this throws, removing it is the caller's.
 * @throws JobStoppedError
 * @throws EngineError
 */
export async function executePlan(
  plan: ContainerPlan,
  options: ExecutionOptions,
  deps: ExecutionDeps,
): Promise<Execution> {
  const deadlineMs = performance.now() + options.timeoutMs + FREE_PULL_MS;
  const stdout = new BoundedOutput(plan.limits.outputBytes);
  const stderr = new BoundedOutput(plan.limits.outputBytes);
  const sinks: OutputSinks = {
    stdout: (chunk) => stdout.push(chunk),
    stderr: (chunk) => stderr.push(chunk),
  };
  using container =
    (await launchPrepared(plan, sinks, options)) ?? (await startContainer(plan, sinks, options, deps));
  options.onStarted();
  const timeoutMs = Math.min(options.timeoutMs, deadlineMs - performance.now());
  const ending = await waitForEnd(plan, container, { signal: options.signal, timeoutMs }, deps);
  const mayLive = ending === SUCCEEDED;
  if (!mayLive) await waitAtMost(OUTPUT_DRAIN_MS, container.outputEnded);
  return { ending, stdout, stderr, mayLive };
}

/** @returns undefined when the plan needs a container of its own */
async function launchPrepared(
  plan: ContainerPlan,
  sinks: OutputSinks,
  { prepared, signal, onClaimed }: ExecutionOptions,
): Promise<LiveContainer | undefined> {
  if (prepared === undefined) return undefined;
  const claim = await prepared.claim(plan.name);
  onClaimed(claim);
  if (signal.aborted) throw stopReasonOf(signal);
  return claim === 'taken' ? prepared.launch(plan, sinks) : undefined;
}

async function startContainer(
  plan: ContainerPlan,
  sinks: OutputSinks,
  options: ExecutionOptions,
  deps: ExecutionDeps,
): Promise<LiveContainer> {
  const mark = new SuccessMark();
  const marked = mark.watch(sinks);
  const argv = markedArgv(plan.argv, plan.env, mark) ?? plan.argv;
  await createContainer({ ...plan, argv }, options, deps);
  const output = await deps.engine.attach(plan.name, marked);
  try {
    await options.ready;
    // The last moment: a cancel from now on finds a container that it can remove.
    if (options.signal.aborted) throw stopReasonOf(options.signal);
    await deps.engine.start(plan.name);
  } catch (error) {
    output[Symbol.dispose]();
    throw error;
  }
  return {
    exit: deps.engine.wait(plan.name),
    success: marked.given,
    outputEnded: output.ended.then(marked.flush),
    [Symbol.dispose]: () => output[Symbol.dispose](),
  };
}

async function createContainer(
  plan: ContainerPlan,
  options: ExecutionOptions,
  deps: ExecutionDeps,
): Promise<void> {
  try {
    await deps.engine.create(plan);
  } catch (error) {
    if (!(error instanceof EngineError && error.kind === 'image_missing')) throw error;
    await deps.images.pull(plan.image, options.pullTimeoutMs, options.signal);
    await deps.engine.create(plan);
  }
}

type Interruption = Ending | { readonly kind: 'stopped'; readonly error: JobStoppedError };

async function waitForEnd(
  plan: ContainerPlan,
  container: LiveContainer,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  deps: ExecutionDeps,
): Promise<Ending> {
  const exit = container.exit.then((exitCode): Ending => ({ kind: 'exited', exitCode }));
  const success = container.success.then(() => SUCCEEDED);
  const interruption = interruptionOf(plan, options);
  try {
    const first = await Promise.race([success, exit, interruption.happened]);
    if (first.kind === 'exited') {
      // A cancel may kill the container before we hear of it by the signal.
      if (first.exitCode !== 0 && options.signal.aborted) throw stopReasonOf(options.signal);
      if (first === SUCCEEDED) return first;
      return await explainExit(first.exitCode, plan, deps.engine);
    }
    if (first.kind === 'stopped') throw first.error;
    await deps.remover.remove(plan.name);
    return first;
  } finally {
    interruption.dispose();
  }
}

/** Whatever ends a container before it ends by itself. */
function interruptionOf(
  plan: ContainerPlan,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): { readonly happened: Promise<Interruption>; readonly dispose: () => void } {
  const { promise, resolve } = Promise.withResolvers<Interruption>();
  const watch = new AbortController();
  const timer = setTimeout(() => resolve({ kind: 'timeout' }), Math.max(0, timeoutMs));
  const onAbort = (): void => resolve({ kind: 'stopped', error: stopReasonOf(signal) });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  void watchWorkspace(plan.workspacePath, workspaceBounds(plan), watch.signal).then((what) => {
    if (what !== null) resolve({ kind: 'workspace_exceeded', what });
  });
  const dispose = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    watch.abort();
  };
  return { happened: promise, dispose };
}

/** Says whether a limit was behind a failing exit. */
async function explainExit(exitCode: number, plan: ContainerPlan, engine: ContainerEngine): Promise<Ending> {
  if (exitCode === 0) return { kind: 'exited', exitCode };
  if (await engine.wasOutOfMemory(plan.name)) return { kind: 'out_of_memory', exitCode };
  const what = await exceeds(plan.workspacePath, workspaceBounds(plan)).catch(() => null);
  return what === null ? { kind: 'exited', exitCode } : { kind: 'workspace_exceeded', what };
}

function workspaceBounds({ limits }: ContainerPlan): TreeBounds {
  return { maxBytes: limits.workspaceBytes, maxEntries: limits.workspaceEntries };
}
