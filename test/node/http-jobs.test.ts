import { describe, expect, it, jest } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { prepareAgent, runByHttp } from './agent-harness.ts';

jest.setTimeout(60_000);

describe('a job over plain HTTP', () => {
  it('ends when its caller hangs up', async () => {
    await using agent = await prepareAgent();
    agent.process.start();
    await agent.ready();
    const caller = new AbortController();
    const job = runByHttp(agent, { command: ['sleep', '300'] }, caller.signal).catch(() => undefined);
    await agent.containers.appear();
    caller.abort();
    await job;
    await agent.containers.disappear();
  });

  it('is ended by SIGTERM after its grace, and nothing is left', async () => {
    await using agent = await prepareAgent();
    agent.process.start();
    await agent.ready();
    const job = runByHttp(agent, { command: ['sleep', '300'] });
    await agent.containers.appear();
    expect(await agent.process.kill('SIGTERM')).toBe(0);
    expect((await job).status).toBe(502);
    expect(await agent.containers.list()).toEqual([]);
  });

  it('of an agent that was killed is removed when the agent starts again, before it registers', async () => {
    await using agent = await prepareAgent();
    agent.process.start();
    await agent.ready();
    const job = runByHttp(agent, { command: ['sleep', '300'] }).catch(() => undefined);
    await agent.containers.appear();
    await agent.process.kill('SIGKILL');
    await job;
    expect(await agent.containers.list()).toHaveLength(1);
    let leftAtRegistration: Promise<string[]> = Promise.resolve(['not asked']);
    agent.plane.script('POST', PATHS.nodeRegister, () => {
      leftAtRegistration = agent.containers.list();
      return undefined;
    });
    agent.process.start();
    await agent.plane.waitForCall('POST', PATHS.nodeRegister, 2);
    expect(await leftAtRegistration).toEqual([]);
  });
});
