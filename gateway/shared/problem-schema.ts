import { z } from 'zod';
import { toProblem } from '../../contracts/errors.ts';

/** RFC 9457 body of every error reply (contract §2.1), for declaring a route's replies. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'URI of the kind of problem.' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional().meta({ description: 'What is wrong and what to do.' }),
    code: z.string().optional().meta({ description: 'Name of the problem in docs/errors.md.' }),
  })
  .meta({
    id: 'Problem',
    examples: [toProblem('validation', 'prompt is required')],
  });

/** Problems that any route with a token may answer. */
export const COMMON_PROBLEMS = {
  400: problemSchema,
  401: problemSchema,
  500: problemSchema,
  503: problemSchema,
} as const;
