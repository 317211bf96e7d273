import { afterEach, beforeAll, beforeEach } from '@jest/globals';
import { chatErrorSchema } from '../../../contracts/chat.ts';
import { eventually } from '../../support/wait.ts';
import { useControlPlane } from '../control-plane/context.ts';
import type { TestControlPlane } from '../control-plane/context.ts';
import { forgetNodes, ledger, MODEL, modelNode, QUESTION, serviceToken } from './context.ts';
import type { ModelNode } from './context.ts';

export interface TestRouter {
  readonly plane: () => TestControlPlane;
  readonly origin: () => string;
  readonly addNode: (options?: Parameters<typeof modelNode>[1]) => Promise<ModelNode>;
  /** A question to the model of the tests with a service token, where nothing else is said. */
  readonly ask: (body: object, options?: AskOptions) => Promise<Response>;
  /** The only row of the ledger, once it is written. */
  readonly onlyCall: () => Promise<Awaited<ReturnType<typeof ledger>>[number]>;
}

export interface AskOptions {
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** A control plane that listens, without nodes, ledger and settings at the start of each test. */
export function useRouter(settings: Parameters<typeof useControlPlane>[0] = {}): TestRouter {
  const plane = useControlPlane(settings);
  const nodes: ModelNode[] = [];
  let origin = '';
  let service = '';
  let asked = 0;
  beforeAll(async () => {
    origin = await plane().app.listen({ host: '127.0.0.1', port: 0 });
    service = await serviceToken(plane());
  });
  beforeEach(async () => {
    asked = 0;
    await forgetNodes(plane());
    await plane().db.deleteFrom('inference_calls').execute();
    await plane().db.deleteFrom('system_settings').execute();
  });
  afterEach(async () => {
    // Every call has its row, soon after its reply: the next test must not find it.
    const recorded = async (): Promise<boolean> => (await ledger(plane())).length >= asked;
    await eventually('a row for each call', recorded, { everyMs: 10 });
    for (const each of nodes.splice(0)) await each[Symbol.asyncDispose]();
  });
  return {
    plane,
    origin: () => origin,
    addNode: async (options = {}) => {
      const node = await modelNode(plane(), options);
      nodes.push(node);
      return node;
    },
    ask: (body, { token = service, signal } = {}) => {
      asked += 1;
      return fetch(`${origin}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: MODEL, messages: QUESTION, ...body }),
        ...(signal === undefined ? {} : { signal }),
      });
    },
    onlyCall: () =>
      eventually('a row in the ledger', async () => (await ledger(plane()))[0], { everyMs: 10 }),
  };
}

export async function errorOf(reply: Response) {
  const { error } = chatErrorSchema.parse(await reply.json());
  return { status: reply.status, code: error.code, message: error.message };
}

/** Data of a stream's events, in order; `[DONE]` as a text. */
export async function eventsOf(reply: Response): Promise<unknown[]> {
  const events = (await reply.text()).split('\n\n').filter((event) => event !== '');
  return events.map((event): unknown => {
    const data = event.replace(/^data: /, '');
    return data === '[DONE]' ? data : JSON.parse(data);
  });
}
