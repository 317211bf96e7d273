import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Span, Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { IdGenerator } from '@opentelemetry/sdk-trace';
import type { TracingConfig } from './config/tracing.ts';
import type { FinishedSpan, OpenSpan, SpanOptions, Tracing } from './spans.ts';

const SEND_EVERY_MS = 1_000;

const KIND = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** OpenTelemetry behind our port; the exporter sends OTLP over HTTP. */
export function createTracing(config: TracingConfig): Tracing {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const ids = createIds();
  const provider = new TracerProvider({
    idGenerator: ids.generator,
    resource: resourceFromAttributes({
      'service.name': config.serviceName,
      'cynodeai.roles': [...config.roles],
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${config.endpoint}/v1/traces` }),
        scheduledDelayMillis: SEND_EVERY_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('cynodeai');
  return {
    context: () => {
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier);
      return carrier;
    },
    span: (options, work) => runAsSpan(tracer, options, work),
    open: (options) => open(tracer, options),
    record: (finished) => record(tracer, ids.use, finished),
    annotate: (attributes) => trace.getActiveSpan()?.setAttributes({ ...attributes }),
    [Symbol.asyncDispose]: () => provider.shutdown().catch(() => undefined),
  };
}

/** Spans that others measured come with an id of their own. */
function createIds(): { readonly generator: IdGenerator; readonly use: (spanId: string) => void } {
  const random = new RandomIdGenerator();
  let next: string | undefined;
  return {
    use: (spanId) => {
      next = spanId;
    },
    generator: {
      generateTraceId: () => random.generateTraceId(),
      generateSpanId: () => {
        const spanId = next ?? random.generateSpanId();
        next = undefined;
        return spanId;
      },
    },
  };
}

function parentOf({ from }: SpanOptions): Context {
  return from === undefined ? context.active() : propagation.extract(context.active(), from);
}

function startSpan(
  tracer: Tracer,
  options: SpanOptions,
  startTime?: number,
): { span: Span; within: Context } {
  const parent = parentOf(options);
  const span = tracer.startSpan(
    options.name,
    {
      kind: KIND[options.kind],
      attributes: { ...options.attributes },
      ...(startTime === undefined ? {} : { startTime }),
    },
    parent,
  );
  return { span, within: trace.setSpan(parent, span) };
}

/** Only that it failed is told: texts of errors may hold a body. */
function endSpan(span: Span, failed: boolean, endTime?: number): void {
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endTime);
}

async function runAsSpan<T>(tracer: Tracer, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const { span, within } = startSpan(tracer, options);
  let failed = true;
  try {
    const value = await context.with(within, work);
    failed = false;
    return value;
  } finally {
    endSpan(span, failed);
  }
}

function open(tracer: Tracer, options: SpanOptions): OpenSpan {
  const { span, within } = startSpan(tracer, options);
  return {
    run: (work) => context.with(within, work),
    end: ({ failed, attributes }) => {
      span.setAttributes({ ...attributes });
      endSpan(span, failed);
    },
  };
}

function record(tracer: Tracer, useId: (spanId: string) => void, finished: FinishedSpan): void {
  useId(finished.spanId);
  const { span } = startSpan(tracer, finished, finished.startMs);
  endSpan(span, finished.failed, finished.endMs);
}
