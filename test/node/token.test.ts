import { describe, expect, it, jest } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { problemReply } from '../support/fake-control-plane/fake-control-plane.ts';
import { eventually } from '../support/wait.ts';
import { ackOf, POLLING, prepareAgent, registrations, runByHttp } from './agent-harness.ts';

jest.setTimeout(60_000);

describe('the token of a node', () => {
  it('of ten seconds is renewed before it expires, within the same incarnation', async () => {
    await using agent = await prepareAgent({ tokenLifeMs: 10_000, env: POLLING });
    agent.process.start();
    await agent.ready();
    await agent.plane.waitForCall('POST', PATHS.nodeRegister, 3, 30_000);
    expect(agent.plane.incarnation).toBe(1);
    expect(registrations(agent).map((body) => body.agent?.incarnation)).toEqual([undefined, 1, 1]);
    // Capability reports went on every second meanwhile, and none met an expired token.
    expect(await agent.process.log()).not.toContain('authentication');
  });

  it('that is refused is renewed, and the call is made again', async () => {
    await using agent = await prepareAgent({ env: POLLING });
    agent.process.start();
    await agent.ready();
    let refused = 0;
    agent.plane.script('POST', PATHS.nodeCapability, () =>
      refused++ === 0 ? problemReply('authentication') : undefined,
    );
    await agent.plane.waitForCall('POST', PATHS.nodeRegister, 2);
    await eventually('the report got through', async () => refused >= 2);
    expect(registrations(agent)[1]?.agent?.incarnation).toBe(1);
  });

  it('of a run that was replaced makes the agent start over as a new run', async () => {
    await using agent = await prepareAgent({ env: POLLING });
    agent.process.start();
    await agent.ready();
    const job = runByHttp(agent, { command: ['sleep', '300'] });
    await agent.containers.appear();
    agent.plane.incarnation += 1;
    await eventually('it is a new run', async () => agent.plane.incarnation === 3);
    expect((await job).status).toBe(502);
    await agent.containers.disappear();
    expect((await ackOf(agent, 2)).status).toBe('applied');
  });

  it('that cannot be renewed because another agent has the slug ends this one', async () => {
    await using agent = await prepareAgent({ tokenLifeMs: 3_000 });
    agent.process.start();
    await agent.ready();
    agent.plane.script('POST', PATHS.nodeRegister, () => problemReply('node_slug_taken'));
    expect(await agent.process.exited()).toBe(1);
    expect(await agent.process.log()).toContain('another live node agent holds the slug');
  });
});
