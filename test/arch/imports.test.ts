import { describe, expect, it } from '@jest/globals';
import { forbiddenImports, importsOf } from './imports.ts';
import { productFolderOf, readSources } from './sources.ts';

const sources = readSources();

describe('imports', () => {
  it('follow the table of the design', () => {
    expect(sources.flatMap(forbiddenImports)).toEqual([]);
  });

  it('are looked at in every folder that has any', () => {
    const seen = sources.filter(({ path, text }) => productFolderOf(path) && importsOf(text).length > 0);
    expect(seen.length).toBeGreaterThan(150);
    const known = new Set(['scripts', 'test', 'bench', 'docs', 'compose']);
    const strangers = sources
      .map(({ path }) => path)
      .filter((path) => path.includes('/') && !path.startsWith('.'))
      .filter((path) => productFolderOf(path) === undefined && !known.has(path.split('/')[0] ?? ''));
    expect(strangers).toEqual([]);
  });

  it('are all found in the text', () => {
    const text = `
      import one, { two } from './one.ts';
      import type {
        Three,
      } from "./three.ts";
      export * from './four.ts';
      export { type Five } from '../five.ts';
      import './six.ts';
      const seven = await import('./seven.ts');
      const eight = require("eight");
      import { nine, type Ten } from '@scope/nine/deep.js';
      const sql = "substring(name from '-[0-9]$')";`;
    expect(importsOf(text)).toEqual([
      { specifier: './one.ts', typeOnly: false },
      { specifier: './three.ts', typeOnly: true },
      { specifier: './four.ts', typeOnly: false },
      { specifier: '../five.ts', typeOnly: false },
      { specifier: '@scope/nine/deep.js', typeOnly: false },
      { specifier: './six.ts', typeOnly: false },
      { specifier: './seven.ts', typeOnly: false },
      { specifier: 'eight', typeOnly: false },
    ]);
  });
});

describe('the table', () => {
  it.each([
    ['contracts/a.ts', `import { sleep } from '../platform/clock.ts';`],
    ['contracts/a.ts', `import { pino } from 'pino';`],
    ['contracts/a.ts', `import { readFileSync } from 'node:fs';`],
    ['platform/a.ts', `import { openDatabase } from '../schema/database.ts';`],
    ['platform/http/a.ts', `import type { Role } from '../../gateway/role.ts';`],
    ['schema/a.ts', `export { taskWorkflow } from '../workflows/index.ts';`],
    ['agent/a.ts', `import { sleep } from '../platform/clock.ts';`],
    ['agent/a.ts', `import type { Database } from '../schema/database.ts';`],
    ['workflows/a.ts', `import { sleep } from '../platform/clock.ts';`],
    ['workflows/task/a.ts', `import { z } from 'zod';`],
    ['workflows/task/a.ts', `import { randomUUID } from 'node:crypto';`],
    ['activities/a.ts', `import { runGraph } from '../agent/graph.ts';`],
    ['activities/a.ts', `import { createAgent } from './agent/create.ts';`],
    ['activities/agent/a.ts', `import { openDatabase } from '../../schema/database.ts';`],
    ['workers/a.ts', `import { taskWorkflow } from '../workflows/index.ts';`],
    ['workers/a.ts', `const bundle = await import('../workflows/index.ts');`],
    ['workers/agent.ts', `import { openDatabase } from '../schema/database.ts';`],
    ['gateway/user-api/a.ts', `import { createRunner } from '../../node-agent/runner.ts';`],
    ['gateway/a.ts', `import { Worker } from '@temporalio/worker';`],
    ['gateway/a.ts', `import { sql } from 'kysely';`],
    ['gateway/a.ts', `import pg from 'pg';`],
    ['node-agent/a.ts', `import { openDatabase } from '../schema/database.ts';`],
    ['node-agent/manager/a.ts', `import Docker from 'dockerode';`],
    ['node-agent/a.ts', `import { condition } from '@temporalio/workflow';`],
    ['cli/commands/a.ts', `import { createHttpClient } from '../../platform/http/client.ts';`],
    ['bin/a.ts', `import { migrator } from 'kysely/migration';`],
    ['platform/a.ts', `import '../scripts/dev/up.ts';`],
    ['schema/a.ts', `import { seedNode } from '../test/support/seed.ts';`],
  ])('forbids %s to say %s', (path, text) => {
    expect(forbiddenImports({ path, text })).toHaveLength(1);
  });

  it.each([
    ['contracts/a.ts', `import { z } from 'zod';`],
    ['schema/a.ts', `import { sql } from 'kysely'; import pg from 'pg';`],
    ['agent/a.ts', `import type { Logger } from '../platform/logger.ts';`],
    ['activities/agent/a.ts', `import { runGraph } from '../../agent/graph.ts';`],
    ['workers/a.ts', `import { createActivities } from '../activities/orchestrator.ts';`],
    ['node-agent/sandbox/a.ts', `import Docker from 'dockerode';`],
    ['gateway/a.ts', `import { Client } from '@temporalio/client';`],
    ['cli/a.ts', `import manifest from './package.json' with { type: 'json' };`],
    ['test/unit/a.ts', `import { openDatabase } from '../../schema/database.ts';`],
  ])('allows %s to say %s', (path, text) => {
    expect(forbiddenImports({ path, text })).toEqual([]);
  });
});
