import { request } from 'undici';
import { createOllamaClient } from '../../node-agent/inference/ollama-client.ts';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { inParallel, interleave, type Side } from '../interleave.ts';
import { compared, single, type Row } from '../report/result.ts';
import type { InferenceStack } from '../rig/rig.ts';
import type { BenchContext } from './context.ts';
import { measureInJob } from './in-job.ts';
import { addedBy, CALLS_A_ROUND, QUESTION, TOKENS, type Timed } from './model-call.ts';

const SECOND_MS = 1000;
const STREAMS = 8;
/** Node compiles what is called often: a router in use has done so, as the Ollama beside it is compiled from the start. */
const WARM_UP_CALLS = 100;

/** Model calls through the router and the node's proxy, beside the same calls to the node's Ollama itself. */
export async function measureInference({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const own = await rig.inference();
  await warmUp(own);
  const calls = [() => throughRouter(own), () => direct(own)];
  const samples: Timed[][][] = [[], []];
  const sides = calls.map((call, index): Side => {
    return {
      name: index === 0 ? 'router' : 'Ollama',
      sample: async () => {
        const timed: Timed[] = [];
        for (let done = 0; done < CALLS_A_ROUND; done += 1) timed.push(await call());
        samples[index]?.push(timed);
        return timed.map(({ firstMs }) => firstMs);
      },
    };
  });
  const [first, other] = await interleave(rounds, sides);
  const eight = await interleave(
    Math.max(2, Math.floor(rounds / 3)),
    calls.map((call, index) => atOnce(sides[index]?.name ?? '', call)),
  );
  const head = { section: 'inference', unit: 'ms' } as const;
  const [ours = [], others = []] = samples.map((rows) => rows.slice(1)); // the first round warms up
  const [oursAtOnce, othersAtOnce] = eight;
  if (first === undefined || other === undefined || oursAtOnce === undefined || othersAtOnce === undefined)
    return [];
  return [
    compared({ ...head, what: 'First token of a model call' }, first, other),
    single(
      { ...head, what: 'Added to the first token (at most 5 wanted, aim 3)' },
      'router',
      addedBy(ours, others, 'firstMs'),
    ),
    single(
      { ...head, what: `Added to the whole call, ${String(TOKENS)} tokens` },
      'router',
      addedBy(ours, others, 'totalMs'),
    ),
    compared(
      { ...head, what: `${String(STREAMS)} streams at once, until the last one ends` },
      oursAtOnce,
      othersAtOnce,
    ),
    ...(await measureInJob(own, rounds)),
  ];
}

function atOnce(name: string, call: () => Promise<Timed>): Side {
  return { name, sample: async () => [await inParallel(STREAMS, STREAMS, call)] };
}

async function warmUp(own: InferenceStack): Promise<void> {
  const client = createOllamaClient(own.ollamaUrl);
  await client.version(SECOND_MS);
  await client[Symbol.asyncDispose]();
  for (let done = 0; done < WARM_UP_CALLS; done += 1) await throughRouter(own);
}

function throughRouter({ controlPlaneUrl, serviceToken }: InferenceStack): Promise<Timed> {
  return timedCall(`${controlPlaneUrl}/v1/chat/completions`, {
    headers: { authorization: `Bearer ${serviceToken}` },
    body: {
      model: TINY_MODEL,
      messages: QUESTION,
      stream: true,
      max_tokens: TOKENS,
      temperature: 0,
      seed: 1,
    },
  });
}

/** The same question with the options that the router passes on, so that the model stays as it is loaded. */
function direct({ ollamaUrl, contextTokens }: InferenceStack): Promise<Timed> {
  const options = { num_predict: TOKENS, temperature: 0, seed: 1, num_ctx: contextTokens };
  const body = { model: TINY_MODEL, messages: QUESTION, stream: true, keep_alive: -1, options };
  return timedCall(`${ollamaUrl}/api/chat`, { headers: {}, body });
}

async function timedCall(
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: object },
): Promise<Timed> {
  const startedMs = performance.now();
  const reply = await request(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  let firstMs = 0;
  let text = '';
  for await (const piece of reply.body) {
    firstMs ||= performance.now() - startedMs;
    text += String(piece);
  }
  if (reply.statusCode !== 200 || !/\[DONE\]|"done":true/.test(text))
    throw new Error(`${url}: ${String(reply.statusCode)} ${text.slice(-300)}`);
  return { firstMs, totalMs: performance.now() - startedMs };
}
