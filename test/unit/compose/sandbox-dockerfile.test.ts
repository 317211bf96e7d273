import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

describe('the Dockerfile of the sandbox with tools', () => {
  it('has its base and its packages where the set-up reads them', async () => {
    const file = join(import.meta.dirname, '../../../compose/sandbox.Dockerfile');
    const content = await readFile(file, 'utf8');
    expect(/^ARG BASE_IMAGE=(\S+)$/m.exec(content)?.[1]).toMatch(/^[a-z]+:[0-9]/);
    expect(/^ARG PACKAGES="(.+)"$/m.exec(content)?.[1]?.split(' ')).toEqual(
      expect.arrayContaining(['curl', 'git', 'jq', 'python3']),
    );
  });
});
