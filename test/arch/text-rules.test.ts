import { describe, expect, it } from '@jest/globals';
import { readFiles, readSources } from './sources.ts';
import {
  machinePath,
  moduleMock,
  readsEnvironment,
  registryHost,
  suppression,
  tooLong,
  workflowModuleKeepsState,
} from './text-rules.ts';
import type { TextRule } from './text-rules.ts';

const files = readFiles();
const sources = readSources();

const ownRegistries = (): readonly string[] => {
  const url = process.env['npm_config_registry'];
  const host = url === undefined ? '' : (URL.parse(url)?.hostname ?? '');
  return ['', 'registry.npmjs.org', 'localhost', '127.0.0.1'].includes(host) ? [] : [host];
};
const ownOrForeignRegistry = registryHost(ownRegistries());

const found = (rule: TextRule, path: string, ...parts: string[]): number =>
  rule({ path, text: parts.join('') }).length;

describe('every file', () => {
  it('of the product has at most 300 lines', () => {
    expect(sources.flatMap(tooLong)).toEqual([]);
    expect(found(tooLong, 'schema/a.ts', '\n'.repeat(301))).toBe(1);
    expect(found(tooLong, 'schema/a.ts', '\n'.repeat(300))).toBe(0);
  });

  it('obeys the checks: no comment switches one off', () => {
    expect(sources.flatMap(suppression)).toEqual([]);
    for (const [tool, word] of [
      ['// eslint-', 'disable-next-line no-console'],
      ['/* prettier-', 'ignore */'],
      ['// @ts-', 'ignore'],
      ['// @ts-', 'expect-error'],
      ['// @ts-', 'nocheck'],
      ['/* istanbul ', 'ignore next */'],
    ] as const) {
      expect(found(suppression, 'test/a.test.ts', tool, word)).toBe(1);
    }
  });

  it('of the tests works with the real modules', () => {
    expect(sources.flatMap(moduleMock)).toEqual([]);
    expect(found(moduleMock, 'test/a.test.ts', 'jest', `.mock('pg')`)).toBe(1);
    expect(found(moduleMock, 'test/a.test.ts', 'jest', `.unstable_mockModule('pg', () => ({}))`)).toBe(1);
    expect(found(moduleMock, 'test/a.test.ts', 'jest.fn()')).toBe(0);
  });

  it('leaves the environment to the readers of configuration', () => {
    expect(sources.flatMap(readsEnvironment)).toEqual([]);
    for (const path of [
      'platform/logger.ts',
      'gateway/user-api/app.ts',
      'bin/roles.ts',
      'workflows/index.ts',
    ]) {
      expect(found(readsEnvironment, path, 'const x = process', '.env.X;')).toBe(1);
      expect(found(readsEnvironment, path, 'const x = process', `['env'].X;`)).toBe(1);
      expect(found(readsEnvironment, path, 'import { argv, env } ', `from 'node:process';`)).toBe(1);
    }
    for (const path of ['bin/main.ts', 'cli/config/location.ts', 'scripts/build.ts', 'test/a.test.ts']) {
      expect(found(readsEnvironment, path, 'const x = process', '.env.X;')).toBe(0);
    }
  });

  it('of the workflows keeps nothing between two workflows', () => {
    expect(sources.flatMap(workflowModuleKeepsState)).toEqual([]);
    for (const kept of ['let seen = 0;', 'export let seen = 0;', 'const seen = new Map<string, string>();'])
      expect(found(workflowModuleKeepsState, 'workflows/a.ts', kept)).toBe(1);
    expect(found(workflowModuleKeepsState, 'workflows/a.ts', 'const A = 1;\n  let inside = 0;')).toBe(0);
    expect(found(workflowModuleKeepsState, 'platform/a.ts', 'let installed = 0;')).toBe(0);
  });

  it('names no path of the machine it was written on', () => {
    expect(files.flatMap(machinePath)).toEqual([]);
    for (const parts of [
      ['home', 'ada', 'x'],
      ['Users', 'ada', 'x'],
      ['root', 'code', 'x'],
    ])
      expect(found(machinePath, 'README.md', 'see `/', parts.join('/'), '`')).toBe(1);
    for (const path of ['/workspace/x', './home/main/x', 'a/home/b/c', '/tmp/script', '/v1/workflow/start'])
      expect(found(machinePath, 'README.md', 'see ', path)).toBe(0);
  });

  it('names no package registry but the public one', () => {
    expect(files.flatMap(ownOrForeignRegistry)).toEqual([]);
    const rule = registryHost(['mirror.internal']);
    expect(found(rule, 'package-lock.json', '"resolved": "https', '://npm.corp.test/x.tgz"')).toBe(1);
    expect(found(rule, '.npmrc', 'registry=http', '://mirror.internal/npm/')).toBe(1);
    expect(found(rule, 'docs/a.md', 'https', '://registry.npmjs.org/zod')).toBe(0);
  });
});
