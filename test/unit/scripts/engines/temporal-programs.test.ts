import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findFreePorts } from '../../../../scripts/engines/ports.ts';
import { ensureTemporalPrograms } from '../../../../scripts/engines/temporal-programs.ts';

const talk = { say: () => undefined, agree: async () => false };

let folder: string;
const before = {
  server: process.env['TEMPORAL_SERVER'],
  path: process.env['PATH'],
  cache: process.env['XDG_CACHE_HOME'],
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-programs-'));
});
afterEach(async () => {
  for (const [name, value] of [
    ['TEMPORAL_SERVER', before.server],
    ['PATH', before.path],
    ['XDG_CACHE_HOME', before.cache],
  ] as const) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  await rm(folder, { recursive: true, force: true });
});

async function program(name: string, version: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho temporal version ${version}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('the programs of Temporal on Postgres', () => {
  it('are those that TEMPORAL_SERVER names, when server and tool are of the same, new enough version', async () => {
    const server = await program('temporal-server', '1.33.0');
    const sqlTool = await program('temporal-sql-tool', '1.33.0');
    process.env['TEMPORAL_SERVER'] = server;
    expect(await ensureTemporalPrograms(talk)).toEqual({ server, sqlTool });
    await program('temporal-sql-tool', '1.32.0');
    await expect(ensureTemporalPrograms(talk)).rejects.toThrow('does not fit');
  });

  it('are refused when they are too old', async () => {
    process.env['TEMPORAL_SERVER'] = await program('temporal-server', '1.29.4');
    await program('temporal-sql-tool', '1.29.4');
    await expect(ensureTemporalPrograms(talk)).rejects.toThrow('version 1.32 or newer');
  });

  it('are not built when that is refused, and the way out is told', async () => {
    Reflect.deleteProperty(process.env, 'TEMPORAL_SERVER');
    process.env['PATH'] = folder;
    process.env['XDG_CACHE_HOME'] = folder;
    await expect(ensureTemporalPrograms(talk)).rejects.toThrow(/set TEMPORAL_SERVER/);
  });
});

describe('low free ports', () => {
  it('are different and below those for outgoing connections', async () => {
    const ports = await findFreePorts(8);
    expect(new Set(ports).size).toBe(8);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });
});
