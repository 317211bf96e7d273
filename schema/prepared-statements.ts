import { createHash } from 'node:crypto';
import type pg from 'pg';

/** Texts of ours are few; a bound all the same, because a statement stays on its connection. */
const MAX_STATEMENTS = 500;

/**
 * Prepares each statement with parameters once a connection, so that Postgres parses and plans it once and not with
 * every call. What has no parameters (`begin`, `commit`) goes as it is.
 */
export function prepareStatements(client: pg.PoolClient): void {
  const names = new Map<string, string>();
  client.query = new Proxy(client.query.bind(client), {
    apply: (query, self, args: readonly unknown[]): unknown => {
      const [text, values] = args;
      const prepares = typeof text === 'string' && Array.isArray(values) && values.length > 0;
      const name = prepares ? nameOf(text, names) : undefined;
      return Reflect.apply(query, self, name === undefined ? args : [{ name, text, values }]);
    },
  });
}

/** One text, one name: a name that stood for two would be an error. */
function nameOf(text: string, names: Map<string, string>): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_STATEMENTS) return known;
  const name = createHash('sha256').update(text).digest('base64url');
  names.set(text, name);
  return name;
}
