import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { kindOf } from './create-options.ts';
import { EngineError, type ContainerEngine } from './engine.ts';
import { canLaunch } from './launcher.ts';
import type { NodeIdentity } from './names.ts';
import { planPoolContainer, type ContainerPlan, type SandboxUser } from './plan.ts';
import { isImageAllowed, type SandboxPolicy } from './policy.ts';
import { PreparedContainer, UnfitImageError, type Claim } from './prepared.ts';
import { RecentImages } from './recent-images.ts';
import { ContainerRemover } from './remover.ts';
import type { WorkspaceRoot } from './workspace.ts';

/** Why a job got a container of its own: none was ready, it cannot be launched, it asked for models, or the one it got was no good. */
export type PoolMiss = 'empty' | 'unlaunchable' | 'models' | Exclude<Claim, 'taken'>;

export interface PoolCounts {
  taken(): void;
  missed(reason: PoolMiss): void;
}

export interface WarmPoolDeps {
  readonly engine: ContainerEngine;
  readonly workspaces: WorkspaceRoot;
  readonly node: NodeIdentity;
  readonly user: SandboxUser;
  readonly policy: () => SandboxPolicy;
  /** Containers of the default image that are kept ready. */
  readonly size: number;
  /** A container that waited for so long is replaced; ten minutes unless said. */
  readonly maxAgeMs?: number | undefined;
  readonly counts: PoolCounts;
  readonly logger: Logger;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const UPKEEP_MS = 5 * SECOND_MS;
/** While half of the pool is there it is filled up when no job has come for this long: making one slows jobs down. */
const CALM_MS = SECOND_MS;
/** With less than that: long enough for a short job to be over before the next container is made. */
const REFILL_DELAY_MS = 150;
const MAX_AGE_MS = 10 * MINUTE_MS;
/** Other images than the default one that are kept ready, one container each, for some time after their last job. */
const OTHER_IMAGES = 2;
const FIRST_REST_MS = SECOND_MS;
const MAX_REST_MS = MINUTE_MS;
const UNFIT_REST_MS = 10 * MINUTE_MS;

interface Rest {
  readonly untilMs: number;
  readonly pauseMs: number;
}

/**
 * Containers that run already and wait for their job: each takes one job and is gone with it. Without a fitting one the
 * caller starts a container as ever.
 */
export class WarmPool {
  readonly #deps: WarmPoolDeps;
  readonly #remover: ContainerRemover;
  readonly #recent = new RecentImages(OTHER_IMAGES, MAX_AGE_MS);
  readonly #rests = new Map<string, Rest>();
  readonly #removals = new Set<Promise<void>>();
  #ready: PreparedContainer[] = [];
  #running: Promise<void> = Promise.resolve();
  #wake = Promise.withResolvers<void>();
  /** Set while the pool is not filled, because a job has just come. */
  #refill: { readonly soon: boolean; readonly timer: NodeJS.Timeout } | undefined;

  constructor(deps: WarmPoolDeps) {
    this.#deps = deps;
    this.#remover = new ContainerRemover(deps.engine, deps.logger);
  }

  /** Containers that wait for a job. */
  get ready(): number {
    return this.#ready.filter((each) => each.usable).length;
  }

  /** A container for the plan, which from now on is the caller's to claim or to discard. */
  take(plan: ContainerPlan): PreparedContainer | undefined {
    if (this.#deps.size === 0) return undefined;
    if (plan.models !== undefined) return this.#miss('models');
    if (plan.image !== this.#deps.policy().defaultImage) this.#recent.note(plan.image);
    const found = this.#find(plan);
    this.#ready = this.#ready.filter((each) => each !== found);
    this.#refillLater();
    return found;
  }

  #find(plan: ContainerPlan): PreparedContainer | undefined {
    if (!canLaunch(plan.argv, plan.env)) return this.#miss('unlaunchable');
    const kind = kindOf(plan);
    return this.#ready.find((each) => each.kind === kind && each.usable) ?? this.#miss('empty');
  }

  #refillLater(): void {
    if (this.#refill?.soon) return;
    clearTimeout(this.#refill?.timer);
    const soon = this.ready * 2 < this.#deps.size;
    const refill = (): void => {
      this.#refill = undefined;
      this.#wake.resolve();
    };
    this.#refill = { soon, timer: setTimeout(refill, soon ? REFILL_DELAY_MS : CALM_MS).unref() };
  }

  /** Says what came of a container that was taken. */
  claimed(claim: Claim): void {
    if (claim === 'taken') this.#deps.counts.taken();
    else this.#miss(claim);
  }

  /**
   * Keeps the pool filled until `signal` is aborted, and empties it then.
   * @param mayFill whether the node is well enough to keep any container ready
   */
  start(signal: AbortSignal, mayFill: () => Promise<boolean>): void {
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
    this.#running = this.#run(signal, mayFill);
  }

  async #run(signal: AbortSignal, mayFill: () => Promise<boolean>): Promise<void> {
    let askedAtMs = Number.NEGATIVE_INFINITY;
    let well = false;
    while (!signal.aborted && this.#deps.size > 0) {
      if (performance.now() - askedAtMs >= UPKEEP_MS) {
        askedAtMs = performance.now();
        well = await mayFill().catch(() => false);
      }
      if (well) await this.#keepUp(signal);
      else this.#dropIf(() => true);
      const pause = new AbortController();
      await Promise.race([this.#wake.promise, sleep(UPKEEP_MS, pause.signal)]);
      pause.abort();
      this.#wake = Promise.withResolvers();
    }
    this.#dropIf(() => true);
  }

  /** Resolves when the pool has ended and nothing of it is left. */
  async settled(): Promise<void> {
    await this.#running;
    await Promise.all(this.#removals);
  }

  /** Gives up removals that do not succeed. */
  close(): void {
    this.#remover.close();
  }

  async #keepUp(signal: AbortSignal): Promise<void> {
    const goOn = (): boolean => this.#refill === undefined && !signal.aborted;
    for (let image = this.#next(); image !== undefined && goOn(); image = this.#next()) {
      await this.#fill(image, signal);
    }
  }

  /** Drops what nobody will want any more, and gives the next image that lacks a container. */
  #next(): string | undefined {
    const wanted = this.#wanted();
    this.#dropIf((each) => !each.usable || !wanted.some(({ kind }) => kind === each.kind));
    // One at a time, so that age does not empty the pool.
    const { maxAgeMs = MAX_AGE_MS } = this.#deps;
    const old = this.#ready.find((each) => performance.now() - each.readyAtMs > maxAgeMs);
    if (old !== undefined) this.#dropIf((each) => each === old);
    const nowMs = performance.now();
    return wanted.find(
      ({ image, kind, count }) =>
        this.#ready.filter((each) => each.kind === kind).length < count &&
        (this.#rests.get(image)?.untilMs ?? 0) <= nowMs,
    )?.image;
  }

  #wanted(): { readonly image: string; readonly kind: string; readonly count: number }[] {
    const policy = this.#deps.policy();
    const others = this.#recent.list().map((image) => ({ image, count: 1 }));
    return [{ image: policy.defaultImage, count: this.#deps.size }, ...others]
      .filter(({ image }) => isImageAllowed(image, policy.allowedImages))
      .map(({ image, count }) => {
        const plan = planPoolContainer({ ...this.#contextOf(image), entryId: '', workspacePath: '' });
        return { image, count, kind: kindOf(plan) };
      });
  }

  async #fill(image: string, signal: AbortSignal): Promise<void> {
    try {
      const deps = { ...this.#deps, remover: this.#remover };
      const made = await PreparedContainer.prepare(this.#contextOf(image), deps);
      this.#rests.delete(image);
      this.#ready.push(made);
      if (signal.aborted) this.#dropIf(() => true);
    } catch (error) {
      this.#deps.logger.debug({ err: error, image }, 'no container could be prepared');
      this.#rest(image, error);
    }
  }

  #contextOf(image: string) {
    const { node, user } = this.#deps;
    return { image, node, user, limits: this.#deps.policy().limits };
  }

  #rest(image: string, error: unknown): void {
    const before = this.#rests.get(image)?.pauseMs ?? FIRST_REST_MS / 2;
    const missing = error instanceof EngineError && error.kind === 'image_missing';
    const pauseMs =
      error instanceof UnfitImageError
        ? UNFIT_REST_MS
        : Math.min(missing ? UPKEEP_MS : before * 2, MAX_REST_MS);
    for (const [name, { untilMs }] of this.#rests) {
      if (untilMs < performance.now() - UNFIT_REST_MS) this.#rests.delete(name);
    }
    this.#rests.set(image, { pauseMs, untilMs: performance.now() + pauseMs });
  }

  #miss(reason: PoolMiss): undefined {
    this.#deps.counts.missed(reason);
  }

  #dropIf(unwanted: (each: PreparedContainer) => boolean): void {
    for (const each of this.#ready.filter(unwanted)) this.#remove(each);
    this.#ready = this.#ready.filter((each) => !unwanted(each));
  }

  #remove(prepared: PreparedContainer): void {
    const removal = prepared
      .discard()
      .catch((error: unknown) => {
        this.#deps.logger.debug({ err: error }, 'a prepared container stays until the next start');
      })
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }
}
