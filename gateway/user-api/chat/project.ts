import type { FastifyRequest } from 'fastify';
import { PROJECT_HEADER } from '../../../contracts/chat-values.ts';
import { uuidSchema } from '../../../contracts/ids.ts';

/** The project that a request names in `OpenAI-Project`; a value that is no UUID is ignored (contract §6.2). */
export function projectOf(request: FastifyRequest): string | null {
  return uuidSchema.safeParse(request.headers[PROJECT_HEADER]).data ?? null;
}
