import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { handleSchema, loginBodySchema, logoutBodySchema, passwordSchema } from '../../../contracts/auth.ts';
import { nodeSlugSchema, rfc3339, uuidSchema } from '../../../contracts/ids.ts';
import { claimBodySchema, runRequestSchema, runResponseSchema } from '../../../contracts/jobs.ts';
import { capabilityReportSchema, nodeContactSchema, registerBodySchema } from '../../../contracts/nodes.ts';
import { claimPath, completePath } from '../../../contracts/paths.ts';
import {
  controlQueueOf,
  jobsQueueOf,
  LEASE,
  nodeWorkflowId,
  taskWorkflowId,
} from '../../../contracts/temporal.ts';

describe('ids and times', () => {
  it('are lower-case UUIDs, also where they came in capitals', () => {
    const id = randomUUID();
    expect(uuidSchema.parse(id.toUpperCase())).toBe(id);
    for (const text of ['', id.slice(1), `${id}0`, `{${id}}`])
      expect(uuidSchema.safeParse(text).success).toBe(false);
  });

  it('are RFC 3339 in UTC to the second, cut and not rounded', () => {
    const times = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(times, (date) => {
        expect(rfc3339(date)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(Date.parse(rfc3339(date))).toBe(Math.floor(date.getTime() / 1000) * 1000);
      }),
    );
  });

  it('of nodes are slugs that fit into names of queues and labels', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 70 }), (text) => {
        const fits = /^[a-z0-9-]{1,63}$/.test(text) && !text.startsWith('-') && !text.endsWith('-');
        expect(nodeSlugSchema.safeParse(text).success).toBe(fits);
      }),
    );
    for (const slug of ['a', '0', 'node-01', 'a--b', 'a'.repeat(63)])
      expect(nodeSlugSchema.safeParse(slug).success).toBe(true);
    for (const slug of ['', 'A', 'a_b', 'a:control', '-a', 'a-', 'a'.repeat(64), 'a\n'])
      expect(nodeSlugSchema.safeParse(slug).success).toBe(false);
  });
});

describe('names on Temporal', () => {
  it('of two nodes never meet, nor those of a node with its own', () => {
    const slug = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(slug, slug, (one, other) => {
        const names = (of: string) => [jobsQueueOf(of), controlQueueOf(of)];
        expect(new Set([...names(one), ...names(other), 'orchestrator']).size).toBe(one === other ? 3 : 5);
      }),
    );
    expect([taskWorkflowId('1'), nodeWorkflowId('1')]).toEqual(['task-1', 'node-1']);
  });

  it('leave the node time to stop a job before it is given to another', () => {
    expect(LEASE.durationMs).toBeLessThan(LEASE.heartbeatTimeoutMs);
    expect(LEASE.renewMs * 2).toBeLessThan(LEASE.durationMs);
    expect(LEASE.contactIntervalMs * 2).toBeLessThan(LEASE.contactFreshMs);
  });
});

describe('people', () => {
  it('have handles that need no quoting', () => {
    for (const handle of ['a', 'ada', 'ada.l_1-x', '0', 'a'.repeat(63)])
      expect(handleSchema.safeParse(handle).success).toBe(true);
    for (const handle of ['', 'Ada', '.a', '-a', 'a b', 'a@b', 'a'.repeat(64), 'a\n'])
      expect(handleSchema.safeParse(handle).success).toBe(false);
  });

  it('choose passwords of 8 to 1024 characters', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1100 }), (length) => {
        expect(passwordSchema.safeParse('x'.repeat(length)).success).toBe(length >= 8 && length <= 1024);
      }),
    );
  });

  it('log in with both members, and out with or without a token', () => {
    expect(loginBodySchema.safeParse({ handle: 'ada', password: 'x', more: 1 }).data).toEqual({
      handle: 'ada',
      password: 'x',
    });
    for (const body of [{}, { handle: 'ada' }, { handle: '', password: 'x' }, { handle: 'ada', password: 7 }])
      expect(loginBodySchema.safeParse(body).success).toBe(false);
    for (const body of [{}, { refresh_token: null }, { refresh_token: '' }, { refresh_token: 't' }])
      expect(logoutBodySchema.safeParse(body).success).toBe(true);
  });
});

const reply = {
  version: 1,
  task_id: 't',
  job_id: 'j',
  status: 'completed',
  started_at: '2026-01-01T00:00:00Z',
  ended_at: '2026-01-01T00:00:01Z',
} as const;

describe('jobs', () => {
  it('answer as upstream does, which leaves out what is zero', () => {
    expect(runResponseSchema.parse(reply)).toEqual({
      ...reply,
      stdout: '',
      stderr: '',
      truncated: { stdout: false, stderr: false },
    });
  });

  it('answer with a status of the contract', () => {
    for (const status of ['completed', 'failed', 'timeout'])
      expect(runResponseSchema.safeParse({ ...reply, status }).success).toBe(true);
    for (const status of ['running', 'canceled', '', null])
      expect(runResponseSchema.safeParse({ ...reply, status }).success).toBe(false);
  });

  it('are asked for in version 1, with ids', () => {
    const request = { version: 1, task_id: 't', job_id: 'j', sandbox: { command: ['true'], env: null } };
    expect(runRequestSchema.safeParse({ ...request, more: 1 }).data).toEqual(request);
    for (const change of [{ version: 2 }, { task_id: '' }, { job_id: undefined }, { sandbox: null }])
      expect(runRequestSchema.safeParse({ ...request, ...change }).success).toBe(false);
  });

  it('are claimed by a UUID at the path of the attempt', () => {
    expect(claimBodySchema.safeParse({ claim_id: randomUUID() }).success).toBe(true);
    for (const id of ['', 'x', 7, null])
      expect(claimBodySchema.safeParse({ claim_id: id }).success).toBe(false);
    expect(claimPath('j', 2)).toBe('/v1/nodes/jobs/j/attempts/2:claim');
    expect(completePath('j', 2)).toBe('/v1/nodes/jobs/j/attempts/2:complete');
  });
});

const report = {
  version: 1,
  reported_at: '2026-01-01T00:00:00Z',
  node: { node_slug: 'node-01' },
  platform: { os: 'linux', arch: 'amd64' },
  compute: { cpu_cores: 2, ram_mb: 1024 },
};

describe('nodes', () => {
  it('report what they like beside what is known, and it is kept', () => {
    const more = { ...report, extra: { a: [1] }, compute: { ...report.compute, turbo: true } };
    expect(capabilityReportSchema.parse(more)).toEqual(more);
  });

  it('register with and without an agent of ours', () => {
    const body = { psk: 'key', capability: report };
    const agent = { instance_id: randomUUID(), version: '1', features: ['temporal_queue'] };
    expect(registerBodySchema.safeParse(body).success).toBe(true);
    expect(registerBodySchema.safeParse({ ...body, agent }).success).toBe(true);
    for (const wrong of [
      { instance_id: 'x' },
      { version: 'x'.repeat(65) },
      { features: Array(33).fill('f') },
      { incarnation: 1.5 },
    ])
      expect(registerBodySchema.safeParse({ ...body, agent: { ...agent, ...wrong } }).success).toBe(false);
  });

  it('say of themselves nothing that is negative or no number', () => {
    const contact = { lease_held: true, running_jobs: 0, load1: 0.5, ram_available_mb: 100 };
    expect(nodeContactSchema.safeParse(contact).success).toBe(true);
    for (const wrong of [
      { running_jobs: -1 },
      { running_jobs: 0.5 },
      { load1: -0.1 },
      { load1: Infinity },
      { lease_held: 1 },
    ])
      expect(nodeContactSchema.safeParse({ ...contact, ...wrong }).success).toBe(false);
  });
});
