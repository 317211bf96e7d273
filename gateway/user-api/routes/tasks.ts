import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { PATHS } from '../../../contracts/paths.ts';
import {
  LOG_STREAMS,
  taskCancelSchema,
  taskListSchema,
  taskLogsSchema,
  taskResultSchema,
  taskSchema,
} from '../../../contracts/tasks.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findTask } from '../../../schema/tasks/queries.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { callerOf } from '../auth/authenticate.ts';
import type { UserApiDeps } from '../deps.ts';
import { findTaskWhenEnded, waitQuerySchema } from '../tasks/await-end.ts';
import { cancelTask } from '../tasks/cancel.ts';
import { listTaskPage, listTasksQuerySchema } from '../tasks/list.ts';
import { viewLogs, viewOneTask, viewResult } from '../tasks/views.ts';
import { idParams } from './id-params.ts';

const taskParams = idParams('Id or name of a task of the caller.');
const logsQuery = z.object({
  stream: z
    .enum(LOG_STREAMS)
    .default('all')
    .meta({ description: 'Which output to return; the other one is empty.' }),
});
const ONE_TASK_PROBLEMS = { ...COMMON_PROBLEMS, 403: problemSchema, 404: problemSchema };

/** Tasks of the caller (contract §5.3). */
export function registerTaskRoutes(scope: HttpApp, deps: UserApiDeps): void {
  registerCollection(scope, deps);
  registerWaitingRoutes(scope, deps);
  registerLogsAndCancel(scope, deps);
}

function registerCollection(scope: HttpApp, deps: UserApiDeps): void {
  scope.get(
    PATHS.tasks,
    {
      schema: {
        operationId: 'listTasks',
        tags: ['tasks'],
        summary: 'List tasks of the caller, newest first',
        querystring: listTasksQuerySchema,
        response: { 200: taskListSchema, ...COMMON_PROBLEMS },
      },
    },
    async (request) => listTaskPage(deps.db, callerOf(request).userId, request.query),
  );
}

/** Task and result, now or when the task ends. */
function registerWaitingRoutes(scope: HttpApp, deps: UserApiDeps): void {
  scope.get(
    `${PATHS.tasks}/:id`,
    {
      schema: {
        operationId: 'getTask',
        tags: ['tasks'],
        summary: 'Get a task',
        description:
          'With wait: the reply comes when the task has ended, at the latest after so many seconds.',
        params: taskParams,
        querystring: waitQuerySchema,
        response: { 200: taskSchema, ...ONE_TASK_PROBLEMS },
      },
    },
    async (request) => viewOneTask(deps.db, await findTaskWhenEnded(deps, askedFor(request))),
  );

  scope.get(
    `${PATHS.tasks}/:id/result`,
    {
      schema: {
        operationId: 'getTaskResult',
        tags: ['tasks'],
        summary: 'Get the result of a task',
        description: 'The result member of a job is JSON text: exit code, standard output, standard error.',
        params: taskParams,
        querystring: waitQuerySchema,
        response: { 200: taskResultSchema, ...ONE_TASK_PROBLEMS },
      },
    },
    async (request) => viewResult(deps.db, await findTaskWhenEnded(deps, askedFor(request))),
  );
}

function registerLogsAndCancel(scope: HttpApp, deps: UserApiDeps): void {
  scope.get(
    `${PATHS.tasks}/:id/logs`,
    {
      schema: {
        operationId: 'getTaskLogs',
        tags: ['tasks'],
        summary: 'Get the output of a task',
        params: taskParams,
        querystring: logsQuery,
        response: { 200: taskLogsSchema, ...ONE_TASK_PROBLEMS },
      },
    },
    async (request) => {
      const task = await findTask(deps.db, callerOf(request).userId, request.params.id);
      return viewLogs(deps.db, task, request.query.stream);
    },
  );

  scope.post(
    `${PATHS.tasks}/:id/cancel`,
    {
      schema: {
        operationId: 'cancelTask',
        tags: ['tasks'],
        summary: 'Cancel a task',
        description: 'Kills its containers. Cancelling what has ended changes nothing.',
        params: taskParams,
        response: { 200: taskCancelSchema, ...ONE_TASK_PROBLEMS },
      },
    },
    async (request) => {
      const task = await findTask(deps.db, callerOf(request).userId, request.params.id);
      return cancelTask(deps, task.id);
    },
  );
}

/** Which task a request is about, and how long it may wait for its end. */
function askedFor(
  request: FastifyRequest & { readonly params: { id: string }; readonly query: { wait: number } },
): Parameters<typeof findTaskWhenEnded>[1] {
  return {
    userId: callerOf(request).userId,
    idOrName: request.params.id,
    waitSeconds: request.query.wait,
    signal: () => request.signal,
  };
}
