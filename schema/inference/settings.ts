import { z } from 'zod';
import type { Database } from '../database.ts';

const SELECTION = 'agents.project_manager.model.selection';

/** System settings of inference (contract §3.5; the budgets are ours). */
export const INFERENCE_SETTINGS = {
  executionMode: `${SELECTION}.execution_mode`,
  mode: `${SELECTION}.mode`,
  preferOrchestratorHost: `${SELECTION}.prefer_orchestrator_host`,
  localModel: `agents.project_manager.model.local_default_ollama_model`,
  userTokensPerDay: 'inference.budget.user_tokens_per_day',
  taskTokens: 'inference.budget.task_tokens',
} as const;

const schemas = {
  executionMode: z.enum(['auto', 'force_local', 'force_external']),
  mode: z.enum(['auto_sliding_scale', 'fixed_model']),
  preferOrchestratorHost: z.boolean(),
  localModel: z.string().trim().min(1).max(255),
  userTokensPerDay: z.number().int().min(0),
  taskTokens: z.number().int().min(0),
} as const;

/** What is stored and valid; what is not stored is absent. */
export type InferenceSettings = {
  readonly [Name in keyof typeof schemas]?: z.infer<(typeof schemas)[Name]>;
};

type SettingName = keyof typeof schemas;
const NAMES = Object.keys(INFERENCE_SETTINGS) as SettingName[]; // the keys of a constant object

/** A value of another kind than the setting's is as good as none. */
export async function readInferenceSettings(db: Database): Promise<InferenceSettings> {
  const rows = await db
    .selectFrom('system_settings')
    .select(['key', 'value'])
    .where('key', 'in', Object.values(INFERENCE_SETTINGS))
    .execute();
  const stored = new Map(rows.map(({ key, value }) => [key, value]));
  const found = NAMES.flatMap((name) => {
    const { data } = schemas[name].safeParse(stored.get(INFERENCE_SETTINGS[name]));
    return data === undefined ? [] : [[name, data] as const];
  });
  return Object.fromEntries(found);
}
