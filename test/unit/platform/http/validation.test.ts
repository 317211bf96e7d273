import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { createTaskBodySchema } from '../../../../contracts/tasks.ts';
import { CynodeError } from '../../../../contracts/errors.ts';
import { zodValidator } from '../../../../platform/http/validation.ts';

/** What a client is told about data that do not fit; undefined when they do. */
function told(schema: z.ZodType, data: unknown, httpPart = 'body'): string | undefined {
  const result: unknown = zodValidator({ schema, method: 'POST', url: '/', httpPart })(data);
  const error: unknown = typeof result === 'object' && result !== null ? Reflect.get(result, 'error') : null;
  return error instanceof CynodeError ? `${error.code}: ${error.message}` : undefined;
}
const task = (data: unknown): string | undefined => told(createTaskBodySchema, data);

describe('what a client is told', () => {
  it('names the member and says what to send', () => {
    expect(task({})).toBe('validation: prompt is required');
    expect(task({ prompt: '' })).toBe('validation: prompt is required');
    expect(task({ prompt: 5 })).toBe('validation: prompt must be text');
    expect(task({ prompt: 'x', input_mode: 'dance' })).toBe(
      'validation: input_mode must be one of prompt, script, commands',
    );
    expect(task({ prompt: 'x', use_sba: 'yes' })).toBe('validation: use_sba must be true or false');
    expect(task({ prompt: 'x', timeout_seconds: 0 })).toBe('validation: timeout_seconds must be at least 1');
    expect(task({ prompt: 'x', timeout_seconds: 1e9 })).toBe(
      'validation: timeout_seconds must be at most 10800',
    );
    expect(task({ prompt: 'x', timeout_seconds: 1.5 })).toBe(
      'validation: timeout_seconds must be a whole number',
    );
    expect(task({ prompt: 'x', project_id: 'mine' })).toBe('validation: project_id must be a UUID');
    expect(task({ prompt: 'x', image: 'a'.repeat(513) })).toBe(
      'validation: image must have at most 512 characters',
    );
  });

  it('says so of a body that is no object', () => {
    for (const body of [null, [], 'text', 5, true]) {
      expect(task(body)).toBe('validation: the body must be a JSON object');
    }
  });

  it('finds a member however deep it is', () => {
    const schema = z.object({ nodes: z.array(z.object({ slug: z.string().min(1) })).min(1) });
    expect(told(schema, { nodes: [{ slug: 'a' }, { slug: '' }] })).toBe(
      'validation: nodes[1].slug must not be empty',
    );
    expect(told(schema, { nodes: [] })).toBe('validation: nodes must not be empty');
  });

  it('is about five members at most', () => {
    const schema = z.record(z.string(), z.number());
    const body = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`m${n}`, 'x']));
    expect(told(schema, body)?.split('; ')).toHaveLength(5);
  });

  it('says of a parameter that is given twice that it must be given once', () => {
    const query = z.object({ limit: z.coerce.number(), stream: z.enum(['a', 'b']), cursor: z.string() });
    expect(told(query, { limit: ['1', '2'], stream: 'a', cursor: ['x', 'y'] }, 'querystring')).toBe(
      'validation: limit must be given once; cursor must be given once',
    );
  });

  it('is nothing when the data fit', () => {
    expect(task({ prompt: 'echo', unknown: true })).toBeUndefined();
  });
});
