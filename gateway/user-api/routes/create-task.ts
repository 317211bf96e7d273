import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { PATHS } from '../../../contracts/paths.ts';
import { createTaskBodySchema, taskSchema } from '../../../contracts/tasks.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { callerOf } from '../auth/authenticate.ts';
import type { UserApiDeps } from '../deps.ts';
import { submitTask } from '../tasks/create.ts';
import { createTaskHeaders, parseIdempotencyKey } from '../tasks/idempotency-key.ts';
import { readMultipart } from '../tasks/multipart.ts';
import type { UploadedFile } from '../tasks/multipart.ts';

const FILES = 'uploadedFiles';

/** `POST /v1/tasks`: JSON, or multipart with files (contract §5.3, design §10). The scope has to be its own. */
export async function registerCreateTaskRoute(scope: HttpApp, deps: UserApiDeps): Promise<void> {
  await scope.register(multipart, { throwFileSizeLimit: false });
  scope.decorateRequest(FILES, null);
  scope.post(
    PATHS.tasks,
    {
      schema: {
        operationId: 'createTask',
        tags: ['tasks'],
        summary: 'Create a task',
        description:
          'Stores the task and starts it; the reply does not wait for its end. With an Idempotency-Key a repeated request gets the same task again. ' +
          'As a form, the members are fields and each file is a part named attachments, at most 16 of 10 MiB; the job finds them in /workspace/attachments.',
        consumes: ['application/json', 'multipart/form-data'],
        headers: createTaskHeaders,
        body: createTaskBodySchema,
        response: { 201: taskSchema, ...COMMON_PROBLEMS, 404: problemSchema, 409: problemSchema },
      },
      preValidation: async (request) => takeMultipart(request, deps),
    },
    async (request, reply) => {
      const task = await submitTask(deps, callerOf(request), {
        body: request.body,
        files: request.getDecorator<readonly UploadedFile[] | null>(FILES) ?? [],
        idempotencyKey: parseIdempotencyKey(request.headers['idempotency-key']),
      });
      return reply.code(201).send(task);
    },
  );
}

/** From here on a form is as good as a JSON body. */
async function takeMultipart(request: FastifyRequest, { blobs, settings }: UserApiDeps): Promise<void> {
  if (!request.isMultipart()) return;
  parseIdempotencyKey(request.headers['idempotency-key']); // before anything is stored
  const { fields, files } = await readMultipart(request, blobs, settings.maxBodyBytes);
  request.body = fields;
  request.setDecorator(FILES, files);
}
