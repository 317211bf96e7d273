import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { PATHS } from '../../../contracts/paths.ts';
import { encodeJson } from '../../../platform/http/json.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { finishDocument } from './finish.ts';
import type { OpenApiDocument } from './finish.ts';
import { healthPaths } from './health.ts';

/** What a reader is told about an API beyond its routes. */
export interface ApiPresentation {
  readonly title: string;
  readonly description: string;
  /** Group of routes → what it is about, in the order in which they are shown. */
  readonly tags: Readonly<Record<string, string>>;
  /** Kind of bearer token → how to get one. The first one is what a route needs that says nothing else. */
  readonly bearers: Readonly<Record<string, string>>;
}

const VERSION = '0.1.0';
const BYTES = 'application/octet-stream';
/** The page needs nothing from elsewhere; its style is set by its own scripts. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'";

/**
 * Serves the OpenAPI 3.1 document of the routes that have a tag at `/openapi.json`, and a page that shows it at `/docs`, both
 * without a token. Call it before the routes are registered.
 */
export function serveOpenApi(app: HttpApp, api: ApiPresentation): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: api.title, description: api.description, version: VERSION },
      tags: Object.entries(api.tags).map(([name, description]) => ({ name, description })),
      security: Object.keys(api.bearers)
        .slice(0, 1)
        .map((name) => ({ [name]: [] })),
      components: { securitySchemes: securitySchemes(api) },
      paths: healthPaths(),
    },
    hideUntagged: true,
    convertConstToEnum: false,
    transform: describeRoute,
    transformObject: (document) => finishDocument(jsonSchemaTransformObject(document)),
  });
  void app.register(swaggerUi, {
    routePrefix: PATHS.docs,
    staticCSP: PAGE_POLICY,
    theme: { title: api.title },
  });
  let text: string | undefined;
  app.get(PATHS.openApi, { schema: { hide: true } }, async (_request, reply) => {
    text ??= encodeJson(openApiOf(app));
    return reply.type('application/json').serializer(String).send(text);
  });
}

/** A body that is taken as a stream has no schema in its route. */
const describeRoute: typeof jsonSchemaTransform = (route) => {
  const described = jsonSchemaTransform(route);
  const { body, consumes } = described.schema;
  if (body !== undefined || consumes?.[0] !== BYTES) return described;
  return { ...described, schema: { ...described.schema, body: { type: 'string', format: 'binary' } } };
};

function securitySchemes({ bearers }: ApiPresentation) {
  const schemes = Object.entries(bearers).map(([name, description]) => {
    return [name, { type: 'http' as const, scheme: 'bearer', description }] as const;
  });
  return Object.fromEntries(schemes);
}

/** The document of an app that is ready. */
export function openApiOf(app: HttpApp): OpenApiDocument {
  return app.swagger();
}
