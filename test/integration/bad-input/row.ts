import type { InjectOptions } from 'fastify';
import type { HttpApp } from '../../../platform/http/server.ts';

/** What the tests know about a route: how to ask it well, and what can be asked badly. */
export interface Row {
  /** Kind of token; absent where none is needed. */
  readonly token?: string;
  /** Values for the `{…}` parts of the path. */
  readonly params?: Readonly<Record<string, string>>;
  /** A good body; absent where none is read. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Members of the body, by path, that take any JSON value, also a wrong one. */
  readonly lenient?: readonly string[];
  /** Limit of the body where it is smaller than the role's. */
  readonly bodyLimitBytes?: number;
  /** Status of a larger one where it is not the role's. */
  readonly tooLarge?: 400 | 413;
  /** A body of raw bytes is stored as it is. */
  readonly bytes?: boolean;
  /** Names of the query's parameters. */
  readonly query?: readonly string[];
  /** Statuses of a good request. */
  readonly good: readonly number[];
  /** Paths to what exists but is not the caller's, and to what does not exist. */
  readonly foreign?: readonly string[];
  /** Tokens that are valid and yet not enough → status. */
  readonly insufficient?: Readonly<Record<string, number>>;
  /** Kinds of token that do as well. */
  readonly also?: readonly string[];
  /** A secret in the body is checked before its shape, or a good request ends the token: 401 is as good as 400. */
  readonly orUnauthorised?: boolean;
  /** Its errors have OpenAI's form (contract §6.4). */
  readonly openAi?: boolean;
}

export interface Target {
  readonly app: HttpApp;
  /** Kind → valid token. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Tokens that nobody may use, by what is wrong with them. */
  readonly refused: Readonly<Record<string, string>>;
  /** `POST /v1/things/{id}` → what is known about it. */
  readonly rows: Readonly<Record<string, Row>>;
  readonly bodyLimitBytes: number;
  readonly tooLarge: 400 | 413;
  /** The OpenAPI document, where there is one. */
  readonly document?: object;
  /** How many rows each table has; what bad input must leave as it is. */
  countStored(): Promise<Readonly<Record<string, unknown>>>;
}

export interface Attack {
  readonly what: string;
  readonly request: InjectOptions;
  readonly allowed: readonly number[];
  /** What the detail of a refusal must say. */
  readonly says?: RegExp;
}

/** Documents and their page are covered by the row of the page. */
const PAGE_PARTS = /^\/docs\//;

/** Every route of an app in the form of its document: `POST /v1/things/{id}:do`. HEAD comes with GET. */
export function routesOf(app: HttpApp): string[] {
  const parents: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', path = '', methods = ''] =
        /^(.*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
      const level = indent.length / 4;
      parents.length = level;
      parents[level] = `${parents[level - 1] ?? ''}${path}`;
      const full = toDocumentPath(parents[level] ?? '');
      if (PAGE_PARTS.test(full)) return [];
      return methods
        .split(', ')
        .filter((method) => method !== '' && method !== 'HEAD')
        .map((method) => `${method} ${full}`);
    });
}

function toDocumentPath(path: string): string {
  return path.replace(/\/:(\w+)(\([^)]*\))?/g, '/{$1}').replaceAll('::', ':');
}

export function methodOf(route: string): string {
  return route.split(' ')[0] ?? '';
}

/** The path of a route with its parameters filled in. */
export function pathOf(route: string, params: Readonly<Record<string, string>> = {}): string {
  return (route.split(' ')[1] ?? '').replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${route}: no value for {${name}}`);
    return value;
  });
}
