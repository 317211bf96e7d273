/** What callers may ask of the Ollama behind the proxy: answers and what is there, nothing that changes its models. */
export interface ProxyRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Whether a model works for it, and so its concurrency is bounded. */
  readonly generates: boolean;
}

export const PROXY_ROUTES: readonly ProxyRoute[] = [
  { method: 'POST', path: '/api/chat', generates: true },
  { method: 'POST', path: '/api/generate', generates: true },
  { method: 'POST', path: '/api/embed', generates: true },
  { method: 'GET', path: '/api/tags', generates: false },
  { method: 'GET', path: '/api/ps', generates: false },
  { method: 'POST', path: '/api/show', generates: false },
  { method: 'GET', path: '/api/version', generates: false },
  { method: 'POST', path: '/v1/chat/completions', generates: true },
  { method: 'POST', path: '/v1/completions', generates: true },
  { method: 'POST', path: '/v1/embeddings', generates: true },
  { method: 'GET', path: '/v1/models', generates: false },
];

/** Undefined: not let through. */
export function proxyRouteOf(path: string): ProxyRoute | undefined {
  return PROXY_ROUTES.find((route) => route.path === path);
}
