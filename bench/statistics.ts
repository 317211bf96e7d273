/** What a series of measurements comes down to. */
export interface Summary {
  readonly n: number;
  readonly min: number;
  readonly p5: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** @throws RangeError for no values */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    n: sorted.length,
    min: quantile(sorted, 0),
    p5: quantile(sorted, 0.05),
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    max: quantile(sorted, 1),
  };
}

/**
 * Linear between the two nearest ranks.
 * @param sorted ascending
 * @throws RangeError for no values
 */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('no values to summarise');
  return below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** How much one side is of the other: of the medians of all values, and its range over the rounds. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Compares two sides that were measured in turns.
 * @param ours values of each round
 * @param other values of the same rounds
 */
export function ratioOf(ours: readonly (readonly number[])[], other: readonly (readonly number[])[]): Ratio {
  const rounds = ours.map((values, round) => median(values) / median(other[round] ?? []));
  return {
    median: median(ours.flat()) / median(other.flat()),
    min: Math.min(...rounds),
    max: Math.max(...rounds),
  };
}
