import { SKIP_REASONS } from '../../contracts/artifacts.ts';
import type { SkippedArtifacts, SkipReason } from '../../contracts/artifacts.ts';

const NAMED = 5;
const NAMED_CHARACTERS = 200;

/** Counts what was left out, and keeps some names; small, however much a job has left. */
export class Skipped {
  readonly #byReason = new Map<SkipReason, { count: number; readonly paths: string[] }>();

  add(reason: SkipReason, path: string): void {
    const entry = this.#byReason.get(reason) ?? { count: 0, paths: [] };
    this.#byReason.set(reason, entry);
    entry.count += 1;
    if (entry.paths.length < NAMED) entry.paths.push(printable(path));
  }

  list(): SkippedArtifacts[] {
    return SKIP_REASONS.flatMap((reason) => {
      const entry = this.#byReason.get(reason);
      return entry === undefined ? [] : [{ reason, ...entry }];
    });
  }
}

/** What Postgres cannot store, and what would not be seen on a terminal, is not needed to find a file. */
function printable(path: string): string {
  return path
    .slice(0, NAMED_CHARACTERS)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '?');
}
