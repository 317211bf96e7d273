import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import { openDatabase } from '../../schema/database.ts';
import { createTask } from '../../schema/tasks/create.ts';
import { findTask } from '../../schema/tasks/queries.ts';

/** Fastify with nothing but the queries of the gateway: no authentication, no checks, no metrics, no workflow. */
const [port = '', readUrl = '', writeUrl = '', readerId = '', writerId = ''] = process.argv.slice(2);

const open = (url: string) => openDatabase({ url, poolSize: 10, onIdleError: () => undefined });
const [toRead, toWrite] = [open(readUrl), open(writeUrl)];

const app = Fastify();
app.get<{ Params: { id: string } }>('/tasks/:id', ({ params }) => findTask(toRead.db, readerId, params.id));
app.post<{ Body: { prompt: string } }>('/tasks', ({ body }) =>
  createTask(toWrite.db, {
    userId: writerId,
    inputMode: 'script',
    prompt: body.prompt,
    useInference: false,
    projectId: null,
    name: `bare-${randomUUID()}`,
    attachments: [],
    image: null,
    timeoutSeconds: 60,
    idempotency: null,
  }),
);
await app.listen({ host: '127.0.0.1', port: Number(port) });

process.once('SIGTERM', () => {
  void app
    .close()
    .then(() => Promise.all([toRead, toWrite].map((opened) => opened[Symbol.asyncDispose]())))
    .then(() => process.exit(0));
});
