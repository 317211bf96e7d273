import { z } from 'zod';
import {
  addMessageBodySchema,
  CHAT_LIMITS,
  CHAT_PATHS,
  chatMessageListSchema,
  chatMessageSchema,
  createThreadBodySchema,
  threadIdSchema,
  threadListSchema,
  threadSchema,
  warmBodySchema,
  warmReplySchema,
} from '../../../contracts/chat.ts';
import { uuidSchema } from '../../../contracts/ids.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findThread } from '../../../schema/chat/threads.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { callerOf } from '../auth/authenticate.ts';
import { projectOf } from '../chat/project.ts';
import { addUserMessage, beginThread, listMessagePage, listThreadPage, viewThread } from '../chat/threads.ts';
import { warmModel } from '../chat/warm.ts';
import type { UserApiDeps } from '../deps.ts';

const blankAsAbsent = (value: unknown): unknown => (value === '' ? undefined : value);
const MAX_OFFSET = 1_000_000;

const pageQuery = z.object({
  limit: z.preprocess(
    blankAsAbsent,
    z.coerce.number().int().min(1).max(CHAT_LIMITS.listMax).default(CHAT_LIMITS.listDefault),
  ),
  offset: z.preprocess(blankAsAbsent, z.coerce.number().int().min(0).max(MAX_OFFSET).default(0)),
});
const threadsQuery = pageQuery.extend({
  project_id: z.preprocess(blankAsAbsent, uuidSchema.optional()),
});
const threadParams = z.object({ id: uuidSchema.meta({ description: 'Id of a thread of the caller.' }) });
const ONE_THREAD_PROBLEMS = { ...COMMON_PROBLEMS, 404: problemSchema };

/** Threads of chats and their messages (contract §6.5). */
export function registerThreadRoutes(scope: HttpApp, deps: UserApiDeps): void {
  registerCollection(scope, deps);
  registerMessages(scope, deps);
  registerWarm(scope, deps);
}

function registerCollection(scope: HttpApp, deps: UserApiDeps): void {
  scope.post(
    CHAT_PATHS.threads,
    {
      schema: {
        operationId: 'createThread',
        tags: ['chat'],
        summary: 'Begin a new thread',
        description: 'The next completion of the same project goes there.',
        body: createThreadBodySchema,
        response: { 201: threadIdSchema, ...ONE_THREAD_PROBLEMS },
      },
    },
    async (request, reply) => {
      const { project_id: named, title } = request.body;
      const projectId = named?.toLowerCase() ?? projectOf(request);
      const owner = { userId: callerOf(request).userId, projectId };
      const threadId = await beginThread(deps.db, owner, title);
      return reply.code(201).send({ thread_id: threadId });
    },
  );
  scope.get(
    CHAT_PATHS.threads,
    {
      schema: {
        operationId: 'listThreads',
        tags: ['chat'],
        summary: 'List threads of the caller, the one used last first',
        querystring: threadsQuery,
        response: { 200: threadListSchema, ...COMMON_PROBLEMS },
      },
    },
    async (request) => listThreadPage(deps.db, callerOf(request).userId, request.query),
  );
  scope.get(
    `${CHAT_PATHS.threads}/:id`,
    {
      schema: {
        operationId: 'getThread',
        tags: ['chat'],
        summary: 'Get a thread',
        params: threadParams,
        response: { 200: threadSchema, ...ONE_THREAD_PROBLEMS },
      },
    },
    async (request) => viewThread(await findThread(deps.db, callerOf(request).userId, request.params.id)),
  );
}

function registerMessages(scope: HttpApp, deps: UserApiDeps): void {
  const path = `${CHAT_PATHS.threads}/:id/messages`;
  scope.get(
    path,
    {
      schema: {
        operationId: 'listMessages',
        tags: ['chat'],
        summary: 'List the messages of a thread, oldest first',
        params: threadParams,
        querystring: pageQuery,
        response: { 200: chatMessageListSchema, ...ONE_THREAD_PROBLEMS },
      },
    },
    async (request) =>
      listMessagePage(deps.db, callerOf(request).userId, { threadId: request.params.id, ...request.query }),
  );
  scope.post(
    path,
    {
      schema: {
        operationId: 'addMessage',
        tags: ['chat'],
        summary: 'Add a message without asking',
        description: 'It is part of the history of later questions. Secrets are taken out before.',
        params: threadParams,
        body: addMessageBodySchema,
        response: { 201: chatMessageSchema, ...ONE_THREAD_PROBLEMS },
      },
    },
    async (request, reply) => {
      const message = { threadId: request.params.id, content: request.body.content };
      return reply.code(201).send(await addUserMessage(deps.db, callerOf(request).userId, message));
    },
  );
}

function registerWarm(scope: HttpApp, deps: UserApiDeps): void {
  scope.post(
    CHAT_PATHS.warm,
    {
      schema: {
        operationId: 'warmModel',
        tags: ['chat'],
        summary: 'Say that a model will be asked soon',
        description: 'Best effort: 202 while it is not in memory yet.',
        body: warmBodySchema,
        response: { 200: warmReplySchema, 202: warmReplySchema, ...ONE_THREAD_PROBLEMS },
      },
    },
    async (request, reply) => {
      const warm = await warmModel(deps.db, request.body.model);
      return reply.code(warm.state === 'warm' ? 200 : 202).send(warm);
    },
  );
}
