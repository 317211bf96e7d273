import { sleep } from '../../../platform/clock.ts';

const BRIEF_MS = 1000;

/** Waits a moment for work that must not hold up the reply: it goes on by itself, and never rejects. */
export async function waitBriefly(work: Promise<void>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work.finally(() => done.abort()), sleep(BRIEF_MS, done.signal)]);
}
