import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { renderControlPlaneDocument, renderUserApiDocument } from '../../../../scripts/build/openapi.ts';
import { serveOpenApi } from '../../../../gateway/shared/openapi/serve.ts';
import { createTestApp } from '../../platform/http/app.ts';

const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  components: z.object({
    schemas: z.record(z.string(), z.unknown()),
    securitySchemes: z.record(z.string(), z.object({ type: z.literal('http'), scheme: z.literal('bearer') })),
  }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        summary: z.string(),
        tags: z.array(z.string()).length(1),
        responses: z.record(
          z.string(),
          z.object({ description: z.string(), content: z.record(z.string(), z.unknown()).optional() }),
        ),
      }),
    ),
  ),
});
/** Errors of some of their routes have OpenAI’s form. */
const OPENAI_TAGS = ['inference', 'chat'];
const render = async (text: Promise<string>) => documentSchema.parse(JSON.parse(await text));

describe('the document of an API', () => {
  it.each([
    ['User API', renderUserApiDocument],
    ['control plane', renderControlPlaneDocument],
  ])('of the %s says of every operation what it does and how it fails', async (_name, make) => {
    const { paths } = await render(make());
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, tags, responses } of operations.filter(({ tags: [tag] }) => tag !== 'health')) {
      expect([operationId, tags, Object.keys(responses)]).toEqual([
        operationId,
        tags,
        expect.arrayContaining(['400', '401', '500', '503']),
      ]);
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description).not.toBe('Default Response');
        const problem = Object.keys(content ?? {}).join() === 'application/problem+json';
        if (OPENAI_TAGS.includes(tags[0] ?? '')) continue;
        expect([operationId, status, problem]).toEqual([operationId, status, Number(status) >= 400]);
      }
    }
  });

  it('writes literal colons and parameters as clients need them', async () => {
    const { paths } = await render(renderControlPlaneDocument());
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        '/v1/nodes/jobs/{job}/attempts/{attempt}:claim',
        '/v1/nodes/jobs/{job}/attempts/{attempt}:complete',
      ]),
    );
  });

  it('has no schema that nothing refers to', async () => {
    const text = await renderUserApiDocument();
    for (const name of Object.keys((await render(Promise.resolve(text))).components.schemas))
      expect([name, text.includes(`"#/components/schemas/${name}"`)]).toEqual([name, true]);
  });
});

describe('the page of an API', () => {
  const { app } = createTestApp();

  it('needs nothing from elsewhere, and neither page nor document a token', async () => {
    serveOpenApi(app, { title: 'Things', description: 'About things', tags: {}, bearers: { token: 'ask' } });
    const page = await app.inject('/docs');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
    for (const [, part = ''] of page.body.matchAll(/(?:src|href)="([^"]+)"/g))
      expect([part, (await app.inject(part)).statusCode]).toEqual([part, 200]);
    const document = await app.inject('/openapi.json');
    expect([document.statusCode, document.headers['content-type']]).toEqual([200, 'application/json']);
    expect(document.json()).toMatchObject({ openapi: '3.1.0', info: { title: 'Things' } });
  });
});
