import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What schema/tables says of a column, as a reader and as a writer sees it. */
export interface DeclaredColumn {
  /** What is read, without null: `string`, `number`, `Date`, `string[]` …; `unknown`; `other` for the rest, e.g. JSON. */
  readonly type: string;
  readonly nullable: boolean;
  /** A row can be inserted without it. */
  readonly optional: boolean;
}

const SOURCE = fileURLToPath(new URL('./declared-tables.source.ts', import.meta.url));
const TEXT = `
import type { Insertable, Selectable } from 'kysely';
import type { Tables } from '../../schema/tables/index.ts';
export type Read = { [T in keyof Tables]: Selectable<Tables[T]> };
export type Write = { [T in keyof Tables]: Insertable<Tables[T]> };
`;

/** The tables of schema/tables by name, as the compiler understands them. */
export function readDeclaredTables(): Map<string, Map<string, DeclaredColumn>> {
  const { checker, typeOf } = compile();
  const read = typeOf('Read');
  const write = typeOf('Write');
  const columnsOf = (type: ts.Type, table: string): ts.Symbol[] => {
    const property = type.getProperty(table);
    if (property === undefined) throw new Error(`schema/tables has no ${table}`);
    return checker.getTypeOfSymbol(property).getProperties();
  };
  const tables = read.getProperties().map(({ name: table }) => {
    const insertable = new Map(columnsOf(write, table).map((symbol) => [symbol.name, symbol]));
    const columns = columnsOf(read, table).map((symbol): [string, DeclaredColumn] => {
      const type = checker.getTypeOfSymbol(symbol);
      const flags = insertable.get(symbol.name)?.flags ?? ts.SymbolFlags.Optional;
      return [
        symbol.name,
        {
          type: describe(checker, type),
          nullable: checker.getNonNullableType(type) !== type,
          optional: (flags & ts.SymbolFlags.Optional) !== 0,
        },
      ];
    });
    return [table, new Map(columns)] as const;
  });
  return new Map(tables);
}

function compile(): { checker: ts.TypeChecker; typeOf: (name: string) => ts.Type } {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.fileExists = (path) => path === SOURCE || fileExists(path);
  host.getSourceFile = (path, version, ...rest) =>
    path === SOURCE ? ts.createSourceFile(path, TEXT, version, true) : getSourceFile(path, version, ...rest);
  const program = ts.createProgram([SOURCE], options, host);
  const source = program.getSourceFile(SOURCE);
  const problems = ts.getPreEmitDiagnostics(program, source);
  if (source === undefined || problems.length > 0) {
    throw new Error(ts.formatDiagnostics(problems, { ...host, getNewLine: () => '\n' }));
  }
  const checker = program.getTypeChecker();
  const typeOf = (name: string): ts.Type => {
    const declared = source.statements
      .filter(ts.isTypeAliasDeclaration)
      .find((one) => one.name.text === name);
    if (declared === undefined) throw new Error(`no type ${name}`);
    return checker.getTypeAtLocation(declared.name);
  };
  return { checker, typeOf };
}

function describe(checker: ts.TypeChecker, type: ts.Type): string {
  if ((type.flags & ts.TypeFlags.Unknown) !== 0) return 'unknown';
  const present = checker.getNonNullableType(type);
  const parts = present.isUnion() ? present.types : [present];
  const names = new Set(parts.map((part) => describeOne(checker, part)));
  return names.size === 1 ? ([...names][0] ?? 'other') : 'other';
}

function describeOne(checker: ts.TypeChecker, type: ts.Type): string {
  if ((type.flags & ts.TypeFlags.StringLike) !== 0) return 'string';
  if ((type.flags & ts.TypeFlags.NumberLike) !== 0) return 'number';
  if ((type.flags & ts.TypeFlags.BooleanLike) !== 0) return 'boolean';
  const name = checker.typeToString(type);
  if (name.startsWith('Buffer')) return 'Buffer';
  if (name === 'Date') return 'Date';
  return /^(readonly )?string\[\]$/.test(name) ? 'string[]' : 'other';
}
