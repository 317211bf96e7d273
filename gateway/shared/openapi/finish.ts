import { STATUS_CODES } from 'node:http';

type Json = Record<string, unknown>;
/** An OpenAPI document as it is served; its shape is that of the standard. */
export type OpenApiDocument = object;

const REF = '#/components/schemas/';
const PROBLEM = `${REF}Problem`;
const BYTES = { schema: { type: 'string', format: 'binary' } };
const INPUT = /Input$/;

/**
 * Completes a generated document: problems get their media type, replies the words of their status, and components that
 * nothing refers to, and the ending `Input` where nothing else has the name, go away.
 */
export function finishDocument(document: object): OpenApiDocument {
  const finished: unknown = JSON.parse(JSON.stringify(document, withoutSafeIntegerBounds));
  if (!isObject(finished)) return document;
  finishReplies(finished);
  keepUsedSchemas(finished);
  return shortenNames(finished);
}

/** Every integer has them; they tell a reader nothing. */
function withoutSafeIntegerBounds(_key: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  const { minimum, maximum, ...rest } = value;
  return {
    ...rest,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

function finishResponse(status: string, response: Json): void {
  if (response['description'] === 'Default Response')
    response['description'] = STATUS_CODES[status] ?? status;
  const content = response['content'];
  if (!isObject(content)) return;
  const [media] = members(content);
  if (media === undefined || !isObject(media['schema']) || media['schema']['$ref'] !== PROBLEM) return;
  response['content'] = { 'application/problem+json': media };
}

function finishReplies(document: Json): void {
  for (const path of members(document['paths'])) {
    for (const operation of members(path)) {
      if (!isObject(operation['responses'])) continue;
      const responses = withSuccess(operation['responses']);
      for (const [status, response] of Object.entries(responses))
        if (isObject(response)) finishResponse(status, response);
      operation['responses'] = responses;
    }
  }
}

/** A route that declares no success replies with bytes, which no schema of ours describes. */
function withSuccess(responses: Json): Json {
  if (Object.keys(responses).some((status) => status.startsWith('2'))) return responses;
  return { 200: { description: 'OK', content: { 'application/octet-stream': BYTES } }, ...responses };
}

function keepUsedSchemas(document: Json): void {
  const components = document['components'];
  if (!isObject(components) || !isObject(components['schemas'])) return;
  const schemas = components['schemas'];
  const used = new Set<string>();
  const collect = (value: unknown): void => {
    for (const name of referencesIn(value)) {
      if (used.has(name)) continue;
      used.add(name);
      collect(schemas[name]);
    }
  };
  collect(document['paths']);
  components['schemas'] = Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => used.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function shortenNames(document: Json): Json {
  const components = document['components'];
  const schemas = isObject(components) && isObject(components['schemas']) ? components['schemas'] : {};
  const names = Object.keys(schemas);
  const isShortened = (name: string): boolean => INPUT.test(name) && !names.includes(name.replace(INPUT, ''));
  const shorten = (name: string): string => (isShortened(name) ? name.replace(INPUT, '') : name);
  const text = JSON.stringify(document).replaceAll(
    new RegExp(`"${REF}(\\w+)"`, 'g'),
    (_match, name: string) => `"${REF}${shorten(name)}"`,
  );
  const renamed: unknown = JSON.parse(text);
  if (!isObject(renamed) || !isObject(renamed['components'])) return document;
  const shortened = Object.entries(schemasOf(renamed)).map(([name, schema]) => [shorten(name), schema]);
  renamed['components']['schemas'] = Object.fromEntries(shortened);
  return renamed;
}

function schemasOf(document: Json): Json {
  const components = document['components'];
  return isObject(components) && isObject(components['schemas']) ? components['schemas'] : {};
}

function referencesIn(value: unknown): string[] {
  const found = JSON.stringify(value ?? null).matchAll(new RegExp(`"\\$ref":"${REF}(\\w+)"`, 'g'));
  return [...found].flatMap(([, name]) => name ?? []);
}

function members(value: unknown): Json[] {
  return isObject(value) ? Object.values(value).filter(isObject) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
