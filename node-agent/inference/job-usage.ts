import { CynodeError } from '../../contracts/errors.ts';
import { MAX_JOB_MODELS, MAX_MODEL_USE, type JobModelUse } from '../../contracts/jobs.ts';
import type { CallTokens } from './call-tokens.ts';

/** What further models are counted as, so that a job cannot make the list grow. */
const OTHER_MODELS = 'others';
const MAX_NAME = 255;

/** What the calls of one job have used, and how much they may. */
export class JobUsage {
  /** Undefined: without a bound. */
  readonly #limit: number | undefined;
  readonly #models = new Map<string, JobModelUse>();

  constructor(limit?: number) {
    this.#limit = limit;
  }

  /** A call that runs is not cut off; the next one is refused. @throws CynodeError `budget_spent` */
  requireRest(): void {
    if (this.#limit === undefined || this.#tokens < this.#limit) return;
    throw new CynodeError(
      'budget_spent',
      'The tokens of the task, or of its user for today, are spent; an administrator can raise the system settings inference.budget.…',
    );
  }

  add(model: string, { prompt, completion }: CallTokens): void {
    const name = this.#nameOf(model);
    const before = this.#models.get(name) ?? {
      model: name,
      calls: 0,
      prompt_tokens: 0,
      completion_tokens: 0,
    };
    this.#models.set(name, {
      model: name,
      calls: before.calls + 1,
      prompt_tokens: Math.min(before.prompt_tokens + prompt, MAX_MODEL_USE),
      completion_tokens: Math.min(before.completion_tokens + completion, MAX_MODEL_USE),
    });
  }

  /** So far, by model. */
  report(): JobModelUse[] {
    return [...this.#models.values()];
  }

  get #tokens(): number {
    return this.report().reduce((sum, each) => sum + each.prompt_tokens + each.completion_tokens, 0);
  }

  #nameOf(model: string): string {
    const name = model.slice(0, MAX_NAME);
    return this.#models.has(name) || this.#models.size < MAX_JOB_MODELS - 1 ? name : OTHER_MODELS;
  }
}
