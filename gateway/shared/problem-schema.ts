import { z } from 'zod';

/** RFC 9457 body of every error reply (contract §2.1), for declaring a route's replies. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  code: z.string().optional(),
});

/** Problems that any route with a token may answer. */
export const COMMON_PROBLEMS = {
  400: problemSchema,
  401: problemSchema,
  500: problemSchema,
  503: problemSchema,
} as const;
