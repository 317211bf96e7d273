import type { NodeInference } from '../../../../contracts/node-inference.ts';
import type { CapabilityReport } from '../../../../contracts/nodes.ts';
import type { NodeSituation, Situation } from '../../../../schema/inference/situation.ts';

const GIB = 1024 ** 3;

export interface TestNode {
  readonly slug?: string;
  readonly live?: boolean;
  readonly vramMb?: number;
  readonly url?: string | null;
  /** Absent: reached, where there is an address. */
  readonly reach?: NodeSituation['reach'];
  readonly silentSeconds?: number | null;
  readonly enabled?: boolean;
  readonly backend?: NodeInference['backend'];
  readonly reason?: string;
  /** Name → whether it is in memory. */
  readonly models?: Readonly<Record<string, boolean>>;
  readonly pulls?: NodeInference['pulls'];
  readonly labels?: readonly string[];
}

const DEFAULTS: Required<Omit<TestNode, 'silentSeconds' | 'reason' | 'reach'>> = {
  slug: 'node-01',
  live: true,
  vramMb: 0,
  url: 'http://10.0.0.1:12090',
  enabled: true,
  labels: [],
  backend: 'ready',
  models: {},
  pulls: [],
};

/** A live node with a ready Ollama without models, where nothing else is said. */
export function nodeOf(over: TestNode = {}): NodeSituation {
  const node = { ...DEFAULTS, ...over };
  const { silentSeconds = node.live ? 1 : 20, reason = null } = over;
  return {
    slug: node.slug,
    live: node.live,
    report: reportOf(node.slug, node.vramMb),
    status: node.live ? 'active' : 'inactive',
    enabled: node.enabled,
    silentSeconds,
    workerApiUrl: node.url,
    reach:
      over.reach === undefined ? (node.url === null ? null : { reached: true, error: null }) : over.reach,
    labels: node.labels,
    inference: {
      backend: node.backend,
      kind: 'process',
      reason,
      models: Object.entries(node.models).map(([name, loaded], index) => ({
        name,
        loaded,
        size_bytes: (index + 1) * GIB,
      })),
      pulls: node.pulls,
      active: 0,
      queued: 0,
    },
  };
}

function reportOf(slug: string, vramMb: number): CapabilityReport {
  return {
    version: 1,
    reported_at: '',
    node: { node_slug: slug },
    platform: { os: 'linux', arch: 'amd64' },
    compute: { cpu_cores: 1, ram_mb: 1 },
    ...(vramMb > 0 && { gpu: { present: true, devices: [{ vram_mb: vramMb }] } }),
  };
}

export function situationOf(
  nodes: readonly TestNode[],
  over: { readonly pm?: Partial<Situation['pm']>; readonly settings?: Situation['settings'] } = {},
): Situation {
  return {
    nodes: nodes.map(nodeOf),
    settings: over.settings ?? {},
    pm: {
      model: null,
      nodeSlug: null,
      targetModel: null,
      targetNodeSlug: null,
      state: 'none',
      reason: null,
      fingerprint: null,
      ...over.pm,
    },
  };
}
