import { randomBytes } from 'node:crypto';
import { asGo } from './go-client.ts';
import type { GoReply } from './go-client.ts';

/** Body of a capability report with exactly the members that upstream's node-manager sends (contract §8.2, column "sent"). */
export function sentCapability(slug: string, workerApiUrl = 'http://node.test:12090') {
  return {
    version: 1,
    reported_at: '2026-03-01T08:00:00Z',
    node: { node_slug: slug, name: 'Default Node' },
    platform: { os: 'linux', arch: 'amd64' },
    compute: { cpu_cores: 8, ram_mb: 4096 },
    gpu: {
      present: true,
      devices: [{ vendor: 'NVIDIA', vram_mb: 24_576, features: { cuda_capability: 'unknown' } }],
    },
    sandbox: { supported: true, features: ['netns'], max_concurrency: 4 },
    inference: {
      supported: true,
      existing_service: true,
      running: true,
      available_models: ['qwen3:8b', 'smollm2:135m'],
    },
    worker_api: { base_url: workerApiUrl },
    managed_services: {
      supported: true,
      features: [
        'service_containers',
        'agent_orchestrator_proxy_bidirectional',
        'agent_orchestrator_proxy_identity_bound',
        'agent_proxy_urls_auto',
      ],
    },
  };
}

/** What it reports of a managed service after it was configured (contract §8.2.1). */
export const SENT_SERVICES_STATUS = {
  services: [
    {
      service_id: 'pma-main',
      service_type: 'pma',
      state: 'ready',
      endpoints: ['http://node.test:12090/v1/worker/managed-services/pma-main/proxy:http'],
      agent_to_orchestrator_proxy: {
        mcp_gateway_proxy_url:
          'http+unix://%2Fvar%2Flib%2Fcynode%2Fproxy.sock/v1/worker/internal/orchestrator/mcp:call',
        ready_callback_proxy_url:
          'http+unix://%2Fvar%2Flib%2Fcynode%2Fproxy.sock/v1/worker/internal/orchestrator/agent:ready',
        binding: 'per_service_uds',
      },
      ready_at: '2026-03-01T08:00:05Z',
    },
  ],
};

/** What node-manager reads of the bootstrap payload; it refuses the payload without any of these (contract §8.3). */
interface ReadBootstrap {
  readonly version: number;
  readonly orchestrator: {
    readonly base_url: string;
    readonly endpoints: Readonly<Record<string, string>>;
  };
  readonly auth: { readonly node_jwt: string; readonly expires_at: string };
}

/** Upstream's node-manager, as far as its calls go: after the registration it uses only the URLs that it was given. */
export class UpstreamNodeManager {
  readonly slug = `upstream-${randomBytes(4).toString('hex')}`;
  readonly #orchestratorUrl: string;
  readonly #psk: string;
  #bootstrap: ReadBootstrap | undefined;

  constructor(orchestratorUrl: string, psk: string) {
    this.#orchestratorUrl = orchestratorUrl;
    this.#psk = psk;
  }

  get bootstrap(): ReadBootstrap {
    if (this.#bootstrap === undefined) throw new Error('not registered');
    return this.#bootstrap;
  }

  readyz(): Promise<GoReply> {
    return asGo({ method: 'GET', url: `${this.#orchestratorUrl}/readyz` });
  }

  async register(capability: object = sentCapability(this.slug)): Promise<GoReply> {
    const reply = await asGo({
      method: 'POST',
      url: `${this.#orchestratorUrl}/v1/nodes/register`,
      body: { psk: this.#psk, capability },
    });
    if (reply.status === 200 || reply.status === 201) this.#bootstrap = reply.json() as ReadBootstrap;
    return reply;
  }

  config(authorization = this.#bearer()): Promise<GoReply> {
    return asGo({ method: 'GET', url: this.#endpoint('node_config_url'), authorization });
  }

  acknowledge(configVersion: string, more: object = {}): Promise<GoReply> {
    return asGo({
      method: 'POST',
      url: this.#endpoint('node_config_url'),
      authorization: this.#bearer(),
      body: {
        version: 1,
        node_slug: this.slug,
        config_version: configVersion,
        ack_at: '2026-03-01T08:00:03Z',
        status: 'applied',
        ...more,
      },
    });
  }

  report(capability: object = sentCapability(this.slug)): Promise<GoReply> {
    return asGo({
      method: 'POST',
      url: this.#endpoint('node_report_url'),
      authorization: this.#bearer(),
      body: capability,
    });
  }

  #endpoint(name: string): string {
    return this.bootstrap.orchestrator.endpoints[name] ?? '';
  }

  #bearer(): string {
    return `Bearer ${this.bootstrap.auth.node_jwt}`;
  }
}
