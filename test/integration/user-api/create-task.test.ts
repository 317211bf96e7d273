import { describe, expect, it } from '@jest/globals';
import { CynodeError } from '../../../contracts/errors.ts';
import { runRequestSchema } from '../../../contracts/jobs.ts';
import { useTasks } from './tasks-context.ts';

const { api, user, create, taskOf, script, countTasks } = useTasks();

describe('creating a task', () => {
  it('stores task and job, starts the workflow and answers with the task object', async () => {
    const reply = await create(script('echo hello', { task_name: 'Say  Hello!', timeout_seconds: 60 }));
    expect(reply.status).toBe(201);
    const task = taskOf(reply);
    expect(task).toEqual({
      id: task.task_id,
      task_id: task.task_id,
      status: 'queued',
      task_name: 'say-hello',
      summary: 'say-hello',
      prompt: 'echo hello',
      input_mode: 'script',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      updated_at: expect.any(String),
      waiting_reason: 'waiting for a node: none is registered yet',
    });
    expect(reply.text.endsWith('\n')).toBe(true);
    expect(api().calls.started.at(-1)).toEqual({
      taskId: task.id,
      name: 'say-hello',
      userHandle: user().handle,
      projectSlug: `default-${user().id}`,
      inputMode: 'script',
      first: [],
    });
    const jobs = await api().db.selectFrom('jobs').selectAll().where('task_id', '=', task.id).execute();
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ ordinal: 1, status: 'queued', timeout_seconds: 60 });
    expect(runRequestSchema.parse(jobs[0]?.payload)).toEqual({
      version: 1,
      task_id: task.id,
      job_id: jobs[0]?.id,
      sandbox: { script: 'echo hello', timeout_seconds: 60, use_inference: false },
    });
  });

  it('puts image, timeout and inference flag into the job', async () => {
    const task = taskOf(
      await create({
        prompt: 'id\nuname -a',
        input_mode: 'commands',
        use_inference: true,
        image: 'python:3.13-slim',
      }),
    );
    const { payload, timeout_seconds } = await api()
      .db.selectFrom('jobs')
      .select(['payload', 'timeout_seconds'])
      .where('task_id', '=', task.id)
      .executeTakeFirstOrThrow();
    expect(timeout_seconds).toBe(3600);
    expect(payload.sandbox).toEqual({
      image: 'python:3.13-slim',
      script: 'id\nuname -a',
      timeout_seconds: 3600,
      use_inference: true,
    });
  });

  it('is 201 also while Temporal is away, and leaves the start to the reconciler', async () => {
    api().calls.failure = new CynodeError('unavailable', 'away');
    const reply = await create(script('true')).finally(() => (api().calls.failure = null));
    expect(reply.status).toBe(201);
    const row = await api()
      .db.selectFrom('tasks')
      .selectAll()
      .where('id', '=', taskOf(reply).id)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ status: 'pending', workflow_started_at: null });
  });

  it('does not wait long for a Temporal that does not answer', async () => {
    api().calls.delayMs = 3000;
    const start = performance.now();
    const reply = await create(script('true')).finally(() => (api().calls.delayMs = 0));
    expect(reply.status).toBe(201);
    expect(performance.now() - start).toBeLessThan(2500);
  });

  it.each([{ prompt: 'What is the weather?' }, { prompt: 'hi', input_mode: 'prompt' }])(
    'keeps text for a model and never as a script',
    async (body) => {
      const reply = await create(body);
      expect(reply).toMatchObject({ status: 201, body: { input_mode: 'prompt' } });
      const job = await api()
        .db.selectFrom('jobs')
        .select(['kind', 'payload'])
        .where('task_id', '=', taskOf(reply).task_id)
        .executeTakeFirstOrThrow();
      expect(job.kind).toBe('answer');
      expect(job.payload.sandbox.script).toBeUndefined();
    },
  );

  it('refuses an agent task with what to do instead, and stores nothing', async () => {
    const before = await countTasks();
    const reply = await create({ prompt: 'hi', use_sba: true, input_mode: 'script' });
    expect(reply).toMatchObject({
      status: 503,
      body: { code: 'no_inference_path', detail: expect.stringContaining('Leave use_sba out') },
    });
    expect(await countTasks()).toBe(before);
  });

  it.each([
    ['no body', undefined],
    ['an empty body', ''],
    ['broken JSON', '{"prompt":'],
    ['a list', []],
    ['no prompt', { input_mode: 'script' }],
    ['an empty prompt', script('')],
    ['a number as prompt', { prompt: 5, input_mode: 'script' }],
    ['a NUL in the prompt', script('a\0b')],
    ['half a character', '{"prompt":"a\\ud800b","input_mode":"script"}'],
    ['an unknown input mode', { prompt: 'x', input_mode: 'python' }],
    ['a malformed project', script('x', { project_id: 'mine' })],
    ['a timeout of 0', script('x', { timeout_seconds: 0 })],
    ['a timeout over the limit', script('x', { timeout_seconds: 10_801 })],
    ['a text as attachments', script('x', { attachments: 'a.txt' })],
    ['17 attachments', script('x', { attachments: Array.from({ length: 17 }, (_, n) => `f${n}`) })],
    ['a body over 10 MiB', script('x'.repeat(10 * 1024 * 1024))],
  ])('refuses %s with 400', async (_what, body) => {
    const before = await countTasks();
    const reply = await create(body);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ type: 'urn:cynodeai:error:validation', detail: expect.any(String) });
    expect(await countTasks()).toBe(before);
  });

  it('ignores unknown members and takes null and blank as absent', async () => {
    const body = {
      prompt: ' ',
      input_mode: 'script',
      project_id: ' ',
      task_name: null,
      attachments: null,
      image: '',
      timeout_seconds: null,
      use_inference: null,
      colour: 'red',
    };
    expect((await create(body)).status).toBe(201);
  });

  it('keeps any Unicode text', async () => {
    const text = 'echo "žluťoučký 🦄 \u2028 <&> ‮ مرحبا"';
    const reply = await create(script(text));
    expect(taskOf(reply).prompt).toBe(text);
    expect(reply.text).toContain('\\u003c\\u0026\\u003e');
  });

  it('stores a prompt of 9 MiB', async () => {
    const reply = await create(script('x'.repeat(9 * 1024 * 1024)));
    expect(reply.status).toBe(201);
    const list = await user().call({ url: '/v1/tasks?limit=1' });
    expect(list.text.length).toBeLessThan(2000);
  });
});

describe('attachments', () => {
  it('are trimmed, kept in order, and blank, overlong and repeated ones dropped', async () => {
    const reply = await create(
      script('x', {
        attachments: [' z.txt ', '', 'a/b.md', '  ', 'z.txt', 'y'.repeat(2049), 'é'.repeat(1024), 'c'],
      }),
    );
    expect(taskOf(reply).attachments).toEqual(['z.txt', 'a/b.md', 'é'.repeat(1024), 'c']);
  });
});
