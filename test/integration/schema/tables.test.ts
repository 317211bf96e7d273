import { describe, expect, it } from '@jest/globals';
import type { ColumnMetadata } from 'kysely';
import { readDeclaredTables } from '../../support/declared-tables.ts';
import type { DeclaredColumn } from '../../support/declared-tables.ts';
import { useDatabase } from './context.ts';

/** What the driver makes of Postgres' types. JSON is whatever the program says it is. */
const READ_AS: Readonly<Record<string, string>> = {
  uuid: 'string',
  text: 'string',
  inet: 'string',
  int8: 'string',
  numeric: 'string',
  int2: 'number',
  int4: 'number',
  float4: 'number',
  float8: 'number',
  bool: 'boolean',
  timestamptz: 'Date',
  bytea: 'Buffer',
  _text: 'string[]',
};

function complaintsAbout(column: DeclaredColumn, stored: ColumnMetadata | undefined): string[] {
  if (stored === undefined) return ['is not in the database'];
  if (column.type === 'unknown') return []; // JSON of any form
  const readAs = READ_AS[stored.dataType] ?? column.type;
  const mayLack = stored.isNullable || stored.hasDefaultValue || stored.isAutoIncrementing;
  return [
    ...(readAs === column.type
      ? []
      : [`is ${stored.dataType}, which is read as ${readAs}, not ${column.type}`]),
    ...(stored.isNullable === column.nullable ? [] : [stored.isNullable ? 'can be null' : 'is never null']),
    ...(column.optional && !mayLack ? ['has no default, so a row needs it'] : []),
  ];
}

describe('the types of the tables', () => {
  const database = useDatabase();

  it('say of every column what the database says', async () => {
    const stored = new Map(
      (await database().introspection.getTables()).map((table) => [
        table.name,
        new Map(table.columns.map((column) => [column.name, column])),
      ]),
    );
    const complaints: string[] = [];
    for (const [table, columns] of readDeclaredTables()) {
      const inDatabase = stored.get(table) ?? new Map<string, ColumnMetadata>();
      for (const [name, column] of columns) {
        const found = complaintsAbout(column, inDatabase.get(name));
        complaints.push(...found.map((complaint) => `${table}.${name} ${complaint}`));
      }
      for (const { name, isNullable, hasDefaultValue } of inDatabase.values()) {
        if (!columns.has(name) && !isNullable && !hasDefaultValue)
          complaints.push(`${table}.${name} is missing, and a row needs it`);
      }
    }
    expect(complaints).toEqual([]);
  });
});
