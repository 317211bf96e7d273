import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readSettings } from '../../../../scripts/dev/settings.ts';
import type { Settings } from '../../../../scripts/dev/settings.ts';
import {
  chooseTemporalKind,
  readTemporalKind,
  rememberTemporalKind,
} from '../../../../scripts/dev/temporal.ts';

let folder: string;
let settings: Settings;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-kind-'));
  settings = readSettings({ CYNODEAI_STATE_DIR: folder });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the kind of Temporal of a stack', () => {
  it('is a database file until another one is wanted, and then stays', async () => {
    expect(await chooseTemporalKind(settings, undefined, false)).toBe('file');
    expect(await chooseTemporalKind(settings, 'postgres', false)).toBe('postgres');
    await rememberTemporalKind(settings, 'postgres');
    expect(await readTemporalKind(settings)).toBe('postgres');
    expect(await chooseTemporalKind(settings, undefined, false)).toBe('postgres');
    expect(await chooseTemporalKind(settings, 'file', false)).toBe('file');
  });

  it('is not changed under a stack that is up', async () => {
    expect(await chooseTemporalKind(settings, undefined, true)).toBe('file');
    await expect(chooseTemporalKind(settings, 'postgres', true)).rejects.toThrow(
      /database file.*\.\/dev down/,
    );
    await rememberTemporalKind(settings, 'postgres');
    expect(await chooseTemporalKind(settings, 'postgres', true)).toBe('postgres');
    await expect(chooseTemporalKind(settings, 'file', true)).rejects.toThrow(/on Postgres.*\.\/dev down/);
  });

  it('cannot be Postgres where that is somebody else’s', async () => {
    const given = readSettings({ CYNODEAI_STATE_DIR: folder, DATABASE_URL: 'postgres://elsewhere/cynodeai' });
    await expect(chooseTemporalKind(given, 'postgres', false)).rejects.toThrow('unset DATABASE_URL');
    expect(await chooseTemporalKind(given, undefined, false)).toBe('file');
  });
});
