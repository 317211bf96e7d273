/**
 * Work that is the same whoever asks for it: one run at a time. Who asks during a run shares the next one with all others who
 * do, so what was stored before one asked is seen by the run that one is given.
 * @returns a call that settles as its run does
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const begin = (): Promise<void> => {
    next = undefined;
    current = work().finally(() => {
      current = undefined;
    });
    return current;
  };

  return () => {
    if (next !== undefined) return next;
    if (current === undefined) return begin();
    next = current.then(begin, begin);
    return next;
  };
}
