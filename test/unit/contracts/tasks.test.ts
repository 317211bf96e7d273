import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  API_TASK_STATUSES,
  createTaskBodySchema,
  INPUT_MODES,
  isTerminalJobStatus,
  isTerminalTaskStatus,
  JOB_STATUSES,
  TASK_LIMITS,
  taskSchema,
  toApiTaskStatus,
  toStoredTaskStatus,
} from '../../../contracts/tasks.ts';

const parse = (body: unknown) => createTaskBodySchema.safeParse(body);
const refusedMembers = (body: unknown): string[] =>
  (parse(body).error?.issues ?? []).map(({ path }) => path.join('.'));

const DEFAULTS = { prompt: 'p', input_mode: 'prompt', use_inference: false, use_sba: false };
const blank = fc.constantFrom('', ' ', '\t\n', null, undefined);

describe('the body of a new task', () => {
  it('needs no more than a prompt', () => {
    expect(parse({ prompt: 'p' }).data).toEqual(DEFAULTS);
    for (const body of [{}, { prompt: '' }, { prompt: null }, { prompt: 7 }])
      expect(refusedMembers(body)).toEqual(['prompt']);
    for (const body of [null, [], 'prompt', 7]) expect(parse(body).success).toBe(false);
  });

  it('keeps any prompt as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (prompt) => {
        expect(parse({ prompt }).data).toEqual({ ...DEFAULTS, prompt });
      }),
    );
  });

  it('may have unknown members, which are dropped', () => {
    const known = new Set(Object.keys(createTaskBodySchema.shape));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (members) => {
        const unknown = Object.fromEntries(Object.entries(members).filter(([name]) => !known.has(name)));
        expect(parse({ ...unknown, prompt: 'p' }).data).toEqual(DEFAULTS);
      }),
    );
  });

  it('has no project, image or mode where they are blank', () => {
    fc.assert(
      fc.property(blank, blank, blank, (projectId, image, inputMode) => {
        const { data } = parse({ prompt: 'p', project_id: projectId, image, input_mode: inputMode });
        expect(data).toEqual(DEFAULTS);
        expect([data?.project_id, data?.image]).toEqual([undefined, undefined]);
      }),
    );
  });

  it('may have null for whatever is optional', () => {
    const members = ['use_inference', 'use_sba', 'task_name', 'attachments', 'timeout_seconds'];
    fc.assert(
      fc.property(fc.subarray(members), (chosen) => {
        const body = { prompt: 'p', ...Object.fromEntries(chosen.map((name) => [name, null])) };
        expect(parse(body).data).toMatchObject(DEFAULTS);
      }),
    );
  });

  it('takes a project only by its UUID', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(parse({ prompt: 'p', project_id: id }).data?.project_id).toBe(id);
        expect(refusedMembers({ prompt: 'p', project_id: id.slice(1) })).toEqual(['project_id']);
      }),
    );
    for (const id of ['default', 7, {}, []])
      expect(refusedMembers({ prompt: 'p', project_id: id })).toEqual(['project_id']);
  });

  it('takes the three modes and no other', () => {
    for (const mode of INPUT_MODES)
      expect(parse({ prompt: 'p', input_mode: mode }).data?.input_mode).toBe(mode);
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.integer(), fc.constantFrom('Prompt', 'SCRIPT', 'command')),
        (mode) => {
          fc.pre(
            !(
              typeof mode === 'string' &&
              (mode.trim() === '' || INPUT_MODES.some((known) => known === mode))
            ),
          );
          expect(refusedMembers({ prompt: 'p', input_mode: mode })).toEqual(['input_mode']);
        },
      ),
    );
  });

  it('takes a timeout of whole seconds inside the bounds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.double(), fc.integer({ min: 1, max: 10_800 })), (seconds) => {
        const good = Number.isInteger(seconds) && seconds >= 1 && seconds <= TASK_LIMITS.timeoutMaxSeconds;
        expect(parse({ prompt: 'p', timeout_seconds: seconds }).success).toBe(good);
      }),
    );
  });

  it('names every member that is wrong', () => {
    const body = {
      prompt: 'p',
      use_inference: 'yes',
      task_name: 7,
      attachments: 'a.txt',
      image: 'x'.repeat(513),
    };
    expect(refusedMembers(body).sort()).toEqual(['attachments', 'image', 'task_name', 'use_inference']);
  });
});

describe('the status of a task', () => {
  it('is pending in the database and queued on the wire, and else the same', () => {
    for (const status of API_TASK_STATUSES) expect(toApiTaskStatus(toStoredTaskStatus(status))).toBe(status);
    expect(toStoredTaskStatus('queued')).toBe('pending');
    expect(toApiTaskStatus('pending')).toBe('queued');
  });

  it('is terminal on the wire when it is in the database', () => {
    for (const status of API_TASK_STATUSES) {
      expect(isTerminalTaskStatus(status)).toBe(isTerminalTaskStatus(toStoredTaskStatus(status)));
    }
    expect(API_TASK_STATUSES.filter((status) => !isTerminalTaskStatus(status))).toEqual([
      'queued',
      'running',
    ]);
    expect(JOB_STATUSES.filter((status) => !isTerminalJobStatus(status))).toEqual(['queued', 'running']);
  });

  it('is the only one that a task object may have', () => {
    const task = {
      id: '1',
      task_id: '1',
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    };
    expect(taskSchema.safeParse({ ...task, status: 'queued' }).success).toBe(true);
    expect(taskSchema.safeParse({ ...task, status: 'pending' }).success).toBe(false);
  });
});
