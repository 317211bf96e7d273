/** A stream that was looked at on its way. */
export interface Rewritten {
  readonly feed: (chunk: Buffer) => void;
  /** Passes on what is held back; to be called at the end. */
  readonly flush: () => void;
}

/** The usual process number of a container's program, which its init names when it cannot start it. */
const PROGRAM_PID = 7;

/**
 * Says in the words of a container's init that a program could not be started, where `env` says it in its own: which of
 * them starts a job must make no difference to its result. Looks at the beginning of stderr only.
 */
export function inWordsOfInit(program: string, then: (chunk: Buffer) => void): Rewritten {
  // BusyBox; coreutils without and with a UTF-8 locale.
  const known = [`env: can't execute '${program}': `, `env: '${program}': `, `env: ‘${program}’: `].map(
    (text) => Buffer.from(text),
  );
  let held: Buffer | null = Buffer.alloc(0);
  const flush = (): void => {
    if (held !== null && held.length > 0) then(held);
    held = null;
  };
  return {
    flush,
    feed: (chunk) => {
      if (held === null) return then(chunk);
      held = Buffer.concat([held, chunk]);
      const beginning = held;
      const found = known.find((text) => beginning.subarray(0, text.length).equals(text));
      if (found !== undefined) {
        then(Buffer.from(`[FATAL tini (${PROGRAM_PID})] exec ${program} failed: `));
        held = beginning.subarray(found.length);
      }
      const undecided =
        found === undefined &&
        known.some(
          (text) => text.subarray(0, beginning.length).equals(beginning) && beginning.length < text.length,
        );
      if (!undecided) flush();
    },
  };
}
