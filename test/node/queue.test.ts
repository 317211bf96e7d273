import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { z } from 'zod';
import type { CompleteBody, jobDocumentSchema, RunRequest } from '../../contracts/jobs.ts';
import { claimPath, completePath, PATHS } from '../../contracts/paths.ts';
import { jobsQueueOf } from '../../contracts/temporal.ts';
import { startCuttableProxy } from '../support/cuttable-proxy.ts';
import { testSetting } from '../support/engines/environment.ts';
import { problemReply, type ScriptedReply } from '../support/fake-control-plane/fake-control-plane.ts';
import { eventually } from '../support/wait.ts';
import { prepareAgent, type AgentTestOptions, type AgentUnderTest } from './agent-harness.ts';
import { startProbe, type Probe } from './probe.ts';

jest.setTimeout(90_000);

let probe: Probe;
beforeAll(async () => {
  probe = await startProbe();
});
afterAll(async () => {
  await probe[Symbol.asyncDispose]();
});

/** An agent that serves its Temporal queues. */
async function queueAgent(
  address: string = testSetting('temporalAddress'),
  options: AgentTestOptions = {},
): Promise<AgentUnderTest> {
  const agent = await prepareAgent(options);
  agent.plane.config = { ...agent.plane.config, temporal: temporalOf(agent.slug, address) };
  agent.process.start();
  await agent.ready();
  return agent;
}

function temporalOf(slug: string, address: string) {
  return { address, namespace: testSetting('temporalNamespace'), task_queue: jobsQueueOf(slug), tls: false };
}

interface PlacedJob {
  readonly jobId: string;
  readonly claims: () => unknown[];
  readonly completions: () => CompleteBody[];
}

interface Replies {
  readonly claim?: (number: number) => ScriptedReply | undefined;
  readonly complete?: (number: number) => ScriptedReply | undefined;
}

/** Has the control plane know a job; its replies to claim and completion may be scripted by their number. */
function place(agent: AgentUnderTest, sandbox: RunRequest['sandbox'], replies: Replies = {}): PlacedJob {
  const jobId = randomUUID();
  const document: z.input<typeof jobDocumentSchema> = {
    version: 1,
    attempt: 1,
    job: { version: 1, task_id: randomUUID(), job_id: jobId, sandbox },
    timeout_seconds: 60,
    job_token: 'token-of-the-job',
  };
  const received = { claim: [] as unknown[], complete: [] as CompleteBody[] };
  agent.plane.script('POST', claimPath(jobId, 1), ({ body }) => {
    received.claim.push(body);
    return replies.claim?.(received.claim.length) ?? { status: 200, body: document };
  });
  agent.plane.script('POST', completePath(jobId, 1), ({ body }) => {
    received.complete.push(body as CompleteBody);
    const reply = replies.complete?.(received.complete.length);
    return reply ?? { status: 200, body: { job_status: 'completed' } };
  });
  return { jobId, claims: () => received.claim, completions: () => received.complete };
}

const outbox = (agent: AgentUnderTest): Promise<string[]> => readdir(join(agent.stateDir, 'outbox'));

describe('a job on the queue', () => {
  it('is claimed, run and completed under one claim', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { command: ['echo', 'through the queue'] });
    expect(await (await probe.startJob(agent.slug, job.jobId)).result()).toBe('ok');
    expect(job.completions()).toHaveLength(1);
    const [completion] = job.completions();
    expect(job.claims()).toEqual([{ claim_id: completion?.claim_id }]);
    expect(completion?.result).toMatchObject({ status: 'completed', stdout: 'through the queue\n' });
    expect(await outbox(agent)).toEqual([]);
    await agent.containers.disappear();
  });

  it('that may not be claimed does not run, and the failure names the code only', async () => {
    await using agent = await queueAgent();
    for (const code of ['attempt_superseded', 'claim_taken', 'cancel_requested'] as const) {
      const job = place(agent, { command: ['true'] }, { claim: () => problemReply(code, 'secret words') });
      const handle = await probe.startJob(agent.slug, job.jobId);
      expect(await handle.result()).toBe(code);
      expect(JSON.stringify(await handle.fetchHistory())).not.toContain('secret words');
      expect(job.claims()).toHaveLength(1);
      expect(job.completions()).toEqual([]);
    }
    expect(await agent.containers.list()).toEqual([]);
  });

  it('whose claim is answered to nobody is claimed again with the same id', async () => {
    await using agent = await queueAgent();
    const lost = { status: 200, hangUp: true };
    const job = place(agent, { command: ['true'] }, { claim: (number) => (number === 1 ? lost : undefined) });
    expect(await (await probe.startJob(agent.slug, job.jobId)).result()).toBe('ok');
    expect(job.claims()).toHaveLength(2);
    expect(job.claims()[0]).toEqual(job.claims()[1]);
  });

  it('whose completion is answered to nobody is completed again with the same claim and result', async () => {
    await using agent = await queueAgent();
    const lost = { status: 200, hangUp: true };
    const job = place(
      agent,
      { command: ['true'] },
      { complete: (number) => (number < 3 ? lost : undefined) },
    );
    expect(await (await probe.startJob(agent.slug, job.jobId)).result()).toBe('ok');
    const [first, second, third] = job.completions();
    expect([second, third]).toEqual([first, first]);
    expect(await outbox(agent)).toEqual([]);
  });

  it('whose result is refused says why, and drops it', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { command: ['true'] }, { complete: () => problemReply('attempt_superseded') });
    expect(await (await probe.startJob(agent.slug, job.jobId)).result()).toBe('attempt_superseded');
    expect(await outbox(agent)).toEqual([]);
  });

  it('outlives the agent with its result: the next run delivers it', async () => {
    await using agent = await queueAgent();
    const job = place(
      agent,
      { command: ['echo', 'kept'] },
      { complete: (n) => (n < 2 ? { status: 500 } : undefined) },
    );
    await probe.startJob(agent.slug, job.jobId);
    await eventually('a completion was tried', async () => job.completions().length === 1, { everyMs: 5 });
    await agent.process.kill('SIGKILL');
    agent.process.start();
    await eventually('it is delivered', async () => job.completions().length === 2);
    expect(job.completions()[1]).toEqual(job.completions()[0]);
  });

  it('runs beside others, and leaves nothing', async () => {
    await using agent = await queueAgent(undefined, { env: { SANDBOX_MAX_CONCURRENCY: '3' } });
    const jobs = Array.from({ length: 9 }, () => place(agent, { script: 'sleep 0.3; id -u' }));
    let most = 0;
    const watch = setInterval(() => {
      void agent.containers.list().then((names) => (most = Math.max(most, names.length)));
    }, 50);
    const handles = await Promise.all(jobs.map((job) => probe.startJob(agent.slug, job.jobId)));
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(jobs.map(() => 'ok'));
    clearInterval(watch);
    expect(most).toBeGreaterThan(1);
    await agent.containers.disappear();
  });
});

describe('cancelling a job on the queue', () => {
  it('by the control queue ends it while Temporal still thinks that it runs', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { script: 'trap "" TERM; while :; do sleep 1; done' });
    const handle = await probe.startJob(agent.slug, job.jobId);
    await agent.containers.appear();
    const cancel = await probe.startControl(agent.slug, 'cancelJob', { jobId: job.jobId, attempt: 1 });
    expect(await cancel.result()).toEqual({ found: true });
    expect(await agent.containers.list()).toEqual([]);
    expect(await handle.result()).toBe('cancel_requested');
  });

  it('by Temporal alone ends it too', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { command: ['sleep', '300'] });
    const handle = await probe.startJob(agent.slug, job.jobId);
    await agent.containers.appear();
    await handle.cancel();
    expect(await handle.result()).toBe('canceled');
    expect(await agent.containers.list()).toEqual([]);
  });

  it('before it starts leaves nothing to start', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { command: ['true'] });
    const cancel = await probe.startControl(agent.slug, 'cancelJob', { jobId: job.jobId, attempt: 1 });
    expect(await cancel.result()).toEqual({ found: false });
    expect(await (await probe.startJob(agent.slug, job.jobId)).result()).toBe('cancel_requested');
    expect(job.completions()).toEqual([]);
  });
});

describe('the lease', () => {
  it('of an attempt that cannot be renewed ends its job within its nine seconds', async () => {
    await using proxy = await startCuttableProxy(testSetting('temporalAddress'));
    await using agent = await queueAgent(proxy.address);
    const job = place(agent, { command: ['sleep', '300'] });
    await probe.startJob(agent.slug, job.jobId);
    await agent.containers.appear();
    await proxy.cut();
    const cutAtMs = performance.now();
    await agent.containers.disappear();
    expect(performance.now() - cutAtMs).toBeLessThan(10_000);
    expect(performance.now() - cutAtMs).toBeGreaterThan(5_000);
    expect(job.completions()).toEqual([]);
    await proxy.mend();
  });

  it('of an agent that slept through it ends the job as soon as it wakes', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { script: 'sleep 12; echo too late' });
    await probe.startJob(agent.slug, job.jobId);
    await agent.containers.appear();
    await agent.process.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await agent.process.kill('SIGCONT');
    const wokenAtMs = performance.now();
    await agent.containers.disappear();
    expect(performance.now() - wokenAtMs).toBeLessThan(1_500);
    expect(job.completions()).toEqual([]);
  });

  it('of the node is told to the control plane while it is held, and refused to another incarnation', async () => {
    await using agent = await queueAgent();
    const held = async (): Promise<unknown> => agent.plane.callsTo('POST', PATHS.nodeContact).at(-1)?.body;
    await eventually('contact without a lease', async () => (await held()) !== undefined);
    expect(await held()).toMatchObject({ lease_held: false, running_jobs: 0 });
    const foreign = await probe.startControl(agent.slug, 'nodeLease', { incarnation: 7 });
    expect(await foreign.result()).toBe('conflict');
    const lease = await probe.startControl(agent.slug, 'nodeLease', { incarnation: 1 });
    await eventually('contact with the lease', async () => {
      const contact = (await held()) as { lease_held?: boolean } | undefined;
      return contact?.lease_held;
    });
    await agent.process.kill('SIGTERM');
    expect(await lease.result()).not.toEqual({ kind: 'handover' });
  });
});

describe('an agent with a queue', () => {
  it('hands its jobs back at once when it has to end', async () => {
    await using agent = await queueAgent();
    const job = place(agent, { command: ['sleep', '300'] });
    const handle = await probe.startJob(agent.slug, job.jobId);
    await agent.containers.appear();
    expect(await agent.process.kill('SIGTERM')).toBe(0);
    expect(await handle.result()).toBe('node_fault');
    expect(await agent.containers.list()).toEqual([]);
  });

  it('lets a short job finish when it has to end', async () => {
    await using agent = await queueAgent(undefined, { env: { NODE_SHUTDOWN_GRACE: '10s' } });
    const job = place(agent, { script: 'sleep 2; echo finished' });
    const handle = await probe.startJob(agent.slug, job.jobId);
    await agent.containers.appear();
    await agent.process.kill('SIGTERM');
    expect(await handle.result()).toBe('ok');
    expect(job.completions()[0]?.result.stdout).toBe('finished\n');
  });

  it('takes a new configuration when it is told to, and finishes what it has under the old one', async () => {
    await using proxy = await startCuttableProxy(testSetting('temporalAddress'));
    await using agent = await queueAgent();
    const running = place(agent, { script: 'sleep 3; echo under the old one' });
    const old = await probe.startJob(agent.slug, running.jobId);
    await agent.containers.appear();
    agent.plane.config = {
      ...agent.plane.config,
      config_version: 'next',
      temporal: temporalOf(agent.slug, proxy.address),
    };
    const apply = await probe.startControl(agent.slug, 'applyConfig', { configVersion: 'next' });
    await apply.result();
    const ack = await agent.plane.waitForCall('POST', PATHS.nodeConfig, 2);
    expect(ack.body).toMatchObject({ config_version: 'next', status: 'applied' });
    const next = place(agent, { command: ['echo', 'under the new one'] });
    expect(await (await probe.startJob(agent.slug, next.jobId)).result()).toBe('ok');
    expect(await old.result()).toBe('ok');
    expect(running.completions()[0]?.result.stdout).toBe('under the old one\n');
  });
});
