import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { taskSchema } from '../../../contracts/tasks.ts';
import { eventually } from '../../support/wait.ts';
import {
  artifactsOf,
  bytes,
  create,
  created,
  download,
  formOf,
  MIB,
  sha256,
  useFilesGateway,
} from './files-context.ts';
import type { File } from './files-context.ts';

const gateway = useFilesGateway();

describe('a task with files', () => {
  it('stores their content by its hash, and gives it back byte for byte', async () => {
    const picture = randomBytes(3 * MIB);
    const name = "résumé 例 '1'.txt";
    const task = await created(
      gateway(),
      formOf([
        ['picture.png', picture, 'image/png'],
        [name, bytes('text\r\n--x')],
      ]),
    );
    expect(task.attachments).toEqual(['picture.png', name]);
    const artifacts = await artifactsOf(gateway(), task);
    expect(artifacts).toEqual([
      {
        artifact_id: expect.any(String),
        kind: 'attachment',
        name: 'picture.png',
        content_type: 'image/png',
        size_bytes: 3 * MIB,
        sha256: sha256(picture),
        created_at: expect.any(String),
      },
      expect.objectContaining({ name, content_type: 'application/octet-stream', size_bytes: 9 }),
    ]);
    const reply = await download(gateway(), `${task.task_name}/artifacts/${artifacts[0]?.artifact_id}`);
    expect(Buffer.from(await reply.arrayBuffer()).equals(picture)).toBe(true);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(3 * MIB),
      'content-disposition': `attachment; filename="picture.png"; filename*=UTF-8''picture.png`,
      'x-content-type-options': 'nosniff',
      etag: `"${sha256(picture)}"`,
    });
    const second = await download(gateway(), `${task.id}/artifacts/${artifacts[1]?.artifact_id}`);
    expect(await second.text()).toBe('text\r\n--x');
    expect(second.headers.get('content-disposition')).toBe(
      `attachment; filename="r_sum_ _ _1_.txt"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%E4%BE%8B%20%271%27.txt`,
    );
  });

  it('takes the other members as fields, bare paths among them', async () => {
    const form = formOf([['a.txt', bytes('a')]], {
      task_name: 'With Files',
      use_inference: 'true',
      timeout_seconds: '77',
      image: '',
    });
    form.append('attachments', '/srv/data.csv');
    form.append('attachments', 'a.txt');
    const task = await created(gateway(), form);
    expect(task).toMatchObject({ task_name: 'with-files', attachments: ['a.txt', '/srv/data.csv'] });
    const job = await gateway()
      .api.db.selectFrom('jobs')
      .selectAll()
      .where('task_id', '=', task.id)
      .executeTakeFirstOrThrow();
    expect(job).toMatchObject({ timeout_seconds: 77, needs_attachments: true });
    expect(job.payload.sandbox.use_inference).toBe(true);
  });

  it('keeps an empty file, one of exactly the limit, and the limit of files', async () => {
    const full = Buffer.alloc(10 * MIB, 1);
    const files = Array.from({ length: 14 }, (_, index): File => [`f${index}`, bytes(`${index}`)]);
    const task = await created(gateway(), formOf([['empty', bytes('')], ['full', full], ...files]));
    expect(task.attachments).toHaveLength(16);
    const sizes = (await artifactsOf(gateway(), task)).map(({ size_bytes: size }) => size);
    expect(sizes).toEqual(expect.arrayContaining([0, 10 * MIB]));
  });

  it('sees the last segment of a path only', async () => {
    const task = await created(gateway(), formOf([['../../etc/passwd', bytes('x')]]));
    expect(task.attachments).toEqual(['passwd']);
    const other = await created(gateway(), formOf([['C:\\Users\\me\\notes.txt', bytes('x')]]));
    expect(other.attachments).toEqual(['notes.txt']);
  });

  it('is without content where only a path was given', async () => {
    const reply = await gateway().user.call({
      method: 'POST',
      url: '/v1/tasks',
      body: { prompt: 'true', input_mode: 'script', attachments: ['notes.txt'] },
    });
    const task = taskSchema.parse(reply.body);
    const [artifact] = await artifactsOf(gateway(), task);
    expect(artifact).toEqual({
      artifact_id: expect.any(String),
      kind: 'attachment',
      name: 'notes.txt',
      created_at: expect.any(String),
    });
    const got = await download(gateway(), `${task.id}/artifacts/${artifact?.artifact_id}`);
    expect([got.status, await got.json()]).toEqual([
      404,
      expect.objectContaining({ detail: 'This attachment was given as a bare path; it has no content' }),
    ]);
  });
});

describe('what is refused', () => {
  const refused = async (
    form: FormData | string,
    detail: RegExp,
    headers?: Record<string, string>,
  ): Promise<void> => {
    const before = await gateway().api.db.selectFrom('tasks').select('id').execute();
    const { status, body } = await create(gateway(), form, headers);
    expect([status, body]).toEqual([
      400,
      expect.objectContaining({ code: 'validation', detail: expect.stringMatching(detail) }),
    ]);
    expect(await gateway().api.db.selectFrom('tasks').select('id').execute()).toHaveLength(before.length);
  };

  it('a file beyond the limit, by its name', async () => {
    const big = Buffer.alloc(10 * MIB + 1);
    await refused(
      formOf([
        ['ok', bytes('x')],
        ['big.bin', big],
        ['later', bytes('y')],
      ]),
      /^attachments: big\.bin is larger/,
    );
  });

  it('a huge file, without reading it all into memory', async () => {
    const before = process.memoryUsage().rss;
    const head = '--x\r\ncontent-disposition: form-data; name="attachments"; filename="huge"\r\n\r\n';
    const chunk = Buffer.alloc(MIB, 7);
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(head);
      for (let sent = 0; sent < 300; sent += 1) yield chunk;
      yield Buffer.from('\r\n--x--\r\n');
    }
    const reply = await fetch(`${gateway().origin}/v1/tasks`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gateway().user.tokens.access_token}`,
        'content-type': 'multipart/form-data; boundary=x',
      },
      body: ReadableStream.from(endless()),
      duplex: 'half',
    });
    expect(reply.status).toBe(400);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB);
  });

  it('more files than the limit', async () => {
    const files = Array.from({ length: 17 }, (_, index): File => [`f${index}`, bytes('x')]);
    await refused(formOf(files), /at most 16/);
    const form = formOf(files.slice(0, 16));
    form.append('attachments', 'one/more');
    await refused(form, /at most 16/);
  });

  it('two files of one name, a name that is none, a file in another field', async () => {
    await refused(
      formOf([
        ['a/x', bytes('1')],
        ['b/x', bytes('2')],
      ]),
      /two files are named x/,
    );
    for (const name of ['', '..', 'a/..', 'x'.repeat(256), 'tab\there']) {
      await refused(formOf([[name, bytes('1')]]), /printable name/);
    }
    const form = formOf([]);
    form.append('script', new Blob(['echo']), 'run.sh');
    await refused(form, /^script: must not be a file/);
  });

  it('members that a JSON body could not have either', async () => {
    await refused(formOf([], { input_mode: 'telepathy' }), /input_mode/);
    await refused(formOf([], { timeout_seconds: 'soon' }), /timeout_seconds/);
    await refused(formOf([], { use_inference: 'perhaps' }), /use_inference/);
    await refused(formOf([], { prompt: 'a\0b' }), /NUL/);
    await refused(formOf([], { prompt: 'x'.repeat(10 * MIB + 1) }), /too large/);
    const twice = formOf([]);
    twice.append('prompt', 'again');
    await refused(twice, /prompt: given twice/);
    const prototype = formOf([]);
    prototype.append('__proto__', 'x');
    await refused(prototype, /multipart|prototype/);
  });

  it('what is no multipart', async () => {
    const type = (boundary: string): Record<string, string> => ({
      'content-type': `multipart/form-data${boundary}`,
    });
    await refused('nonsense', /multipart/, type(''));
    await refused('nonsense', /multipart|prompt/, type('; boundary=x'));
    await refused('', /multipart|prompt|body/i, type('; boundary=x'));
    const head = '--x\r\ncontent-disposition: form-data; name="attachments"; filename="a"\r\n\r\n';
    await refused(`${head}cut off`, /multipart/, type('; boundary=x'));
  });

  it('an upload without a token, before a byte of it is stored', async () => {
    const before = await readdir(gateway().api.blobs.folder);
    const reply = await fetch(`${gateway().origin}/v1/tasks`, {
      method: 'POST',
      body: formOf([['a', randomBytes(1000)]]),
    });
    expect(reply.status).toBe(401);
    expect(await readdir(gateway().api.blobs.folder)).toEqual(before);
  });

  it('an upload whose client goes away leaves neither a task nor a half file', async () => {
    const before = await gateway().api.db.selectFrom('tasks').select('id').execute();
    const { hostname, port } = new URL(gateway().origin);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${gateway().user.tokens.access_token}\r\n` +
        'content-type: multipart/form-data; boundary=x\r\ncontent-length: 100000\r\n\r\n' +
        '--x\r\ncontent-disposition: form-data; name="attachments"; filename="half"\r\n\r\nabc',
    );
    const incoming = (): Promise<string[]> => readdir(join(gateway().api.blobs.folder, 'incoming'));
    await eventually('the file begins to arrive', async () => (await incoming()).length === 1);
    socket.destroy();
    await eventually('it is gone', async () => (await incoming()).length === 0);
    expect(await gateway().api.db.selectFrom('tasks').select('id').execute()).toHaveLength(before.length);
  });
});

describe('the Idempotency-Key of a task with files', () => {
  it('covers names and contents, and not how they are encoded', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const first = await created(
      gateway(),
      formOf([
        ['a', bytes('1')],
        ['b', bytes('2')],
      ]),
      key,
    );
    const again = await created(
      gateway(),
      formOf([
        ['a', bytes('1')],
        ['b', bytes('2')],
      ]),
      key,
    );
    expect(again.id).toBe(first.id);
    for (const files of [
      [
        ['a', bytes('1')],
        ['b', bytes('3')],
      ],
      [
        ['a', bytes('1')],
        ['c', bytes('2')],
      ],
      [['a', bytes('1')]],
    ] satisfies File[][]) {
      expect((await create(gateway(), formOf(files), key)).body).toMatchObject({
        code: 'idempotency_mismatch',
      });
    }
    const bad = await create(gateway(), formOf([]), { 'idempotency-key': 'not a key' });
    expect(bad.body).toMatchObject({ code: 'validation' });
  });
});
