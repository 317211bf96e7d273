import { sleep } from '../engines/processes.ts';
import type { Talk } from '../engines/talk.ts';
import { inferenceOfNode, type InferenceOfNode } from './cynork.ts';
import { inferenceFailure, inferenceProgress } from './inference.ts';
import { urlsOf, type Settings } from './settings.ts';

/** How the wait for a model ended. */
export interface ModelOutcome {
  line: string;
  /** What somebody can do, where there is no model. */
  advice?: string;
}

const POLL_MS = 1_000;
const PATIENCE_MS = 20 * 60_000;
const ANSWER_MS = 5_000;
const ADVICE =
  'Tasks in plain words wait until a model is there; everything else works. "bin/cynork nodes get" shows how far it is, docs/inference.md what can be done.';

/** Waits until the stack says that it is ready to answer, and tells what it waits for. Gives up where there will be no model. */
export async function waitForModel(settings: Settings, talk: Talk): Promise<ModelOutcome> {
  const deadline = performance.now() + PATIENCE_MS;
  let told = '';
  while (performance.now() < deadline) {
    const [inference, notReady] = [await inferenceOfNode(settings), await whyNotReady(settings)];
    const outcome = ready(inference, notReady) ?? (await hopeless(settings, inference));
    if (outcome !== undefined) return outcome;
    const state = (await inferenceProgress(settings)) ?? describe(inference, notReady);
    if (state !== told) talk.say(`    ${state}`);
    told = state;
    await sleep(POLL_MS);
  }
  return { line: 'No model yet', advice: ADVICE };
}

function ready(
  inference: InferenceOfNode | undefined,
  notReady: string | undefined,
): ModelOutcome | undefined {
  const loaded = inference?.models.find((model) => model.loaded);
  return notReady === undefined && loaded !== undefined
    ? { line: `Model ${loaded.name} is ready` }
    : undefined;
}

async function hopeless(
  settings: Settings,
  inference: InferenceOfNode | undefined,
): Promise<ModelOutcome | undefined> {
  if (inference?.backend === 'none')
    return { line: `No model: ${inference.reason ?? 'this node has none'}`, advice: ADVICE };
  const failure = await inferenceFailure(settings);
  if (failure === undefined || (inference?.models ?? []).length > 0) return undefined;
  return { line: 'No model', advice: `${failure}\n${ADVICE}` };
}

function describe(inference: InferenceOfNode | undefined, notReady: string | undefined): string {
  const underway = inference?.pulls.find(({ error }) => error === undefined);
  if (underway !== undefined) {
    const tens =
      underway.percent === undefined ? '' : `, ${String(Math.floor(underway.percent / 10) * 10)} %`;
    return `getting ${underway.model}${tens}`;
  }
  if (inference === undefined) return 'the node has said nothing of its models yet';
  if (inference.backend !== 'ready') return `Ollama: ${inference.reason ?? inference.backend}`;
  return notReady ?? 'Ollama is ready, its model is not loaded yet';
}

/** The words of the gateway's readiness; undefined when it is ready. */
async function whyNotReady(settings: Settings): Promise<string | undefined> {
  try {
    const reply = await fetch(`${urlsOf(settings).userApi}/readyz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await reply.text();
    return reply.ok ? undefined : text.trim();
  } catch {
    return 'the user API does not answer';
  }
}
