import { z } from 'zod';

/** Reply of a route that has nothing to say. */
export const noContentSchema = z.undefined();
