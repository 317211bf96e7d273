import { describe, expect, it } from '@jest/globals';
import { PATHS } from '../../../contracts/paths.ts';
import { buildTestControlPlane, useControlPlane } from './context.ts';

const plane = useControlPlane();

describe('the control plane', () => {
  it('is alive but not ready while no model can be reached', async () => {
    const { app } = plane();
    expect(await app.inject({ method: 'GET', url: PATHS.healthz })).toMatchObject({
      statusCode: 200,
      body: 'ok\n',
    });
    const ready = await app.inject({ method: 'GET', url: PATHS.readyz });
    expect(ready.statusCode).toBe(503);
    expect(ready.body).toContain('no inference path');
  });

  it('answers unknown paths in plain text', async () => {
    const reply = await plane().app.inject({ method: 'POST', url: '/v1/mcp/unknown', payload: {} });
    expect([reply.statusCode, reply.body]).toEqual([404, '404 page not found\n']);
  });

  it('names the database when that is away', async () => {
    await using stack = new AsyncDisposableStack();
    const { app } = await buildTestControlPlane(stack, 'postgres://nobody:x@127.0.0.1:1/cynodeai');
    const ready = await app.inject({ method: 'GET', url: PATHS.readyz });
    expect(ready.statusCode).toBe(503);
    expect(ready.body).toContain('database check failed');
  });
});
