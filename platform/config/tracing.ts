import { ConfigError, optional } from './readers.ts';
import type { Env } from './readers.ts';

export interface TracingConfig {
  /** Where OTLP over HTTP is taken, without the path of a signal. */
  readonly endpoint: string;
  readonly serviceName: string;
  /** Roles of this process. */
  readonly roles: readonly string[];
}

/** OpenTelemetry's own variables; null where traces are not wanted. @throws ConfigError */
export function readTracingConfig(env: Env, roles: readonly string[]): TracingConfig | null {
  const endpoint = optional(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (endpoint === undefined) return null;
  if (!URL.canParse(endpoint)) {
    throw new ConfigError(
      `OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint} is not a URL: write it like http://127.0.0.1:4318`,
    );
  }
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    serviceName: optional(env, 'OTEL_SERVICE_NAME') ?? 'cynodeai',
    roles,
  };
}
