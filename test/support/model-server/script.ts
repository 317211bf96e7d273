/** What the model says to one chat or generation; the defaults answer at once. */
export interface ModelReply {
  /** The text, piece by piece. */
  readonly deltas?: readonly string[];
  /** Before the first piece, in milliseconds. */
  readonly firstDelayMs?: number;
  /** Between pieces, in milliseconds. */
  readonly delayMs?: number;
  /** The reply starts (headers and all) only when this is fulfilled. */
  readonly startsWhen?: Promise<unknown>;
  /** After that many pieces the reply goes on only when this is fulfilled. */
  readonly pauseAfter?: { readonly deltas: number; readonly until: Promise<unknown> };
  /** After that many pieces the connection is cut; 0 cuts it before anything was said. */
  readonly cutAfter?: number;
  /** Instead of an answer: an error reply with this status. */
  readonly error?: { readonly status: number; readonly message: string };
  /** After that many pieces the stream ends with an error in it, although its status was 200. */
  readonly errorAfter?: { readonly deltas: number; readonly message: string };
  readonly finishReason?: 'stop' | 'length';
  readonly promptTokens?: number;
  /** Absent: one a piece. */
  readonly completionTokens?: number;
}

export const DEFAULT_DELTAS = ['Hello', ' from', ' the', ' script', '.'] as const;

export interface ScriptedModel {
  readonly name: string;
  readonly sizeBytes?: number;
  /** In memory, as `/api/ps` lists it. A chat or generation loads a model, `keep_alive: 0` without a prompt unloads it. */
  readonly loaded?: boolean;
}

/** How a pull goes, line by line; the model is there after it unless there is an error. */
export interface ScriptedPull {
  /** Percentages that are reported on the way. */
  readonly steps?: readonly number[];
  readonly delayMs?: number;
  /** Said in the stream, with status 200, as Ollama does. */
  readonly error?: string;
}

/** A request that the server got. */
export interface ModelCall {
  readonly method: string;
  /** Without the prefix of a node's proxy. */
  readonly path: string;
  readonly bearer: string | undefined;
  readonly body: unknown;
  /** Model that the body names, or an empty text. */
  readonly model: string;
  /** How the call went so far: `cut` is the server's doing, `gone` the client's. */
  outcome: 'open' | 'answered' | 'cut' | 'gone';
}

export type ModelScript = (call: ModelCall) => ModelReply;

/** What the server's parts know about their server. */
export interface ModelServerState {
  readonly models: Map<string, { sizeBytes: number; loaded: boolean }>;
  readonly pullOf: (model: string) => ScriptedPull | undefined;
  /** The reply for this call; a scripted one is used up by it. */
  readonly replyTo: (call: ModelCall) => ModelReply;
}
