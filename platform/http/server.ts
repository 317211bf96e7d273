import { randomUUID } from 'node:crypto';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { CynodeError, toProblem } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Logger } from '../logger.ts';
import { encodeJson, faultOf } from './json.ts';
import { answerClientError } from './client-errors.ts';
import { registerHealth } from './health.ts';
import type { HealthOptions } from './health.ts';
import { registerPlainNotFound } from './not-found.ts';
import { measureRequests } from './request-metrics.ts';
import { traceRequests } from './request-tracing.ts';
import { HTTP_TIMINGS } from './timings.ts';
import type { HttpTimings } from './timings.ts';
import { zodValidator } from './validation.ts';

export interface HttpAppOptions extends HealthOptions {
  /** Whose requests these are, in the metrics. */
  readonly role: string;
  readonly logger: Logger;
  readonly bodyLimitBytes: number;
  /** Code for a body over the limit: the gateway says `validation` (400), the Worker API `payload_too_large` (contract §2). */
  readonly tooLarge: Extract<ErrorCode, 'validation' | 'payload_too_large'>;
  readonly trustedProxies?: readonly string[];
  /** Absent: the usual ones, but no bound on the time of a reply, as for the Worker API (contract §2). */
  readonly timings?: HttpTimings;
}

/** How much later than its time is over an unfinished request may be found. */
const CHECK_INTERVAL_MS = 5_000;
const MAX_PARAM_LENGTH = 512;
/** Fastify's own texts repeat the whole path. */
const PATH_FAULTS: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The path cannot be decoded; write it in UTF-8 with % for what is not ASCII',
  FST_ERR_MAX_PARAM_LENGTH: `A part of the path has more than ${MAX_PARAM_LENGTH} characters; check the id or name in it`,
};

const BODY_TOO_LARGE = 'FST_ERR_CTP_BODY_TOO_LARGE';

export type HttpApp = ReturnType<typeof buildApp>;

function buildApp(options: HttpAppOptions) {
  const loggerInstance: FastifyBaseLogger = options.logger;
  const timings = options.timings ?? { ...HTTP_TIMINGS, writeTimeoutMs: 0 };
  return Fastify({
    loggerInstance,
    // Found in the logs of all processes, so not a number that starts at one in each.
    genReqId: () => randomUUID(),
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, _request, { raw }) => {
      const problem = encodeJson(toProblem('validation', PATH_FAULTS[error.code] ?? error.message));
      raw.writeHead(400, { 'content-type': 'application/problem+json' }).end(problem);
    },
    clientErrorHandler: answerClientError,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: timings.readTimeoutMs,
    connectionTimeout: timings.writeTimeoutMs,
    keepAliveTimeout: timings.idleTimeoutMs,
    http: {
      maxHeaderSize: timings.maxHeaderBytes,
      requestTimeout: timings.readTimeoutMs,
      headersTimeout: timings.readTimeoutMs,
      connectionsCheckingInterval: Math.min(timings.readTimeoutMs, CHECK_INTERVAL_MS),
    },
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
  }).withTypeProvider<ZodTypeProvider>();
}

/** Fastify with what every HTTP surface of ours shares: JSON rules, problems, health, metrics (contract §2). */
export function createHttpApp(options: HttpAppOptions): HttpApp {
  const app = buildApp(options);
  app.setValidatorCompiler(zodValidator);
  app.setSerializerCompiler(({ schema }) => {
    const replySchema = schema as z.ZodType; // the type provider allows nothing else in a route
    return (data) => encodeJson(replySchema.parse(data));
  });
  encodeRepliesWithoutSchema(app);
  traceRequests(app, options.role);
  acceptJsonWhateverItsType(app);
  // Hooks of every request call back: promises would cost more than what they do.
  app.addHook('onRequest', (request, _reply, done) => {
    const hasNul = request.url.includes('%00');
    done(hasNul ? new CynodeError('validation', 'the path and query must not contain NUL') : undefined);
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    const type = reply.getHeader('content-type');
    if (typeof type === 'string' && /^application\/(problem\+)?json;/.test(type)) {
      void reply.header('content-type', type.slice(0, type.indexOf(';')));
    }
    done(null, payload);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply, options));
  endConnectionsOnClose(app);
  measureRequests(app, options.role, options.metrics);
  registerPlainNotFound(app);
  registerHealth(app, options);
  return app;
}

/** A reply serializer for all would take the place of the schemas' own, and let undeclared members out. */
function encodeRepliesWithoutSchema(app: FastifyInstance): void {
  app.addHook('preSerialization', (_request, reply, payload, done) => {
    if (reply.getSerializationFunction(String(reply.statusCode)) === undefined)
      void reply.serializer(encodeJson);
    done(null, payload);
  });
}

/** Kept alive, the connections of what is in hand would hold a closing process for minutes. */
function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done(null, payload);
  });
}

/** RFC 9110 §8.3.1, as far as Fastify insists on it. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/;

/** Go's servers never look at Content-Type; an empty body is left to the route's schema. */
function acceptJsonWhateverItsType(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    // Fastify refuses what is no media type before it looks for a parser.
    if (!MEDIA_TYPE.test(headers['content-type'] ?? '')) delete headers['content-type'];
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    try {
      const value: unknown = JSON.parse(String(body));
      const fault = faultOf(value);
      if (fault !== null) throw new CynodeError('validation', `Invalid request body: ${fault}`);
      done(null, value);
    } catch (error) {
      done(
        error instanceof CynodeError
          ? error
          : new CynodeError('validation', 'Invalid request body: not valid JSON'),
      );
    }
  });
}

function sendError(
  error: FastifyError | CynodeError,
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpAppOptions,
): FastifyReply {
  const { code, detail } = describe(error, request.id, options.tooLarge);
  const problem = toProblem(code, detail);
  if (problem.status >= 500 && !(error instanceof CynodeError))
    request.log.error({ err: error }, 'request failed');
  if (error.code === BODY_TOO_LARGE) readRestInVain(request, reply);
  return reply.code(problem.status).type('application/problem+json').send(problem);
}

/**
 * Closed while it still sends, a client would see a broken connection and never its refusal. How long it may go on is
 * bounded by the read timeout.
 */
function readRestInVain(request: FastifyRequest, reply: FastifyReply): void {
  void reply.removeHeader('connection');
  request.raw.resume();
}

function describe(
  error: FastifyError | CynodeError,
  requestId: string,
  tooLarge: ErrorCode,
): { code: ErrorCode; detail: string } {
  if (error instanceof CynodeError) return { code: error.code, detail: error.message };
  if (error.code === BODY_TOO_LARGE) return { code: tooLarge, detail: 'Invalid request body: too large' };
  if (error.statusCode === 429) return { code: 'rate_limit', detail: error.message };
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { code: 'validation', detail: error.message };
  return { code: 'internal', detail: `Internal error; the server's log has it as request ${requestId}` };
}
