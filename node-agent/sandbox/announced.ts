/** A stream in which what counts comes after a line that announces it. */
export interface Announced {
  readonly feed: (chunk: Buffer) => void;
  /** Whether the line has come. */
  readonly begun: () => boolean;
}

/**
 * Passes on what follows the line. Anything else at its place never begins.
 * @param onBegun called once, when the line is complete
 */
export function announcedBy(
  line: string,
  then: (chunk: Buffer) => void,
  onBegun: () => void = () => undefined,
): Announced {
  const expected = Buffer.from(`${line}\n`);
  let matched = 0;
  let failed = false;
  return {
    begun: () => matched === expected.length,
    feed: (chunk) => {
      if (failed) return;
      const missing = chunk.subarray(0, expected.length - matched);
      if (missing.length > 0) {
        failed = !missing.equals(expected.subarray(matched, matched + missing.length));
        if (failed) return;
        matched += missing.length;
        if (matched === expected.length) onBegun();
      }
      const rest = chunk.subarray(missing.length);
      if (rest.length > 0) then(rest);
    },
  };
}
