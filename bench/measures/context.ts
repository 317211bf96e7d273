import type { Rig } from '../rig/rig.ts';

/** What a measurement needs. */
export interface BenchContext {
  readonly rig: Rig;
  readonly rounds: number;
  /** Progress, for who waits. */
  readonly say: (line: string) => void;
}
