import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CynodeError } from '../../../../contracts/errors.ts';
import type { RunRequest } from '../../../../contracts/jobs.ts';
import { toCreateOptions } from '../../../../node-agent/sandbox/create-options.ts';
import { attemptKey, containerName } from '../../../../node-agent/sandbox/names.ts';
import { planContainer, type ContainerPlan } from '../../../../node-agent/sandbox/plan.ts';
import {
  effectiveTimeoutSeconds,
  isImageAllowed,
  type SandboxLimits,
  type SandboxPolicy,
} from '../../../../node-agent/sandbox/policy.ts';

const LIMITS: SandboxLimits = {
  memoryBytes: 64 * 1024 * 1024,
  cpuCores: 0.5,
  pids: 64,
  openFiles: 256,
  tmpBytes: 16 * 1024 * 1024,
  workspaceBytes: 100 * 1024 * 1024,
  workspaceEntries: 1000,
  outputBytes: 262_144,
};
const JOB = '0b54a4a5-53a8-4b3f-9b2e-0f39ad1b1f7d';
const TASK = 'd9b2d63d-a233-4123-847a-7e3b2f6d5c11';

function plan(sandbox: RunRequest['sandbox'], ids: { task?: string; job?: string } = {}): ContainerPlan {
  const request: RunRequest = { version: 1, task_id: ids.task ?? TASK, job_id: ids.job ?? JOB, sandbox };
  return planContainer(request, {
    attempt: 2,
    node: { nodeSlug: 'node-01', instanceId: 'instance' },
    limits: LIMITS,
    defaultImage: 'default:1',
    workspacePath: '/state/ws',
    user: { uid: 1000, gid: 1000 },
  });
}

function codeOf(sandbox: RunRequest['sandbox']): string {
  try {
    plan(sandbox);
    return 'planned';
  } catch (error) {
    if (error instanceof CynodeError) return error.code;
    throw error;
  }
}

describe('the plan of a container', () => {
  it('names and labels the attempt', () => {
    const { name, labels } = plan({ command: ['true'] });
    expect(name).toBe(`cynodeai-job-${JOB}-2`);
    expect(labels).toEqual({
      'cynodeai.task_id': TASK,
      'cynodeai.job_id': JOB,
      'cynodeai.attempt': '2',
      'cynodeai.node': 'node-01',
      'cynodeai.instance': 'instance',
    });
  });

  it('takes the default image when none, or a blank one, is asked for', () => {
    expect(plan({ command: ['true'] }).image).toBe('default:1');
    expect(plan({ command: ['true'], image: '  ' }).image).toBe('default:1');
    expect(plan({ command: ['true'], image: 'other:2' }).image).toBe('other:2');
  });

  it('lets a job set its environment, but not say who it is', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[A-Z_]{1,12}$/), fc.stringMatching(/^[a-z]{0,9}$/)),
        (env) => {
          const forged = {
            CYNODE_TASK_ID: 'forged',
            CYNODE_JOB_ID: 'forged',
            CYNODE_WORKSPACE_DIR: '/forged',
          };
          const planned = plan({ command: ['true'], env: { ...env, ...forged } }).env;
          expect(planned).toEqual({
            HOME: '/workspace',
            ...env,
            CYNODE_TASK_ID: TASK,
            CYNODE_JOB_ID: JOB,
            CYNODE_WORKSPACE_DIR: '/workspace',
          });
        },
      ),
    );
  });

  it('runs a script by its shebang, and with sh when it has none', () => {
    const path = '/workspace/.cynodeai/script';
    expect(plan({ script: '#!/usr/bin/env python3\nprint(1)' }).argv).toEqual([path]);
    expect(plan({ script: 'echo 1' }).argv).toEqual(['sh', path]);
    expect(plan({ script: 'echo 1', command: [] }).files).toEqual([
      { path: '.cynodeai/script', content: 'echo 1' },
    ]);
  });

  it('refuses what cannot be run', () => {
    expect(codeOf({})).toBe('validation');
    expect(codeOf({ command: [] })).toBe('validation');
    expect(codeOf({ command: ['a'], script: 'b' })).toBe('validation');
    expect(codeOf({ command: ['a\0b'] })).toBe('validation');
    expect(codeOf({ command: ['a'], env: { 'a=b': 'c' } })).toBe('validation');
    expect(codeOf({ command: ['a'], env: { '': 'c' } })).toBe('validation');
    expect(codeOf({ command: ['a'], image: 'i'.repeat(513) })).toBe('validation');
    expect(codeOf({ job_spec_json: '{}' })).toBe('validation');
  });
});

describe('the options of the container', () => {
  it('carry all the hardening, whatever the job asks for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[ -~]{1,20}$/), { minLength: 1 }),
        fc.constantFrom('none', 'restricted', 'host', 'bridge', undefined),
        (command, network_policy) => {
          const { HostConfig: host, User } = toCreateOptions(plan({ command, network_policy }));
          expect(User).toBe('1000:1000');
          expect(host).toMatchObject({
            NetworkMode: 'none',
            CapDrop: ['ALL'],
            SecurityOpt: ['no-new-privileges'],
            Privileged: false,
            ReadonlyRootfs: true,
            Init: true,
            Memory: LIMITS.memoryBytes,
            MemorySwap: LIMITS.memoryBytes,
            NanoCpus: 5e8,
            PidsLimit: 64,
            LogConfig: { Type: 'none' },
          });
          expect(host?.Mounts).toHaveLength(1);
          expect(host?.Mounts?.[0]).toMatchObject({ Source: '/state/ws', Target: '/workspace' });
          expect(host).not.toHaveProperty('Binds');
          expect(host).not.toHaveProperty('CapAdd');
          expect(host).not.toHaveProperty('Devices');
        },
      ),
    );
  });

  it('run the argv itself, so that an image cannot put a program before it', () => {
    const options = toCreateOptions(plan({ command: ['echo', '$HOME'] }));
    expect(options.Entrypoint).toEqual(['echo', '$HOME']);
    expect(options).not.toHaveProperty('Cmd');
  });
});

describe('the name of an attempt', () => {
  it('is a plain path segment and a legal container name for any job id', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), (jobId, attempt) => {
        expect(attemptKey(jobId, attempt)).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]*-\d+$/);
        expect(attemptKey(jobId, attempt)).not.toContain('..');
        expect(containerName(jobId, attempt)).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
      }),
    );
  });

  it('differs for ids that only look alike', () => {
    const names = ['a/b', 'a b', '../a', 'a', 'A/B', 'x'].map((id) => attemptKey(id, 1));
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the policy of a node', () => {
  const policy: SandboxPolicy = {
    limits: LIMITS,
    defaultImage: 'default:1',
    allowedImages: [],
    defaultTimeoutSeconds: 3600,
    maxTimeoutSeconds: 10_800,
    pullTimeoutMs: 1000,
  };

  it('caps the timeout and falls back to the default', () => {
    expect(effectiveTimeoutSeconds(30, policy)).toBe(30);
    expect(effectiveTimeoutSeconds(undefined, policy)).toBe(3600);
    expect(effectiveTimeoutSeconds(0, policy)).toBe(3600);
    expect(effectiveTimeoutSeconds(99_999, policy)).toBe(10_800);
    expect(effectiveTimeoutSeconds(undefined, { ...policy, maxTimeoutSeconds: 60 })).toBe(60);
  });

  it('allows an image that is in every list, by name or by prefix', () => {
    expect(isImageAllowed('any:1', [])).toBe(true);
    expect(isImageAllowed('a:1', [['a:1', 'b:1']])).toBe(true);
    expect(isImageAllowed('a:10', [['a:1']])).toBe(false);
    expect(isImageAllowed('reg/x:1', [['reg/*']])).toBe(true);
    expect(isImageAllowed('a:1', [['a:1'], ['b:1']])).toBe(false);
    expect(isImageAllowed('a:1', [[]])).toBe(false);
  });
});
