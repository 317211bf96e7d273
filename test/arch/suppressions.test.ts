import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', '.state']);
const SUPPRESSIONS = [
  'eslint-disable',
  '@ts-ignore',
  '@ts-expect-error',
  '@ts-nocheck',
  'prettier-ignore',
  'jest.mock',
];

async function listSources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : listSources(path);
      return /\.(ts|mjs)$/.test(entry.name) && path !== import.meta.filename ? [path] : [];
    }),
  );
  return nested.flat();
}

describe('rules', () => {
  it('are never switched off in a file', async () => {
    const offenders: string[] = [];
    for (const file of await listSources(ROOT)) {
      const content = await readFile(file, 'utf8');
      for (const word of SUPPRESSIONS) if (content.includes(word)) offenders.push(`${file}: ${word}`);
    }
    expect(offenders).toEqual([]);
  });
});
