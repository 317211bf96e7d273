import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { effectIn } from './job-script.ts';

export type Verb = 'claim' | 'complete';

/** One claim or completion of a node as the control plane answered it: the server's journal. */
export interface IntakeCall {
  readonly verb: Verb;
  readonly jobId: string;
  readonly attempt: number;
  readonly claimId: string;
  /** Slug of the calling node, by its token. */
  readonly node: string;
  /** The effect line in the result; null for claims and for jobs that wrote none. */
  readonly effect: string | null;
  readonly sentAtMs: number;
  /** Null when the control plane did not answer. */
  status: number | null;
  answeredAtMs: number | null;
  /** Whether the node got the answer. */
  delivered: boolean;
}

/** A claim sent again by somebody who is not the holder, and what came of it. */
export interface Intrusion {
  readonly jobId: string;
  readonly attempt: number;
  readonly what: 'claim' | 'complete';
  readonly status: number | null;
}

/** Stands between the nodes and the control plane, keeps the journal, and does to the calls what it is told. */
export interface ControlPlaneProxy extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly IntakeCall[];
  readonly intrusions: readonly Intrusion[];
  /** Sets the control plane's address; calls before that fail. */
  forwardTo(target: string): void;
  /** From now on, this many replies to calls that had their effect do not reach the node. */
  loseReplies(of: Verb, replies: number): void;
  /** Resolves when the next call is on its way to the control plane, or (`answered`) has succeeded there. */
  next(wanted: WantedCall, timeoutMs: number): Promise<IntakeCall | null>;
  /** After the next successful claim, a second runner claims and completes the same attempt. */
  intrude(): void;
}

const ATTEMPT_PATH = /\/jobs\/([^/]+)\/attempts\/(\d+):(claim|complete)$/;
const FORWARD_TIMEOUT_MS = 60_000;

const intakeBodySchema = z.object({
  claim_id: z.string(),
  result: z.looseObject({ stdout: z.string().optional() }).optional(),
});

/** A call to wait for. */
export interface WantedCall {
  readonly verb: Verb;
  readonly stage: 'sent' | 'answered';
  /** Of this node only. */
  readonly node?: string | undefined;
}

interface Listener extends WantedCall {
  readonly resolve: (call: IntakeCall | null) => void;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

class Proxy implements ControlPlaneProxy {
  readonly calls: IntakeCall[] = [];
  readonly intrusions: Intrusion[] = [];
  readonly url: string;
  #target: URL | undefined;
  readonly #toLose = { claim: 0, complete: 0 };
  #toIntrude = 0;
  #listeners: Listener[] = [];
  readonly #server = createServer((incoming, outgoing) => {
    void this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
  });

  constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  async listen(): Promise<this> {
    this.#server.listen(Number(new URL(this.url).port), '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  forwardTo(target: string): void {
    this.#target = new URL(target);
  }

  loseReplies(of: Verb, replies: number): void {
    this.#toLose[of] += replies;
  }

  intrude(): void {
    this.#toIntrude += 1;
  }

  next(wanted: WantedCall, timeoutMs: number): Promise<IntakeCall | null> {
    const { promise, resolve } = Promise.withResolvers<IntakeCall | null>();
    const listener = { ...wanted, resolve };
    this.#listeners.push(listener);
    const timer = setTimeout(() => resolve(null), timeoutMs);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#listeners = this.#listeners.filter((each) => each !== listener);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const call = readCall(incoming, body);
    if (call !== null) this.#journal(call);
    const reply = await this.#forward(incoming.method ?? 'GET', incoming.url ?? '/', incoming.headers, body);
    if (call !== null) {
      call.status = reply.status;
      call.answeredAtMs = Date.now();
      if (reply.status === 200) await this.#afterSuccess(call, incoming.headers);
      if (reply.status === 200 && this.#toLose[call.verb] > 0) {
        this.#toLose[call.verb] -= 1;
        outgoing.destroy();
        return;
      }
      call.delivered = true;
    }
    outgoing.writeHead(reply.status, endToEnd(reply.headers)).end(reply.body);
  }

  #journal(call: IntakeCall): void {
    this.calls.push(call);
    this.#tell(call, 'sent');
  }

  async #afterSuccess(call: IntakeCall, headers: IncomingHttpHeaders): Promise<void> {
    this.#tell(call, 'answered');
    if (call.verb !== 'claim' || this.#toIntrude === 0) return;
    this.#toIntrude -= 1;
    const path = `/v1/nodes/jobs/${call.jobId}/attempts/${call.attempt}`;
    const claimId = randomUUID();
    const attempts = [
      ['claim', { claim_id: claimId }],
      ['complete', { claim_id: claimId, result: forgedResult(call.jobId) }],
    ] as const;
    for (const [what, content] of attempts) {
      const sent = Buffer.from(JSON.stringify(content));
      const reply = await this.#forward('POST', `${path}:${what}`, headers, sent).catch(() => null);
      this.intrusions.push({
        jobId: call.jobId,
        attempt: call.attempt,
        what,
        status: reply?.status ?? null,
      });
    }
  }

  #tell(call: IntakeCall, stage: 'sent' | 'answered'): void {
    for (const each of this.#listeners) {
      const ofNode = each.node === undefined || each.node === call.node;
      if (each.verb === call.verb && each.stage === stage && ofNode) each.resolve(call);
    }
  }

  /** Goes on also when the node has given up waiting, as a network would. */
  async #forward(method: string, path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Reply> {
    const outgoing = httpRequest({
      host: this.#target?.hostname,
      port: this.#target?.port,
      method,
      path,
      headers: { ...endToEnd(headers), 'content-length': String(body.length) },
      agent: false,
      signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS),
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject);
    });
    outgoing.end(body);
    const reply = await answered;
    return { status: reply.statusCode ?? 502, headers: reply.headers, body: await buffer(reply) };
  }
}

/** Starts the proxy on a port of its own. */
export async function startControlPlaneProxy(): Promise<ControlPlaneProxy> {
  return new Proxy(await findFreePort()).listen();
}

function readCall({ url = '/', headers }: IncomingMessage, body: Buffer): IntakeCall | null {
  const [, jobId, attempt, verb] = ATTEMPT_PATH.exec(url) ?? [];
  if (jobId === undefined || (verb !== 'claim' && verb !== 'complete')) return null;
  const { claim_id: claimId, result } = intakeBodySchema.parse(JSON.parse(body.toString('utf8')));
  return {
    verb,
    jobId,
    attempt: Number(attempt),
    claimId,
    node: nodeOf(headers.authorization ?? ''),
    effect: effectIn(result?.stdout ?? ''),
    sentAtMs: Date.now(),
    status: null,
    answeredAtMs: null,
    delivered: false,
  };
}

/** Whose token it is, unchecked: it only matters to the journal. */
function nodeOf(authorization: string): string {
  const payload = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString('utf8');
  return /"node_slug":"([^"]+)"/.exec(payload)?.[1] ?? '';
}

/** A result that must never be stored. */
function forgedResult(jobId: string): object {
  const now = new Date().toISOString();
  return {
    version: 1,
    task_id: jobId,
    job_id: jobId,
    status: 'completed',
    exit_code: 0,
    stdout: `effect forged ${randomUUID()}\n`,
    stderr: '',
    started_at: now,
    ended_at: now,
    truncated: { stdout: false, stderr: false },
  };
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host']);

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}
