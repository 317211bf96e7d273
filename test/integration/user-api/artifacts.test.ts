import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { artifactListSchema } from '../../../contracts/artifacts.ts';
import { artifactsOf, bytes, created, download, formOf, sha256, useFilesGateway } from './files-context.ts';
import type { File } from './files-context.ts';

const gateway = useFilesGateway();

describe('the files of a task', () => {
  it('are for its owner only', async () => {
    const task = await created(gateway(), formOf([['secret', bytes('x')]]));
    const [artifact] = await artifactsOf(gateway(), task);
    const stranger = await gateway().api.createUser();
    const list = await stranger.call({ url: `/v1/tasks/${task.id}/artifacts` });
    expect(list.status).toBe(403);
    const path = `${task.id}/artifacts/${artifact?.artifact_id}`;
    expect((await download(gateway(), path, { by: stranger })).status).toBe(403);
    const own = await created(gateway(), formOf([]), {}, stranger);
    expect(
      (await download(gateway(), `${own.id}/artifacts/${artifact?.artifact_id}`, { by: stranger })).status,
    ).toBe(404);
    expect((await download(gateway(), `${task.id}/artifacts/${randomUUID()}`)).status).toBe(404);
    expect((await download(gateway(), `${task.id}/artifacts/secret`)).status).toBe(400);
  });

  it('come in pages', async () => {
    const files = ['b', 'a', 'C', 'd'].map((name): File => [name, bytes(name)]);
    const task = await created(gateway(), formOf(files));
    const names: string[] = [];
    let cursor: string | undefined = '';
    do {
      const url: string = `/v1/tasks/${task.id}/artifacts?limit=3&cursor=${cursor}`;
      const page = artifactListSchema.parse((await gateway().user.call({ url })).body);
      names.push(...page.artifacts.map(({ name }) => name));
      cursor = page.next_cursor;
    } while (cursor !== '');
    expect(names).toEqual(['C', 'a', 'b', 'd']);
    expect((await gateway().user.call({ url: `/v1/tasks/${task.id}/artifacts?cursor=x` })).status).toBe(400);
  });

  it('say so when their content is lost', async () => {
    const content = randomBytes(100);
    const task = await created(gateway(), formOf([['lost', content]]));
    const hash = sha256(content);
    await rm(join(gateway().api.blobs.folder, hash.slice(0, 2), hash.slice(2, 4), hash));
    const [artifact] = await artifactsOf(gateway(), task);
    const reply = await download(gateway(), `${task.id}/artifacts/${artifact?.artifact_id}`);
    expect([reply.status, await reply.json()]).toEqual([
      410,
      expect.objectContaining({ code: 'gone', detail: expect.stringContaining('lost') }),
    ]);
  });

  it('answer HEAD without content', async () => {
    const task = await created(gateway(), formOf([['a', bytes('12345')]]));
    const [artifact] = await artifactsOf(gateway(), task);
    const reply = await download(gateway(), `${task.id}/artifacts/${artifact?.artifact_id}`, {
      method: 'HEAD',
    });
    expect([reply.status, reply.headers.get('content-length'), await reply.text()]).toEqual([200, '5', '']);
  });
});
