import { describe, expect, it, jest } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { ackOf, POLLING, prepareAgent, runByHttp, type AgentUnderTest } from './agent-harness.ts';

jest.setTimeout(60_000);

/** A configuration that differs from the first one. */
function newConfig(agent: AgentUnderTest, change: object): void {
  agent.plane.config = { ...agent.plane.config, config_version: '01J0000000000000000000000B', ...change };
}

describe('a configuration', () => {
  it('that cannot be applied is rolled back, said so, and the one before keeps working', async () => {
    await using agent = await prepareAgent({ env: POLLING });
    agent.process.start();
    await agent.ready();
    newConfig(agent, { policy: { sandbox: { default_network_policy: 'unrestricted' } } });
    expect(await ackOf(agent, 2)).toMatchObject({
      config_version: '01J0000000000000000000000B',
      status: 'rolled_back',
      error: { type: 'unsupported_policy', message: expect.stringContaining('unrestricted') },
    });
    expect((await runByHttp(agent, { command: ['true'] })).status).toBe(200);
    // It is said once, not at every look.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect(agent.plane.callsTo('POST', PATHS.nodeConfig)).toHaveLength(2);
  });

  it('with a Temporal that is not there is rolled back', async () => {
    await using agent = await prepareAgent({ env: POLLING });
    agent.process.start();
    await agent.ready();
    newConfig(agent, {
      temporal: { address: '127.0.0.1:1', namespace: 'none', task_queue: `node:${agent.slug}`, tls: false },
    });
    expect(await ackOf(agent, 2)).toMatchObject({
      status: 'rolled_back',
      error: { type: 'temporal_unreachable', message: expect.stringContaining('127.0.0.1:1') },
    });
    expect((await runByHttp(agent, { command: ['true'] })).status).toBe(200);
  });

  it('that is the first one and fails is said so, and tried until it works', async () => {
    await using agent = await prepareAgent({
      config: { policy: { sandbox: { default_network_policy: 'allowlist' } } },
    });
    agent.process.start();
    expect(await ackOf(agent)).toMatchObject({ status: 'failed', error: { type: 'unsupported_policy' } });
    agent.plane.config = { ...agent.plane.config, policy: { sandbox: { default_network_policy: 'none' } } };
    expect(await ackOf(agent, 2)).toMatchObject({ status: 'applied' });
    await agent.ready();
  });

  it('of another version, for another node or without a token is refused', async () => {
    await using agent = await prepareAgent({ env: POLLING });
    agent.process.start();
    await agent.ready();
    let acks = 1;
    for (const change of [
      { version: 2, config_version: 'c' },
      { node_slug: 'somebody-else', config_version: 'd' },
      { worker_api: { orchestrator_bearer_token: '' }, config_version: 'e' },
    ]) {
      const before = agent.plane.config;
      newConfig(agent, change);
      expect(await ackOf(agent, ++acks)).toMatchObject({
        config_version: change.config_version,
        status: 'rolled_back',
        error: { type: 'invalid_config' },
      });
      agent.plane.config = before;
      await ackOf(agent, ++acks);
    }
  });

  it('whose acknowledgement got lost is acknowledged again', async () => {
    await using agent = await prepareAgent();
    let lost = 0;
    agent.plane.script('POST', PATHS.nodeConfig, () => (lost++ === 0 ? { status: 500 } : undefined));
    agent.process.start();
    expect(await ackOf(agent, 2)).toMatchObject({ status: 'applied' });
  });

  it('changes token, images and timeouts for what comes', async () => {
    await using agent = await prepareAgent({ env: POLLING });
    agent.process.start();
    await agent.ready();
    newConfig(agent, {
      policy: { sandbox: { allowed_images: ['only:this'] } },
      constraints: { max_job_timeout_seconds: 1, max_request_bytes: 600 },
    });
    await ackOf(agent, 2);
    const refused = await (await runByHttp(agent, { command: ['true'] })).json();
    expect(refused).toMatchObject({ status: 'failed', failure_code: 'image_unavailable' });
    expect((await runByHttp(agent, { command: ['x'.repeat(1000)] })).status).toBe(413);
    newConfig(agent, {
      policy: undefined,
      config_version: 'c',
      worker_api: { orchestrator_bearer_token: 'rotated' },
    });
    await ackOf(agent, 3);
    expect((await runByHttp(agent, { command: ['true'] })).status).toBe(401);
  });
});

describe('a busy port of the Worker API', () => {
  it('is named in the acknowledgement', async () => {
    await using agent = await prepareAgent();
    const port = new URL(agent.plane.url).port;
    const other = await agent.another({ WORKER_API_LISTEN_ADDR: `127.0.0.1:${port}` });
    other.start();
    expect(await ackOf(agent)).toMatchObject({
      status: 'failed',
      error: { type: 'worker_api_unavailable', message: expect.stringContaining(port) },
    });
  });
});
