import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { FAKE_WORKER_TOKEN, problemReply } from '../support/fake-control-plane/fake-control-plane.ts';
import { ackOf, prepareAgent, registrations, runByHttp } from './agent-harness.ts';

jest.setTimeout(60_000);

describe('an agent that starts', () => {
  it('does all in order: orchestrator, registration, configuration, acknowledgement, capability', async () => {
    await using agent = await prepareAgent();
    agent.plane.ready = false; // 503 says that it is there
    agent.process.start();
    await agent.ready();
    await agent.plane.waitForCall('POST', PATHS.nodeCapability);
    expect(agent.plane.calls.slice(0, 5).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /readyz',
      'POST /v1/nodes/register',
      'GET /v1/nodes/config',
      'POST /v1/nodes/config',
      'POST /v1/nodes/capability',
    ]);
    expect(registrations(agent)[0]?.agent).toMatchObject({ features: ['temporal_queue'] });
    expect(registrations(agent)[0]?.capability.node.node_slug).toBe(agent.slug);
    expect(await ackOf(agent)).toMatchObject({
      version: 1,
      node_slug: agent.slug,
      config_version: '01J0000000000000000000000A',
      status: 'applied',
    });
    expect(agent.plane.unexpected).toEqual([]);
    expect(await agent.process.kill('SIGTERM')).toBe(0);
  });

  it('waits for an orchestrator that is not there yet', async () => {
    await using agent = await prepareAgent();
    let answers = 0;
    agent.plane.script('GET', PATHS.readyz, () =>
      ++answers < 3 ? { status: 200, hangUp: true } : undefined,
    );
    agent.process.start();
    await agent.ready();
    expect(answers).toBe(3);
  });

  it('keeps its id and what is secret to itself', async () => {
    await using agent = await prepareAgent();
    agent.process.start();
    await agent.ready();
    await agent.process.kill('SIGTERM');
    agent.process.start();
    await agent.plane.waitForCall('POST', PATHS.nodeRegister, 2);
    const ids = registrations(agent).map((body) => body.agent?.instance_id);
    expect(ids[0]).toBe(ids[1]);
    for (const file of ['instance.json', 'registration.json']) {
      expect((await stat(join(agent.stateDir, file))).mode & 0o777).toBe(0o600);
    }
    const log = await agent.process.log();
    expect(log).not.toContain('node-jwt');
    expect(log).not.toContain(FAKE_WORKER_TOKEN);
    expect(log).not.toContain('psk-of-the-node-tests');
  });

  it('ends with what to do when the slug is taken, the key is wrong, or the orchestrator is away', async () => {
    await using agent = await prepareAgent();
    agent.plane.script('POST', PATHS.nodeRegister, () => problemReply('node_slug_taken'));
    agent.process.start();
    expect(await agent.process.exited()).toBe(1);
    expect(await agent.process.log()).toContain(`another live node agent holds the slug ${agent.slug}`);

    const wrongKey = await agent.another({ NODE_REGISTRATION_PSK: 'wrong' });
    agent.plane.script('POST', PATHS.nodeRegister, () => problemReply('authentication'));
    wrongKey.start();
    expect(await wrongKey.exited()).toBe(1);
    expect(await wrongKey.log()).toContain('refuses NODE_REGISTRATION_PSK');

    const away = await agent.another({
      ORCHESTRATOR_URL: 'http://127.0.0.1:1',
      NODE_MANAGER_READINESS_TIMEOUT: '1s',
    });
    away.start();
    expect(await away.exited()).toBe(1);
    expect(await away.log()).toContain('the orchestrator does not answer at http://127.0.0.1:1');
  });

  it('ends with what to do when no container engine answers', async () => {
    await using agent = await prepareAgent({ env: { DOCKER_HOST: 'unix:///no/such/docker.sock' } });
    agent.process.start();
    expect(await agent.process.exited()).toBe(1);
    expect(await agent.process.log()).toContain('no container engine answers at unix:///no/such/docker.sock');
    expect(registrations(agent)).toEqual([]);
  });

  it('does not share its state folder', async () => {
    await using agent = await prepareAgent();
    agent.process.start();
    await agent.ready();
    const second = await agent.another({ CYNODE_STATE_DIR: agent.stateDir });
    second.start();
    expect(await second.exited()).toBe(1);
    expect(await second.log()).toContain('uses this state folder');
    await agent.process.kill('SIGKILL');
    agent.process.start();
    await agent.ready();
  });

  it('works with an orchestrator that knows nothing of incarnations and queues', async () => {
    await using agent = await prepareAgent({ isUpstream: true, tokenLifeMs: 4_000 });
    agent.process.start();
    await agent.ready();
    await agent.plane.waitForCall('POST', PATHS.nodeRegister, 2);
    const reply = await runByHttp(agent, { command: ['echo', 'plain'] });
    expect(await reply.json()).toMatchObject({ status: 'completed', exit_code: 0, stdout: 'plain\n' });
    expect(agent.plane.callsTo('POST', PATHS.nodeContact)).toEqual([]);
  });
});
