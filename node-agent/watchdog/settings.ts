import { z } from 'zod';

const settingsSchema = z.object({
  /** Folder of the lease files. */
  folder: z.string(),
  /** The run of the agent that starts it. */
  run: z.string(),
  /** As in `DOCKER_HOST`. */
  dockerHost: z.string(),
  node: z.string(),
  logLevel: z.string(),
});

/** What the agent tells its watchdog, as one argument. No secret: everybody on the host can read it. */
export type WatchdogSettings = z.infer<typeof settingsSchema>;

/** @throws Error when it was not written by an agent of this version */
export function parseSettings(argument: string): WatchdogSettings {
  return settingsSchema.parse(JSON.parse(argument));
}
