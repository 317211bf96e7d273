import { z } from 'zod';
import { capabilityReportSchema } from '../../../contracts/nodes.ts';
import type { CapabilityReport } from '../../../contracts/nodes.ts';
import type { NodeAttributes } from '../../../schema/nodes/capability.ts';

/** Body limit of registrations and capability reports. */
export const MAX_REPORT_BYTES = 1024 * 1024;

const MAX_CONCURRENCY = 1_000;
const MAX_LABELS = 64;
const MAX_TEXT = 255;

/** What absent members are for upstream's nodes, which leave out nothing, and its servers, which ask for nothing. */
const ZERO_VALUES = {
  version: 0,
  reported_at: '',
  node: { node_slug: '' },
  platform: { os: '', arch: '' },
  compute: { cpu_cores: 0, ram_mb: 0 },
};

/** Accepts a report that lacks members (contract §7: only its JSON is checked). */
export function lenientReport<T extends z.ZodType>(schema: T) {
  return z.preprocess(withZeroValues, schema);
}

export const lenientReportSchema = lenientReport(capabilityReportSchema);

function withZeroValues(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [name, zero] of Object.entries(ZERO_VALUES)) {
    const given = value[name] ?? zero;
    filled[name] = isRecord(given) && isRecord(zero) ? { ...zero, ...given } : given;
  }
  return filled;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param targetUrlOverride setting of the orchestrator that replaces what every node reports (contract §3.2). */
export function attributesOf(
  report: CapabilityReport,
  targetUrlOverride: string | undefined,
): NodeAttributes {
  return {
    name: nonEmpty(report.node.name?.slice(0, MAX_TEXT)),
    labels: (report.node.labels ?? []).slice(0, MAX_LABELS).map((label) => label.slice(0, MAX_TEXT)),
    maxConcurrency: maxConcurrencyOf(report.sandbox),
    workerApiUrl: nonEmpty((targetUrlOverride ?? report.worker_api?.base_url)?.replace(/\/+$/, '')),
  };
}

function maxConcurrencyOf(sandbox: CapabilityReport['sandbox']): number {
  if (sandbox?.supported === false) return 0;
  return Math.min(Math.max(sandbox?.max_concurrency ?? 1, 0), MAX_CONCURRENCY);
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
