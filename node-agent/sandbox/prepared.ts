import { randomBytes } from 'node:crypto';
import type { Logger } from '../../platform/logger.ts';
import { announcedBy, type Announced } from './announced.ts';
import { kindOf } from './create-options.ts';
import type { OutputSinks } from './demultiplex.ts';
import { EngineError, type ContainerEngine, type ImageFacts, type InputAttachment } from './engine.ts';
import { inWordsOfInit } from './exec-failure.ts';
import { containerEnv, launchLine, probeLine } from './launcher.ts';
import type { LiveContainer } from './live-container.ts';
import { poolFolder } from './names.ts';
import { planPoolContainer, SANDBOX_HOSTNAME, type ContainerPlan, type PoolPlanContext } from './plan.ts';
import type { ContainerRemover } from './remover.ts';
import { SuccessMark } from './success-mark.ts';
import { waitAtMost } from './wait-at-most.ts';
import type { WorkspaceRoot } from './workspace.ts';

export interface PreparedDeps {
  readonly engine: ContainerEngine;
  readonly remover: ContainerRemover;
  readonly workspaces: WorkspaceRoot;
  readonly logger: Logger;
}

/** Why a job could not have a prepared container, or `taken`. */
export type Claim = 'taken' | 'image_changed' | 'died';

const ANSWER_MS = 20_000;
const DRAIN_MS = 2_000;
const REMOVAL_WAIT_MS = 5_000;
const TOKEN_BYTES = 12;
/** No shell that could be started, or one that did not find `env`. */
const UNFIT_CODES: ReadonlySet<number> = new Set([1, 126, 127]);

/** The image has not what a prepared container needs: a shell and `env`. */
export class UnfitImageError extends Error {
  constructor(image: string) {
    super(`a container of ${image} cannot be prepared: it has no sh or no env`);
    this.name = 'UnfitImageError';
  }
}

/** A container that runs and waits to be told its job. One job at most, then it is gone. */
export class PreparedContainer {
  readonly image: string;
  /** What it has to have in common with the plan of a job; see `kindOf`. */
  readonly kind: string;
  readonly readyAtMs: number = performance.now();
  /** Empty folder of the job's user, mounted as its workspace. */
  readonly workspacePath: string;
  readonly #id: string;
  readonly #deps: PreparedDeps;
  readonly #input: InputAttachment;
  readonly #output: SwitchedSinks;
  readonly #exit: Promise<number>;
  readonly #facts: ImageFacts;
  #state: 'idle' | 'claimed' | 'dead' = 'idle';

  private constructor(plan: ContainerPlan, started: Started, facts: ImageFacts, deps: PreparedDeps) {
    this.image = plan.image;
    this.kind = kindOf(plan);
    this.workspacePath = plan.workspacePath;
    this.#id = started.id;
    this.#input = started.input;
    this.#output = started.output;
    this.#exit = started.exit;
    this.#facts = facts;
    this.#deps = deps;
    void Promise.allSettled([started.exit]).then(() => {
      if (this.#state === 'idle') this.#state = 'dead';
    });
  }

  /**
   * Starts one and waits until it is able to take a job. Nothing is left when this throws.
   * @throws UnfitImageError · EngineError `image_missing` and others
   */
  static async prepare(
    context: Omit<PoolPlanContext, 'entryId' | 'workspacePath'>,
    deps: PreparedDeps,
  ): Promise<PreparedContainer> {
    const entryId = randomBytes(TOKEN_BYTES).toString('hex');
    const workspacePath = deps.workspaces.pathOf(poolFolder(entryId));
    const plan = planPoolContainer({ ...context, entryId, workspacePath });
    try {
      await deps.workspaces.make(plan);
      using connections = new DisposableStack();
      const started = await start(plan, deps.engine, connections);
      const [facts] = await Promise.all([deps.engine.imageFacts(started.id), probe(plan, started, entryId)]);
      connections.move();
      return new PreparedContainer(plan, started, facts, deps);
    } catch (error) {
      await waitAtMost(REMOVAL_WAIT_MS, removeAll(plan.name, plan.workspacePath, deps));
      throw error;
    }
  }

  /** Whether a job can have it. */
  get usable(): boolean {
    return this.#state === 'idle';
  }

  /**
   * Gives it the name of the job's container, which nobody else may have. When it is not `taken` it is gone and
   * another container can have the name.
   * @throws EngineError `name_taken`, or when it is not known to be gone
   */
  async claim(name: string): Promise<Claim> {
    const { engine } = this.#deps;
    const [image, renamed] = await Promise.allSettled([
      engine.imageId(this.image),
      engine.rename(this.#id, name),
    ]);
    const same = image.status === 'fulfilled' && image.value === this.#facts.imageId;
    if (renamed.status === 'fulfilled' && same && this.usable) {
      this.#state = 'claimed';
      return 'taken';
    }
    await this.#discardInTime();
    const reason: unknown = renamed.status === 'rejected' ? renamed.reason : undefined;
    if (reason instanceof EngineError && reason.kind === 'name_taken') throw reason;
    return image.status === 'fulfilled' && !same ? 'image_changed' : 'died';
  }

  /** Has it become the job. Only after it was `taken`. */
  launch(plan: ContainerPlan, sinks: OutputSinks): LiveContainer {
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    const mark = new SuccessMark();
    const marked = mark.watch(sinks);
    const stdout = announcedBy(token, marked.stdout);
    const stderr = inWordsOfInit(plan.argv[0] ?? '', marked.stderr);
    this.#output.switchTo({ stdout: stdout.feed, stderr: stderr.feed });
    this.#input.write(
      launchLine(plan.argv, containerEnv(SANDBOX_HOSTNAME, this.#facts.env, plan.env), token, mark),
    );
    const outputEnded = this.#input.ended.then(() => {
      stderr.flush();
      marked.flush();
    });
    return {
      exit: this.#exitOf(stdout, outputEnded),
      success: marked.given,
      outputEnded,
      [Symbol.dispose]: () => this.#input[Symbol.dispose](),
    };
  }

  /** Removes it, if no job has taken it. Resolves when it is gone; goes on trying while the engine fails. */
  async discard(): Promise<void> {
    if (this.#state === 'claimed') return;
    this.#state = 'dead';
    this.#input[Symbol.dispose]();
    await removeAll(this.#id, this.workspacePath, this.#deps);
  }

  async #discardInTime(): Promise<void> {
    let gone = false;
    await waitAtMost(
      REMOVAL_WAIT_MS,
      this.discard().then(() => (gone = true)),
    );
    if (!gone) throw new EngineError('fault', 'a prepared container could not be removed');
  }

  /** An end before the launcher spoke is not the job's. */
  async #exitOf(stdout: Announced, outputEnded: Promise<void>): Promise<number> {
    const exitCode = await this.#exit;
    await waitAtMost(DRAIN_MS, outputEnded);
    if (!stdout.begun())
      throw new EngineError('fault', 'the prepared container ended before it took the job');
    return exitCode;
  }
}

interface Started {
  readonly id: string;
  readonly input: InputAttachment;
  readonly output: SwitchedSinks;
  readonly exit: Promise<number>;
}

async function start(
  plan: ContainerPlan,
  engine: ContainerEngine,
  connections: DisposableStack,
): Promise<Started> {
  const id = await engine.create(plan);
  const output = new SwitchedSinks();
  const input = connections.use(await engine.attachInput(id, output));
  await engine.start(id);
  const exit = engine.wait(id);
  exit.catch(() => undefined);
  return { id, input, output, exit };
}

/** @throws UnfitImageError · EngineError */
async function probe(plan: ContainerPlan, { input, output, exit }: Started, token: string): Promise<void> {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const stdout = announcedBy(token, () => undefined, resolve);
  output.switchTo({ stdout: stdout.feed, stderr: () => undefined });
  input.write(probeLine(token));
  const ended = exit.then((exitCode) => {
    throw UNFIT_CODES.has(exitCode)
      ? new UnfitImageError(plan.image)
      : new EngineError('fault', `a prepared container ended with ${exitCode}`);
  });
  let fit = false;
  await waitAtMost(ANSWER_MS, Promise.race([answered.then(() => (fit = true)), ended]));
  if (!fit) throw new EngineError('fault', 'a prepared container does not answer');
}

async function removeAll(container: string, workspacePath: string, deps: PreparedDeps): Promise<void> {
  await deps.remover.remove(container);
  // Whether the folder goes too says nothing of the container.
  await deps.workspaces.remove({ workspacePath }).catch((error: unknown) => {
    deps.logger.warn(
      { err: error, workspacePath },
      'folder of a prepared container stays until the next start',
    );
  });
}

/** Output that goes to one reader after the other. */
class SwitchedSinks implements OutputSinks {
  #to: OutputSinks = { stdout: () => undefined, stderr: () => undefined };

  readonly stdout = (chunk: Buffer): void => this.#to.stdout(chunk);
  readonly stderr = (chunk: Buffer): void => this.#to.stderr(chunk);

  switchTo(sinks: OutputSinks): void {
    this.#to = sinks;
  }
}
