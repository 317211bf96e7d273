import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BackgroundWork } from '../../../../scripts/dev/background.ts';
import type { Talk } from '../../../../scripts/engines/talk.ts';

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-background-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function talk(agrees: boolean): Talk {
  return { say: (line) => void said.push(line), agree: () => Promise.resolve(agrees) };
}

describe('work in the background', () => {
  it('says what it does while it does it', async () => {
    const work = new BackgroundWork(folder);
    let during: string | undefined;
    await work.run(
      async (say) => {
        await say('making something');
        during = await new BackgroundWork(folder).progress();
      },
      talk(true),
      'Without it',
    );
    expect([during, await work.progress(), await work.failure()]).toEqual([
      'making something',
      undefined,
      undefined,
    ]);
  });

  it('that fails says why, until it is done again', async () => {
    const work = new BackgroundWork(folder);
    await work.run(() => Promise.reject(new Error('the disk is full')), talk(true), 'Jobs go on');
    expect([await work.failure(), await work.progress()]).toEqual(['the disk is full', undefined]);
    expect(said).toEqual(['Jobs go on: the disk is full']);
    await work.run(() => Promise.resolve(), talk(true), 'Jobs go on');
    expect(await work.failure()).toBeUndefined();
  });

  it('is not done where somebody said no, and is where nobody was asked', async () => {
    const work = new BackgroundWork(folder);
    await work.requireConsent('refused');
    await work.agree('It is large.', ['get it'], talk(false));
    await expect(work.requireConsent('refused')).rejects.toThrow('refused');
    await work.agree('It is large.', ['get it'], talk(true));
    await work.requireConsent('refused');
    expect(said).toEqual(['In the background: get it']);
  });
});
