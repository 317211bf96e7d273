import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { CynodeError } from '../../contracts/errors.ts';

const MAX_ISSUES = 5;
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};
const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  email: 'an e-mail address',
  url: 'a URL',
};
const BODY = 'the body';

type RawIssue = z.core.$ZodRawIssue;

/** Checks a part of a request with its zod schema. What does not fit is a problem that names the member and says what to send. */
export const zodValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    const result = schema.safeParse(data, { error: (issue) => describeIssue(issue) });
    if (result.success) return { value: result.data };
    const issues = result.error.issues.slice(0, MAX_ISSUES);
    const texts = issues.map(({ path, message }) => {
      const text = httpPart === 'querystring' && isRepeated(data, path[0]) ? 'must be given once' : message;
      return `${nameOf(path, httpPart)} ${text}`;
    });
    return { error: new CynodeError('validation', texts.join('; ')) };
  };
};

function nameOf(path: readonly PropertyKey[], httpPart: string | undefined): string {
  if (path.length === 0) return httpPart === 'body' || httpPart === undefined ? BODY : `the ${httpPart}`;
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

/** What a value must be, to be read after its name. A text of the schema's own wins over this. */
function describeIssue(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return describeType(issue);
    case 'too_small':
      return `must ${describeBound(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'too_big':
      return `must ${describeBound(issue.origin, 'at most', Number(issue.maximum))}`;
    case 'invalid_value':
      return describeValues(issue);
    case 'invalid_format':
      return `must be ${FORMATS[issue.format] ?? `a valid ${issue.format}`}`;
    case 'unrecognized_keys':
      return `must not have ${issue.keys.join(', ')}`;
    case 'invalid_union':
      return 'has none of the forms that are allowed';
    default:
      return 'is not valid';
  }
}

function describeType(issue: Extract<RawIssue, { code: 'invalid_type' }>): string {
  if (issue.path?.length === 0 || issue.path === undefined) return 'must be a JSON object';
  if (issue.input === undefined) return 'is required';
  return `must be ${TYPES[issue.expected] ?? issue.expected}`;
}

function describeValues({ values, input }: Extract<RawIssue, { code: 'invalid_value' }>): string {
  if (input === undefined) return 'is required';
  const allowed = values.map(String).join(', ');
  return values.length === 1 ? `must be ${allowed}` : `must be one of ${allowed}`;
}

function describeBound(origin: string, side: 'at least' | 'at most', bound: number): string {
  if (origin !== 'string' && origin !== 'array') return `be ${side} ${bound}`;
  if (side === 'at least' && bound === 1) return 'not be empty';
  return `have ${side} ${bound} ${origin === 'string' ? 'characters' : 'entries'}`;
}

/** A parameter of the query that is given twice arrives as an array. */
function isRepeated(query: unknown, name: PropertyKey | undefined): boolean {
  return typeof query === 'object' && query !== null && Array.isArray(Reflect.get(query, name ?? ''));
}
