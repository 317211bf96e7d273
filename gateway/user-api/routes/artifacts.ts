import { z } from 'zod';
import { artifactListSchema } from '../../../contracts/artifacts.ts';
import { uuidSchema } from '../../../contracts/ids.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findTask } from '../../../schema/tasks/queries.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { sendBlob } from '../../shared/send-blob.ts';
import { callerOf } from '../auth/authenticate.ts';
import type { UserApiDeps } from '../deps.ts';
import { artifactHeaders, listArtifactPage, openArtifact } from '../tasks/artifacts.ts';
import { idParams } from './id-params.ts';
import { pageQuerySchema } from './page-query.ts';

const ARTIFACTS = `${PATHS.tasks}/:id/artifacts`;
const taskParams = idParams('Id or name of a task.');
const PROBLEMS = { ...COMMON_PROBLEMS, 403: problemSchema, 404: problemSchema };
/** The cursor is the id of the last file of the page before. */
const listQuery = pageQuerySchema.extend({
  cursor: z.preprocess((value) => value ?? '', z.union([z.literal(''), uuidSchema])),
});

/** Files of the caller's tasks: attachments, and what jobs left. */
export function registerArtifactRoutes(scope: HttpApp, deps: UserApiDeps): void {
  scope.get(
    ARTIFACTS,
    {
      schema: {
        operationId: 'listTaskArtifacts',
        tags: ['tasks'],
        summary: 'List the files of a task: attachments, and what its jobs left',
        params: taskParams,
        querystring: listQuery,
        response: { 200: artifactListSchema, ...PROBLEMS },
      },
    },
    async (request) => {
      const task = await findTask(deps.db, callerOf(request).userId, request.params.id);
      return listArtifactPage(deps.db, task.id, request.query);
    },
  );

  scope.get(
    `${ARTIFACTS}/:artifact`,
    {
      schema: {
        operationId: 'downloadTaskArtifact',
        tags: ['tasks'],
        summary: 'Download a file of a task',
        produces: ['application/octet-stream'],
        params: taskParams.extend({ artifact: uuidSchema }),
        response: { ...PROBLEMS, 410: problemSchema },
      },
    },
    async (request, reply) => {
      const task = await findTask(deps.db, callerOf(request).userId, request.params.id);
      const { row, blob } = await openArtifact(deps, task.id, request.params.artifact);
      return sendBlob(reply.headers(artifactHeaders(row)), blob);
    },
  );
}
