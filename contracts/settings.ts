import { z } from 'zod';

const SELECTION = 'agents.project_manager.model.selection';

const tokens = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** The system settings that are read (contract §3.5; the budgets are ours), and what each may be. */
export const SYSTEM_SETTINGS = {
  executionMode: {
    key: `${SELECTION}.execution_mode`,
    schema: z.enum(['auto', 'force_local', 'force_external']),
    help: 'Where the model of the project manager runs: auto, force_local, or force_external, which has no path yet.',
  },
  mode: {
    key: `${SELECTION}.mode`,
    schema: z.enum(['auto_sliding_scale', 'fixed_model']),
    help: 'auto_sliding_scale: the best model that a node has; fixed_model: local_default_ollama_model and no other.',
  },
  preferOrchestratorHost: {
    key: `${SELECTION}.prefer_orchestrator_host`,
    schema: z.boolean(),
    help: 'Whether the node on the orchestrator’s host comes before others; true when absent.',
  },
  localModel: {
    key: 'agents.project_manager.model.local_default_ollama_model',
    schema: z.string().trim().min(1).max(255),
    help: 'The model of the project manager, which is pulled where it is missing.',
  },
  userTokensPerDay: {
    key: 'inference.budget.user_tokens_per_day',
    schema: tokens,
    help: 'Tokens that a user may use in a day of UTC; no limit when absent.',
  },
  taskTokens: {
    key: 'inference.budget.task_tokens',
    schema: tokens,
    help: 'Tokens that a task may use; no limit when absent.',
  },
} as const;
export type SettingName = keyof typeof SYSTEM_SETTINGS;

export const systemSettingSchema = z
  .object({
    key: z.string(),
    help: z.string(),
    value: z.unknown().optional().meta({ description: 'Absent while it is not set.' }),
    updated_at: z.string().optional(),
  })
  .meta({ id: 'SystemSetting' });
export type SystemSetting = z.infer<typeof systemSettingSchema>;

export const systemSettingListSchema = z
  .object({ settings: z.array(systemSettingSchema) })
  .meta({ id: 'SystemSettingList' });
export type SystemSettingList = z.infer<typeof systemSettingListSchema>;

export const putSettingBodySchema = z
  .object({ value: z.json() })
  .meta({ id: 'PutSystemSetting', examples: [{ value: 100000 }] });
