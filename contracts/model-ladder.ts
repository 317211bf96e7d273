import type { CapabilityReport } from './nodes.ts';

/** Models by the memory of a node's GPUs, best first (contract §8.4.1, the ladder of the specification). */
const LADDER: readonly { readonly fromVramMb: number; readonly models: readonly string[] }[] = [
  {
    fromVramMb: 24_000,
    models: ['qwen3.5:35b', 'qwen2.5:32b', 'qwen2.5:14b', 'qwen3.5:9b', 'qwen3.5:0.8b'],
  },
  { fromVramMb: 16_000, models: ['qwen3.5:9b', 'qwen2.5:14b', 'qwen3.5:0.8b'] },
  { fromVramMb: 8_000, models: ['qwen3.5:9b', 'qwen3.5:0.8b'] },
  { fromVramMb: 0, models: ['qwen3.5:0.8b'] },
];

/** The models that suit a node with that much GPU memory in all, best first; never empty. */
export function modelsFor(totalVramMb: number): readonly string[] {
  return LADDER.find(({ fromVramMb }) => totalVramMb >= fromVramMb)?.models ?? [];
}

/** What is known of a node's models. */
export interface ModelsOfNode {
  readonly totalVramMb: number;
  readonly models: readonly { readonly name: string; readonly size_bytes?: number | undefined }[];
  /** Models that could not be had there. */
  readonly unavailable: readonly string[];
}

/**
 * The model for a node: the first of its ladder that is there, else the first that may still be had, else the largest that
 * is there at all, whoever put it there. Never empty: what cannot be had is said to be wanted, so that somebody sees it.
 */
export function chooseModel({ totalVramMb, models, unavailable }: ModelsOfNode): string {
  const ladder = modelsFor(totalVramMb);
  const present = new Set(models.map(({ name }) => name));
  const [largest] = [...models].sort((a, b) => (b.size_bytes ?? 0) - (a.size_bytes ?? 0));
  return (
    ladder.find((model) => present.has(model)) ??
    ladder.find((model) => !unavailable.includes(model)) ??
    largest?.name ??
    ladder[0] ??
    ''
  );
}

type Device = NonNullable<NonNullable<CapabilityReport['gpu']>['devices']>[number];

export function devicesOf(report: CapabilityReport | null): readonly Device[] {
  return report?.gpu?.devices ?? [];
}

/** Of all GPUs together, in MiB. */
export function totalVramMb(report: CapabilityReport | null): number {
  const total: unknown = report?.gpu?.['total_vram_mb'];
  if (typeof total === 'number') return total;
  return devicesOf(report).reduce((sum, { vram_mb: vram = 0 }) => sum + vram, 0);
}

const CONTEXT = { shareOfVram: 0.4, mbPerUnit: 50, tokensPerUnit: 1024, min: 8_192, max: 40_960 } as const;

/** Tokens that models are loaded with: 40 % of the first GPU's memory, 50 MB for 1024, down to a power of two, within bounds. */
export function contextTokensFor(report: CapabilityReport | null): number {
  const vramMb = devicesOf(report)[0]?.vram_mb ?? 0;
  const fits = ((CONTEXT.shareOfVram * vramMb) / CONTEXT.mbPerUnit) * CONTEXT.tokensPerUnit;
  const power = 2 ** Math.floor(Math.log2(Math.max(fits, 1)));
  return Math.min(Math.max(power, CONTEXT.min), CONTEXT.max);
}
