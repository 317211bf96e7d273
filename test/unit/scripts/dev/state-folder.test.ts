import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pathsOf, readSettings, type Settings } from '../../../../scripts/dev/settings.ts';
import { openStateFolder, removeStateFolder } from '../../../../scripts/dev/state-folder.ts';

describe('state folder', () => {
  let parent: string;
  let settings: Settings;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'cynodeai-unit-'));
    settings = readSettings({ CYNODEAI_STATE_DIR: join(parent, 'state') });
  });

  afterEach(() => rm(parent, { recursive: true, force: true }));

  it('makes secrets once and keeps them for the owner only', async () => {
    const first = await openStateFolder(settings);
    const second = await openStateFolder(settings);
    expect(second).toEqual(first);
    for (const file of [pathsOf(settings).secrets, pathsOf(settings).adminPassword]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
  });

  it('gives every secret a value of its own', async () => {
    const values = Object.values<string>({ ...(await openStateFolder(settings)) });
    expect(new Set(values).size).toBe(values.length);
    for (const value of values) expect(value.length).toBeGreaterThanOrEqual(20);
  });

  it('refuses a folder with the files of somebody else', async () => {
    await mkdir(settings.stateFolder);
    await writeFile(join(settings.stateFolder, 'thesis.txt'), 'years of work');
    await expect(openStateFolder(settings)).rejects.toThrow('CYNODEAI_STATE_DIR');
    await expect(removeStateFolder(settings)).rejects.toThrow('CYNODEAI_STATE_DIR');
  });

  it('is gone after its removal', async () => {
    await openStateFolder(settings);
    const { log, ...paths } = pathsOf(settings);
    await writeFile(log('node-agent'), 'a line');
    for (const path of Object.values(paths).filter((each) => each.startsWith(parent)))
      await mkdir(path, { recursive: true }).catch(() => undefined);
    await removeStateFolder(settings);
    expect(await readdir(parent)).toEqual([]);
  });

  it('leaves files alone that were put into it later', async () => {
    await openStateFolder(settings);
    const notes = join(settings.stateFolder, 'notes.txt');
    await writeFile(notes, 'mine');
    await removeStateFolder(settings);
    expect(await readFile(notes, 'utf8')).toBe('mine');
  });
});
