import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { containerName, sidecarOf } from '../../node-agent/sandbox/names.ts';
import { LeaseFolder } from '../../node-agent/watchdog/lease-files.ts';
import { WatchdogProcess } from '../../node-agent/watchdog/watchdog-process.ts';
import { bootTimeMs } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import { containersOf } from '../support/containers.ts';
import { testSetting } from '../support/engines/environment.ts';
import { isAlive, watchdogPids } from '../support/watchdogs.ts';
import { eventually } from '../support/wait.ts';
import { prepareAgent, runByHttp, type AgentUnderTest } from './agent-harness.ts';

jest.setTimeout(60_000);

const PROMISED_MS = 12_000;
const run = promisify(execFile);
const dockerEnv = () => ({ env: { ...process.env, DOCKER_HOST: testSetting('dockerHost') } });

async function runningAgent(): Promise<AgentUnderTest> {
  const agent = await prepareAgent();
  agent.process.start();
  await agent.ready();
  return agent;
}

/** Resolves when its container runs; `status` is what its caller gets, 0 when that is nothing. */
async function startJob(agent: AgentUnderTest): Promise<{ readonly status: Promise<number> }> {
  const status = runByHttp(agent, { command: ['sleep', '300'] }).then(
    (reply) => reply.status,
    () => 0,
  );
  await agent.containers.appear();
  return { status };
}

const isReady = async (agent: AgentUnderTest): Promise<boolean> =>
  (await fetch(`${agent.workerApiUrl}/readyz`)).ok;

const leaseFiles = (agent: AgentUnderTest): Promise<string[]> => readdir(join(agent.stateDir, 'leases'));

describe('a node agent that is stopped', () => {
  it('has its container ended within 12 s, gives no result of it, and works again when it continues', async () => {
    await using agent = await runningAgent();
    const job = await startJob(agent);
    await agent.process.kill('SIGSTOP');
    const sinceMs = performance.now();
    await agent.containers.disappear();
    expect(performance.now() - sinceMs).toBeLessThan(PROMISED_MS);
    expect(await leaseFiles(agent)).toHaveLength(1);
    await agent.process.kill('SIGCONT');
    expect(await job.status).toBe(502);
    await eventually('the lease file is gone', async () => (await leaseFiles(agent)).length === 0);
    const next = await runByHttp(agent, { command: ['echo', 'again'] });
    expect(await next.json()).toMatchObject({ status: 'completed', stdout: 'again\n' });
    await agent.containers.disappear();
  });
});

describe('a node agent that is killed and does not come back', () => {
  it('has its container removed within 12 s, and its watchdog ends by itself', async () => {
    await using agent = await runningAgent();
    const job = await startJob(agent);
    const [watchdog = 0] = await watchdogPids(agent.process);
    await agent.process.kill('SIGKILL');
    const sinceMs = performance.now();
    expect(await job.status).toBe(0);
    await agent.containers.disappear();
    expect(performance.now() - sinceMs).toBeLessThan(PROMISED_MS);
    await eventually('the watchdog has ended', async () => !isAlive(watchdog), { timeoutMs: 3_000 });
    expect(await leaseFiles(agent)).toEqual([]);
    expect(await agent.process.log()).toMatch(/"role":"watchdog".*container is gone/);
  });
});

describe('the watchdog', () => {
  it('is started again when it is killed, and does its work then', async () => {
    await using agent = await runningAgent();
    const job = await startJob(agent);
    const [first = 0] = await watchdogPids(agent.process);
    process.kill(first, 'SIGKILL');
    const second = await eventually(
      'another watchdog runs',
      async () => (await watchdogPids(agent.process))[1],
    );
    expect(await agent.process.log()).toMatch(/watchdog ended, starting it again/);
    await agent.process.kill('SIGKILL');
    await agent.containers.disappear();
    await eventually('the watchdog has ended', async () => !isAlive(second), { timeoutMs: 3_000 });
    await job.status;
  });

  it('that hangs is ended and started again, and until then the node takes no work', async () => {
    await using agent = await runningAgent();
    const [first = 0] = await watchdogPids(agent.process);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    process.kill(first, 'SIGSTOP');
    await eventually('the node takes no work', async () => !(await isReady(agent)), { timeoutMs: 6_000 });
    // Sooner if it had looked before.
    const options = { timeoutMs: 15_000 };
    await eventually('another watchdog runs', async () => (await watchdogPids(agent.process))[1], options);
    expect(isAlive(first)).toBe(false);
    await agent.ready();
    expect(await agent.process.log()).toMatch(/watchdog does not look, ending it/);
  });

  it('is not taken for hung by an agent that was stopped itself, nor does it mind that nobody listens', async () => {
    await using agent = await runningAgent();
    const [watchdog = 0] = await watchdogPids(agent.process);
    await agent.process.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await agent.process.kill('SIGCONT');
    expect(await isReady(agent)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await watchdogPids(agent.process)).toEqual([watchdog]);
    expect(isAlive(watchdog)).toBe(true);
  });

  it('that died with its agent is followed by one that needs no orchestrator to end what was left', async () => {
    await using agent = await runningAgent();
    const job = await startJob(agent);
    const [watchdog = 0] = await watchdogPids(agent.process);
    await agent.process.kill('SIGKILL');
    process.kill(watchdog, 'SIGKILL');
    const sinceMs = performance.now();
    const next = await agent.another({
      CYNODE_STATE_DIR: agent.stateDir,
      ORCHESTRATOR_URL: 'http://127.0.0.1:1',
    });
    next.start();
    await agent.containers.disappear();
    expect(performance.now() - sinceMs).toBeLessThan(PROMISED_MS);
    expect(await next.log()).not.toMatch(/containers of an earlier run removed/);
    await job.status;
  });

  it('removes the sidecar of a container whose lease ran out, and nothing of one whose lease did not', async () => {
    const node = `${testSetting('nodePrefix')}-${randomUUID().slice(0, 8)}`;
    const leases = new LeaseFolder(await mkdtemp(join(testSetting('stateFolder'), 'leases-')));
    const names: string[] = [];
    for (const [job, leftMs] of [
      ['overdue', 0],
      ['held', 60_000],
    ] as const) {
      const ids = { task_id: randomUUID(), job_id: `${job}-${randomUUID()}`, attempt: 1 };
      const container = containerName(ids.job_id, 1);
      for (const name of [container, sidecarOf(container)]) {
        const args = ['run', '--detach', '--name', name, '--label', `cynodeai.node=${node}`];
        await run('docker', [...args, testSetting('sandboxImage'), 'sleep', '60'], dockerEnv());
      }
      if (job === 'held') names.push(container, sidecarOf(container));
      await leases.open({ ...ids, container }, bootTimeMs() + leftMs);
    }
    const settings = { folder: leases.path, run: leases.run, dockerHost: testSetting('dockerHost'), node };
    const logger = createLogger({ role: 'test', level: 'silent' });
    const watchdog = new WatchdogProcess({ ...settings, logLevel: 'silent' }, logger);
    watchdog.start();
    try {
      const look = async (): Promise<boolean> => (await containersOf({ node }).list()).length === 2;
      await eventually('two of four are gone', look, { timeoutMs: 10_000 });
      expect((await containersOf({ node }).list()).sort()).toEqual(names.sort());
    } finally {
      await leases.clear();
      await watchdog[Symbol.asyncDispose]();
      await run('docker', ['rm', '--force', ...names], dockerEnv());
    }
  });

  it('ends with an agent that ends in order', async () => {
    await using agent = await runningAgent();
    const [watchdog = 0] = await watchdogPids(agent.process);
    expect(isAlive(watchdog)).toBe(true);
    expect(await (await fetch(`${agent.workerApiUrl}/metrics`)).text()).toMatch(
      /^cynodeai_node_watchdog_up 1$/m,
    );
    await eventually('signals are heard', async () => /"serving"/.test(await agent.process.log()));
    expect(await agent.process.kill('SIGTERM')).toBe(0);
    expect(isAlive(watchdog)).toBe(false);
  });
});
