import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { problemReply } from '../support/fake-control-plane/fake-control-plane.ts';
import { eventually } from '../support/wait.ts';
import { prepareAgent, type AgentUnderTest } from './agent-harness.ts';

jest.setTimeout(60_000);

describe('a result that the run before could not deliver', () => {
  const entry = (ageMs = 0) => ({
    job_id: randomUUID(),
    attempt: 1,
    claim_id: randomUUID(),
    stored_at_ms: Date.now() - ageMs,
    result: {
      version: 1,
      task_id: 't',
      job_id: 'j',
      status: 'completed',
      exit_code: 0,
      started_at: '2026-01-01T00:00:00Z',
      ended_at: '2026-01-01T00:00:01Z',
    },
  });

  /** An agent that was registered once, and stopped; then this is put into its outbox. */
  async function stoppedAgent(content: ReturnType<typeof entry>): Promise<AgentUnderTest> {
    const agent = await prepareAgent();
    agent.process.start();
    await agent.ready();
    await agent.process.kill('SIGKILL');
    await mkdir(join(agent.stateDir, 'outbox'), { recursive: true });
    await writeFile(join(agent.stateDir, 'outbox', `${content.job_id}-1.json`), JSON.stringify(content));
    agent.plane.calls.length = 0;
    return agent;
  }

  const outbox = (agent: AgentUnderTest): Promise<string[]> => readdir(join(agent.stateDir, 'outbox'));

  it('is delivered with the claim it was made under, before the new run is registered', async () => {
    const left = entry();
    await using agent = await stoppedAgent(left);
    const path = `/v1/nodes/jobs/${left.job_id}/attempts/1:complete`;
    agent.plane.script('POST', path, () => ({ status: 200, body: { job_status: 'completed' } }));
    agent.process.start();
    await agent.ready();
    const order = agent.plane.calls.map((call) => call.path);
    expect(order.indexOf(path)).toBeLessThan(order.indexOf(PATHS.nodeRegister));
    expect(agent.plane.callsTo('POST', path)[0]?.body).toMatchObject({ claim_id: left.claim_id });
    expect(await outbox(agent)).toEqual([]);
  });

  it('is dropped when it is refused', async () => {
    const left = entry();
    await using agent = await stoppedAgent(left);
    const path = `/v1/nodes/jobs/${left.job_id}/attempts/1:complete`;
    agent.plane.script('POST', path, () => problemReply('attempt_superseded'));
    agent.process.start();
    await agent.ready();
    expect(agent.plane.callsTo('POST', path)).toHaveLength(1);
    expect(await outbox(agent)).toEqual([]);
  });

  it('is tried again while the control plane cannot take it', async () => {
    const left = entry();
    await using agent = await stoppedAgent(left);
    const path = `/v1/nodes/jobs/${left.job_id}/attempts/1:complete`;
    let tries = 0;
    agent.plane.script('POST', path, () =>
      ++tries < 3 ? { status: 500, hangUp: tries === 2 } : { status: 200, body: { job_status: 'completed' } },
    );
    agent.process.start();
    await eventually('it is delivered', async () => tries >= 3 && (await outbox(agent)).length === 0);
  });

  it('is given up after its grace', async () => {
    const left = entry(16 * 60_000);
    await using agent = await stoppedAgent(left);
    agent.plane.script('POST', `/v1/nodes/jobs/${left.job_id}/attempts/1:complete`, () => ({ status: 500 }));
    agent.process.start();
    await agent.ready();
    expect(await outbox(agent)).toEqual([]);
    expect(await readFile(agent.process.logFile, 'utf8')).toContain('result given up');
  });
});
