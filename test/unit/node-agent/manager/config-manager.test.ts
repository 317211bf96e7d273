import { describe, expect, it } from '@jest/globals';
import type { ConfigAck } from '../../../../contracts/nodes.ts';
import { ConfigManager, ConfigRejectedError } from '../../../../node-agent/manager/config-manager.ts';
import { HttpStatusError } from '../../../../platform/http/client.ts';
import { createLogger } from '../../../../platform/logger.ts';

const CONFIG = {
  version: 1,
  config_version: '1',
  issued_at: '2026-03-01T08:00:00Z',
  node_slug: 'node-01',
  orchestrator: {
    base_url: 'http://o',
    endpoints: { worker_api_target_url: '', node_report_url: 'http://o' },
  },
  worker_api: { orchestrator_bearer_token: 'token' },
};

/** A manager whose acknowledgements end as told, one after the other; then well. */
function manager(ends: readonly Error[]) {
  const acks: ConfigAck[] = [];
  const configs = new ConfigManager({
    slug: 'node-01',
    fetch: async () => CONFIG,
    apply: async () => {
      throw new ConfigRejectedError('unsupported_policy', 'no');
    },
    acknowledge: async (ack) => {
      const end = ends[acks.push(ack) - 1];
      if (end !== undefined) throw end;
    },
    logger: createLogger({ role: 'test', level: 'silent' }),
  });
  return { configs, acks };
}

describe('an acknowledgement', () => {
  it('that does not get through is sent again until it does', async () => {
    const { configs, acks } = manager([new Error('away'), new HttpStatusError(503, 'unavailable', 'away')]);
    await configs.refresh();
    for (let look = 0; look < 4; look += 1) await configs.keepUp(60_000);
    expect(acks.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
  });

  it('that the control plane does not understand is not said again', async () => {
    const { configs, acks } = manager([new HttpStatusError(400, 'validation', 'status')]);
    await configs.refresh();
    for (let look = 0; look < 4; look += 1) await configs.keepUp(60_000);
    expect(acks).toHaveLength(1);
  });
});
