/** W3C trace context (`traceparent`), as it crosses from process to process. */
export type TraceContext = Readonly<Record<string, string>>;

/** Ids, names and numbers only: never a body, a prompt or a secret. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

export interface SpanOptions {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  /** Parent in another process; absent: the active span. */
  readonly from?: TraceContext;
  readonly attributes?: SpanAttributes;
}

/** A span that is ended by hand. */
export interface OpenSpan {
  /** Calls `work` with this span as the active one. */
  run<T>(work: () => T): T;
  end(outcome: { readonly failed: boolean; readonly attributes?: SpanAttributes }): void;
}

/** A span that somebody else has measured. */
export interface FinishedSpan extends SpanOptions {
  readonly from: TraceContext;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
}

export interface Tracing extends AsyncDisposable {
  /** For the headers of a call; empty without an active span. */
  context(): TraceContext;
  /** Runs `work` as a span, which has failed when it throws. */
  span<T>(options: SpanOptions, work: () => Promise<T>): Promise<T>;
  open(options: SpanOptions): OpenSpan;
  record(span: FinishedSpan): void;
  /** Adds to the active span. */
  annotate(attributes: SpanAttributes): void;
}
