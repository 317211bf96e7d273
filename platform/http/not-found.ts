import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

interface KnownRoute {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** Unknown paths and methods answer in plain text as Go's router does (contract §2). */
export function registerPlainNotFound(app: FastifyInstance): void {
  const known = new Map<string, KnownRoute>();
  app.addHook('onRoute', ({ url, method }) => {
    const route = known.get(url) ?? { pattern: toPattern(url), methods: new Set<string>() };
    for (const name of [method].flat()) route.methods.add(name);
    known.set(url, route);
  });
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = [...known.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap(({ methods }) => [...methods]);
    const plain = reply.type('text/plain; charset=utf-8').serializer(String);
    // A method that is allowed was refused by the route's own pattern, which sees the path decoded.
    if (allowed.length === 0 || allowed.includes(request.method))
      return plain.code(404).send('404 page not found\n');
    return plain.code(405).header('allow', allowed.sort().join(', ')).send('Method Not Allowed\n');
  };
  app.setNotFoundHandler(answer);
  // Before the body is read: whatever is in it, nobody is there to take it.
  app.addHook('onRequest', async (request, reply) => (request.is404 ? answer(request, reply) : undefined));
}

/** Fastify's path as a pattern: `::` is a colon, `:name` a parameter, perhaps with its own pattern behind it. */
function toPattern(url: string): RegExp {
  const parts = url.split(/(::|:[A-Za-z_]\w*(?:\([^)]*\))?)/);
  const pattern = parts.map((part) => {
    if (part === '::') return ':';
    if (part.startsWith(':')) return /\(\^?(.*)\)$/.exec(part)?.[1] ?? '[^/]+';
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${pattern.join('')}$`);
}
