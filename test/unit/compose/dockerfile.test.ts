import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { COMPOSE_FOLDER, ROOT } from './compose-file.ts';

const dockerfile = readFileSync(join(COMPOSE_FOLDER, 'Dockerfile'), 'utf8');

/** Source folders that a stage of the Dockerfile copies. */
function copiedBy(stage: string): string[] {
  const body = dockerfile.split(/^FROM /m).find((text) => text.split('\n')[0]?.endsWith(`AS ${stage}`)) ?? '';
  return [...body.matchAll(/^COPY ([a-z-]+) \1$/gm)].map(([, folder = '']) => folder).sort();
}

const IMPORT = /(?:^(?:import|export|\}).* from |^import |\bimport\()'([^']+)'/gm;

interface Loaded {
  readonly folders: readonly string[];
  readonly packages: readonly string[];
}

/** What a program loads: its files' top folders, and the packages that they import. */
function loadedBy(entries: readonly string[], isFollowed: (path: string) => boolean = () => true): Loaded {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path) || !existsSync(path) || !isFollowed(relative(ROOT, path))) return;
    files.add(path);
    // An import of types alone is gone when the program runs.
    const text = readFileSync(path, 'utf8').replace(/^import type [^;]+;$/gm, '');
    for (const [, from = ''] of text.matchAll(IMPORT)) {
      if (from.startsWith('.')) visit(join(dirname(path), from));
      else if (!from.startsWith('node:')) packages.add(/^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from);
    }
  };
  for (const entry of entries) visit(join(ROOT, entry));
  const folders = new Set([...files].map((path) => relative(ROOT, path).split('/')[0] ?? ''));
  return { folders: [...folders].sort(), packages: [...packages].sort() };
}

const isNodeAgents = (path: string): boolean => path.startsWith('node-agent/');
const ORCHESTRATOR = loadedBy(['bin/main.ts'], (path) => !isNodeAgents(path));
const NODE_AGENT = loadedBy(['bin/main.ts', 'node-agent/role.ts', 'node-agent/watchdog/main.ts'], (path) =>
  /^(bin\/(main|roles)\.ts|node-agent\/|platform\/|contracts\/)/.test(path),
);
const CYNORK = loadedBy(['cli/main.ts']);

const manifest = (path: string) =>
  z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')));

describe('the Dockerfile', () => {
  it.each([
    ['orchestrator', ORCHESTRATOR],
    ['node-agent', NODE_AGENT],
    ['cynork', CYNORK],
  ])('copies every folder that %s loads, and no other', (stage, { folders }) => {
    expect(copiedBy(stage)).toEqual(folders);
  });

  it.each([
    ['the roles', '.', [ORCHESTRATOR, NODE_AGENT]],
    ['cynork', 'cli', [CYNORK]],
  ])('installs every package that %s load, which are no development packages', (_who, folder, programs) => {
    const installed = Object.keys(manifest(folder).dependencies);
    const needed = new Set(programs.flatMap(({ packages }) => packages));
    expect([...needed].filter((name) => !installed.includes(name))).toEqual([]);
    expect(needed.size).toBeGreaterThan(2);
  });

  it('copies only what the context holds', () => {
    const rules = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    expect(rules).toContain('*');
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    const letThrough = (source: string): boolean =>
      rules.some(
        (rule) => rule === `!${source}` || (rule.startsWith('!') && `!${source}`.startsWith(`${rule}/`)),
      );
    expect(sources.length).toBeGreaterThan(15);
    expect(sources.filter((source) => !letThrough(source))).toEqual([]);
  });

  it('runs as nobody in particular', () => {
    const users = [...dockerfile.matchAll(/^USER (.+)$/gm)].map(([, user]) => user);
    expect(new Set(users)).toEqual(new Set(['10001:10001']));
  });
});
