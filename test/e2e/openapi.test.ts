import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bootstrapSchema } from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import { testSetting } from '../support/engines/environment.ts';
import { runSchemathesis } from '../support/schemathesis.ts';
import type { SchemathesisReport, SchemathesisRun } from '../support/schemathesis.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';

/*
 * Property-based tests of the living APIs against their own documents, by schemathesis: it knows more ways to bend an
 * OpenAPI schema than tests of ours would, reads the document as clients do, and was not written by who wrote the server.
 * What it cannot know, whose things are whose and what is stored, is tried in test/integration/bad-input.
 */
const TIMEOUT_MS = 240_000;
const RUNNER_TOKEN = randomUUID();
/** It finds the ids of real users, so these end the session that it works with. */
const SESSION_ENDING = ['resetPassword', 'disableUser', 'revokeSessions', 'logout'];
const WORKFLOW = ['startWorkflow', 'releaseWorkflow', 'saveCheckpoint', 'resumeWorkflow'];
const JOB_FILES = ['downloadAttachment', 'uploadArtifact'];

let stack: Stack;
let userApi: Promise<readonly SchemathesisReport[]>;
let controlPlane: Promise<readonly SchemathesisReport[]>;
beforeAll(async () => {
  stack = await startStack({ env: { WORKFLOW_RUNNER_BEARER_TOKEN: RUNNER_TOKEN } });
  const [user, leaver, node] = [await accessToken(), await accessToken(), await nodeToken()];
  userApi = inTurn([
    { url: stack.gatewayUrl, token: user, except: SESSION_ENDING, maxExamples: 10 },
    { url: stack.gatewayUrl, token: leaver, only: SESSION_ENDING, maxExamples: 10 },
  ]);
  controlPlane = inTurn([
    { url: stack.controlPlaneUrl, token: node, except: [...WORKFLOW, ...JOB_FILES], maxExamples: 10 },
    { url: stack.controlPlaneUrl, token: RUNNER_TOKEN, only: WORKFLOW, maxExamples: 10 },
    { url: stack.controlPlaneUrl, token: node, only: JOB_FILES, maxExamples: 5 },
  ]);
}, 120_000);
afterAll(async () => {
  await Promise.allSettled([userApi, controlPlane]);
  await stack[Symbol.asyncDispose]();
}, TIMEOUT_MS);

async function inTurn(runs: readonly SchemathesisRun[]): Promise<readonly SchemathesisReport[]> {
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'schemathesis-'));
  const reports: SchemathesisReport[] = [];
  for (const run of runs) reports.push(await runSchemathesis(run, folder));
  return reports;
}

async function accessToken(): Promise<string> {
  return (await stack.admin()).accessToken();
}

async function nodeToken(): Promise<string> {
  const capability = {
    version: 1,
    reported_at: new Date().toISOString(),
    node: { node_slug: 'schemathesis' },
    platform: { os: 'linux', arch: 'amd64' },
    compute: { cpu_cores: 1, ram_mb: 1024 },
  };
  const reply = await fetch(`${stack.controlPlaneUrl}${PATHS.nodeRegister}`, {
    method: 'POST',
    body: JSON.stringify({ psk: stack.psk, capability }),
  });
  return bootstrapSchema.parse(await reply.json()).auth.node_jwt;
}

describe('what the document of an API says', () => {
  it.each([
    ['User API', () => userApi],
    ['control plane', () => controlPlane],
  ])(
    'is true of the %s',
    async (_name, reports) => {
      for (const { failed, output } of await reports()) expect(failed ? output : '').toBe('');
    },
    TIMEOUT_MS,
  );
});
