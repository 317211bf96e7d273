import { z } from 'zod';

const MAX_LENGTH = 512;

/** The path's `id` of a route about one thing. */
export function idParams(description: string) {
  return z.object({ id: z.string().min(1).max(MAX_LENGTH).meta({ description }) });
}
