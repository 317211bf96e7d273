import { z } from 'zod';

export const healthCheckSchema = z
  .object({
    /** What was looked at: `database`, `node node-01: docker`. */
    name: z.string(),
    status: z.enum(['ok', 'warn', 'fail']),
    detail: z.string(),
    /** What to do; absent when all is well. */
    advice: z.string().optional(),
  })
  .meta({ id: 'HealthCheck' });
export type HealthCheck = z.infer<typeof healthCheckSchema>;

/** What `cynork doctor` asks the gateway for. */
export const systemHealthSchema = z
  .object({ version: z.string(), checks: z.array(healthCheckSchema) })
  .meta({ id: 'SystemHealth' });
export type SystemHealth = z.infer<typeof systemHealthSchema>;
