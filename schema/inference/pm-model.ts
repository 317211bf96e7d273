import { sql } from 'kysely';
import type { ModelOnNode, PmModelStep } from '../../contracts/pm-model.ts';
import type { Database } from '../database.ts';
import { describePath } from './path.ts';
import { selectPmModel } from './select-pm-model.ts';
import type { Selection } from './select-pm-model.ts';
import { fingerprintOf, readSituation } from './situation.ts';
import type { Situation } from './situation.ts';

/** Selects the project manager's model, and stores what was seen and what is being done about it. */
export async function selectAndStore(
  db: Database,
  options: Pick<Selection, 'pinnedModel' | 'avoid'>,
): Promise<PmModelStep> {
  const situation = await readSituation(db);
  const step = selectPmModel({ situation, ...options });
  const target = step.kind === 'prepare' ? step : null;
  await db
    .updateTable('pm_model')
    .set({
      target_model: target?.model ?? null,
      target_node_slug: target?.nodeSlug ?? null,
      ...(step.kind === 'keep' && { node_slug: step.nodeSlug }),
      state: STATE_OF[step.kind],
      reason: step.kind === 'none' ? reasonFor(situation) : null,
      fingerprint: fingerprintOf(situation, options.pinnedModel),
      since: sql<Date>`case when state = ${STATE_OF[step.kind]} then since else now() end`,
    })
    .execute();
  return step;
}

const STATE_OF = { none: 'none', keep: 'warm', prepare: 'preparing' } as const;

function reasonFor(situation: Situation): string | null {
  if (situation.settings.mode === 'fixed_model' && situation.settings.localModel === undefined)
    return 'the setting agents.project_manager.model.selection.mode is fixed_model, but agents.project_manager.model.local_default_ollama_model names none';
  // What was tried last is not what is being done now.
  const path = describePath({
    ...situation,
    pm: { ...situation.pm, targetModel: null, model: null, reason: null },
  });
  return path.ready ? null : path.reason;
}

/** It is ready on that node, and serves from now on. */
export async function storePmModel(
  db: Database,
  { model, nodeSlug, contextTokens }: ModelOnNode & { readonly contextTokens: number },
): Promise<void> {
  await db
    .updateTable('pm_model')
    .set({
      model,
      node_slug: nodeSlug,
      context_tokens: contextTokens,
      target_model: null,
      target_node_slug: null,
      state: 'warm',
      reason: null,
      since: sql<Date>`now()`,
      generation: sql<number>`generation + 1`,
    })
    .execute();
}

export async function storePmModelFailure(
  db: Database,
  { model, nodeSlug, code }: ModelOnNode & { readonly code: string },
): Promise<void> {
  await db
    .updateTable('pm_model')
    .set({
      target_model: null,
      target_node_slug: null,
      state: sql<'warm' | 'none'>`case when model is null then 'none' else 'warm' end`,
      reason: `${nodeSlug} could not make the model ${model} ready (${code}); \`cynork nodes get ${nodeSlug}\` says why. It is tried again by itself`,
    })
    .execute();
}

/** Whether nodes or settings have changed since the last selection. @returns what is seen now, or null */
export async function findChange(db: Database, pinnedModel: string | undefined): Promise<string | null> {
  const situation = await readSituation(db);
  const seen = fingerprintOf(situation, pinnedModel);
  return seen === situation.pm.fingerprint ? null : seen;
}
