import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { ModelCall, ModelReply, ModelServerState } from './script.ts';
import { deltasOf, pause, sendJson, speak, usageOf } from './speak.ts';
import type { Dialect, Usage } from './speak.ts';

const bodySchema = z.looseObject({
  model: z.string().optional(),
  messages: z.array(z.unknown()).optional(),
  prompt: z.string().optional(),
  stream: z.boolean().optional(),
  keep_alive: z.union([z.number(), z.string()]).optional(),
});
type Body = z.infer<typeof bodySchema>;

type Route = (response: ServerResponse, call: ModelCall, state: ModelServerState) => Promise<void> | void;

/** Ollama's API by method and path, in the form that version 0.6 has. */
export const OLLAMA_ROUTES: Readonly<Record<string, Route>> = {
  'GET /': (response) => void response.writeHead(200).end('Ollama is running'),
  'GET /api/version': (response) => sendJson(response, 200, { version: '0.6.5' }),
  'GET /api/tags': (response, _call, { models }) =>
    sendJson(response, 200, {
      models: [...models].map(([name, { sizeBytes }]) => ({
        ...modelOf(name, sizeBytes),
        modified_at: timestamp(),
      })),
    }),
  'GET /api/ps': (response, _call, { models }) =>
    sendJson(response, 200, {
      models: [...models]
        .filter(([, { loaded }]) => loaded)
        .map(([name, { sizeBytes }]) => ({
          ...modelOf(name, sizeBytes),
          expires_at: '2318-01-01T00:00:00Z',
          size_vram: 0,
        })),
    }),
  'POST /api/show': (response, call, { models }) =>
    models.has(call.model)
      ? sendJson(response, 200, {
          details: DETAILS,
          model_info: { 'general.architecture': 'llama', 'llama.context_length': 8192 },
          capabilities: ['completion'],
        })
      : sendUnknown(response, call.model),
  'POST /api/chat': (response, call, state) => answer(response, call, state, CHAT),
  'POST /api/generate': (response, call, state) => answer(response, call, state, GENERATE),
  'POST /api/pull': pull,
};

const DETAILS = {
  parent_model: '',
  format: 'gguf',
  family: 'llama',
  families: ['llama'],
  parameter_size: '134.52M',
  quantization_level: 'Q4_1',
};

function modelOf(name: string, sizeBytes: number) {
  const digest = createHash('sha256').update(name).digest('hex');
  return { name, model: name, size: sizeBytes, digest, details: DETAILS };
}

interface Endpoint {
  /** Without it the call only loads or unloads the model. */
  readonly isAsked: (body: Body) => boolean;
  readonly text: (content: string) => Readonly<Record<string, unknown>>;
}

const CHAT: Endpoint = {
  isAsked: ({ messages }) => (messages ?? []).length > 0,
  text: (content) => ({ message: { role: 'assistant', content } }),
};
const GENERATE: Endpoint = {
  isAsked: ({ prompt }) => (prompt ?? '') !== '',
  text: (response) => ({ response }),
};

async function answer(
  response: ServerResponse,
  call: ModelCall,
  state: ModelServerState,
  endpoint: Endpoint,
): Promise<void> {
  const body = bodySchema.parse(call.body);
  const model = state.models.get(call.model);
  if (model === undefined) return sendUnknown(response, call.model);
  if (!endpoint.isAsked(body)) {
    model.loaded = body.keep_alive !== 0;
    const reason = model.loaded ? 'load' : 'unload';
    return sendJson(response, 200, {
      ...stamp(call),
      ...endpoint.text(''),
      done_reason: reason,
      done: true,
    });
  }
  const reply = state.replyTo(call);
  if (reply.error !== undefined)
    return sendJson(response, reply.error.status, { error: reply.error.message });
  model.loaded = true;
  if (body.stream === false) return whole(response, call, reply, endpoint);
  await speak(response, call, reply, dialectOf(call, endpoint));
}

async function whole(
  response: ServerResponse,
  call: ModelCall,
  reply: ModelReply,
  { text }: Endpoint,
): Promise<void> {
  await reply.startsWhen;
  await pause(reply.firstDelayMs);
  const content = deltasOf(reply).join('');
  const reason = reply.finishReason ?? 'stop';
  sendJson(response, 200, { ...stamp(call), ...text(content), ...ended(usageOf(reply), reason) });
}

function dialectOf(call: ModelCall, { text }: Endpoint): Dialect {
  const line = (members: object): string => `${JSON.stringify({ ...stamp(call), ...members })}\n`;
  return {
    contentType: 'application/x-ndjson',
    delta: (content) => line({ ...text(content), done: false }),
    error: (message) => `${JSON.stringify({ error: message })}\n`,
    end: (usage, reason) => line({ ...text(''), ...ended(usage, reason) }),
  };
}

function ended(usage: Usage, reason: string) {
  return {
    done_reason: reason,
    done: true,
    total_duration: 2_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: 500_000,
    eval_count: usage.completionTokens,
    eval_duration: 500_000,
  };
}

function stamp({ model }: ModelCall) {
  return { model, created_at: timestamp() };
}

function timestamp(): string {
  return new Date().toISOString();
}

function sendUnknown(response: ServerResponse, model: string): void {
  sendJson(response, 404, { error: `model "${model}" not found, try pulling it first` });
}

const PULLED_BYTES = 1_000_000;

async function pull(response: ServerResponse, call: ModelCall, state: ModelServerState): Promise<void> {
  const script = state.pullOf(call.model) ?? { error: 'pull model manifest: file does not exist' };
  const line = (members: object): void => void response.write(`${JSON.stringify(members)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  line({ status: 'pulling manifest' });
  for (const percent of script.steps ?? [0, 50, 100]) {
    await pause(script.delayMs);
    if (response.destroyed) return;
    const completed = (PULLED_BYTES * percent) / 100;
    line({ status: 'pulling abc', digest: 'sha256:abc', total: PULLED_BYTES, completed });
  }
  if (script.error === undefined) {
    state.models.set(call.model, { sizeBytes: PULLED_BYTES, loaded: false });
    line({ status: 'verifying sha256 digest' });
    line({ status: 'success' });
  } else line({ error: script.error });
  response.end();
}
