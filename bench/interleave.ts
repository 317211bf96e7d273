import { sleep } from '../platform/clock.ts';

/** One of the things that are compared. */
export interface Side {
  readonly name: string;
  /** Measures some times and returns the values. */
  readonly sample: () => Promise<readonly number[]>;
}

/** Values of one side, by round. */
export interface Measured {
  readonly name: string;
  readonly rounds: readonly (readonly number[])[];
}

/**
 * Measures the sides in turns, so that whatever else happens on the machine hits all of them: A B, B A, A B … The first
 * round warms up and is thrown away.
 */
export async function interleave(rounds: number, sides: readonly Side[]): Promise<readonly Measured[]> {
  const values = sides.map((): (readonly number[])[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    const order = [...sides.entries()];
    for (const [index, side] of round % 2 === 0 ? order : order.toReversed()) {
      const sampled = await side.sample();
      if (round > 0) values[index]?.push(sampled);
    }
  }
  return sides.map(({ name }, index) => ({ name, rounds: values[index] ?? [] }));
}

/** Milliseconds that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/**
 * The work again and again, one after the other.
 * @param pauseMs before each, so that none pays for what the one before it left to be done
 */
export async function timesOf(count: number, work: () => Promise<unknown>, pauseMs = 0): Promise<number[]> {
  const times: number[] = [];
  for (let done = 0; done < count; done += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    times.push(await timed(work));
  }
  return times;
}

/** Does the work `count` times with at most `inFlight` at once. Returns the milliseconds that all of it took. */
export async function inParallel(
  count: number,
  inFlight: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  return timed(() => Promise.all(Array.from({ length: Math.min(inFlight, count) }, worker)));
}
