type Json = Readonly<Record<string, unknown>>;

export interface WrongValue {
  /** Path of the member, with dots. */
  readonly path: string;
  /** The whole body as text, because some of it is not what `JSON.stringify` writes. */
  readonly json: string;
  /** Whether there is no way to take it. */
  readonly mustFail: boolean;
}

/** Stands for a number that JSON allows and JavaScript does not know. */
const OVERFLOW = '@overflow@';

const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  string: [5, true, {}, [], ['text']],
  number: ['text', true, {}, [], OVERFLOW],
  boolean: ['yes', 5, {}, []],
  array: ['text', 5, true, {}],
  object: ['text', 5, true, []],
};

/** Right type, but perhaps out of bounds: no server error, whatever it is. */
const ODD: Readonly<Record<string, readonly unknown[]>> = {
  string: ['', ' ', 'a'.repeat(5000), '💩', '\u202e', '-1', "';--", '__proto__', '9999-99-99T99:99:99Z'],
  number: [-1, 0, 1.5, 2 ** 31, 2 ** 53, 2 ** 63, -(2 ** 63), 1e308, 5e-324],
  boolean: [],
  array: [[], [null], Array.from({ length: 1000 }, (_, n) => `x${n}`), [[]], [{}]],
  object: [{}, { unknown: 1 }, JSON.parse('{"__proto__":{"a":1},"constructor":1}')],
};

/** Every way in which one member of the body can be wrong. */
export function wrongValues(body: Json, lenient: readonly string[]): WrongValue[] {
  return membersOf(body).flatMap((path) => {
    const value = path.split('.').reduce<unknown>((at, key) => memberOf(at, key), body);
    const kind = kindOf(value);
    const isLenient = lenient.some((free) => path === free || path.startsWith(`${free}.`));
    const make = (mustFail: boolean) => (wrong: unknown) => ({
      path,
      json: JSON.stringify(replaceAt(body, path.split('.'), wrong)).replace(`"${OVERFLOW}"`, '1e999'),
      mustFail: mustFail && !isLenient,
    });
    return [
      ...(WRONG[kind] ?? []).map(make(true)),
      ...[undefined, null, ...(ODD[kind] ?? [])].map(make(false)),
    ];
  });
}

function membersOf(body: Json, prefix = ''): string[] {
  return Object.entries(body).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    return [path, ...(isObject(value) ? membersOf(value, `${path}.`) : [])];
  });
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function memberOf(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function replaceAt(body: Json, [key = '', ...rest]: readonly string[], value: unknown): Json {
  const inner = body[key];
  return { ...body, [key]: rest.length === 0 ? value : replaceAt(isObject(inner) ? inner : {}, rest, value) };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
