import { sleep } from './clock.ts';

/** A load that takes longer does not hold up the next one: its connection may be dead. */
const PATIENCE_MS = 50;

/**
 * Looks things up by key, many callers with one load: calls that come while a load is under way are gathered for the next.
 * A call is answered by a load that began after it, so it sees everything that was stored before it was made.
 * @param load what there is of these keys, each of which is given once
 * @returns the value of a key, `undefined` when there is none. It rejects as the load of its key did.
 */
export function batched<V>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>,
): (key: string) => Promise<V | undefined> {
  let before: Promise<unknown> = Promise.resolve();
  let gathering: Batch<V> | undefined;

  const gather = (): Batch<V> => {
    const keys = new Set<string>();
    const loaded = before.then(() => {
      gathering = undefined;
      return load([...keys]);
    });
    const settled = loaded.catch(() => undefined);
    before = before.then(() => Promise.race([settled, sleep(PATIENCE_MS)]));
    return { keys, loaded };
  };

  return async (key) => {
    gathering ??= gather();
    const { keys, loaded } = gathering;
    keys.add(key);
    return (await loaded).get(key);
  };
}

interface Batch<V> {
  readonly keys: Set<string>;
  readonly loaded: Promise<ReadonlyMap<string, V>>;
}
