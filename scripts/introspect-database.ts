import { join } from 'node:path';

import { Client, type ClientConfig } from 'pg';

/** Where the types are kept. Written by `npm run database-types`, compared by a test. */
export const databaseTypesFile = join(import.meta.dirname, '../packages/server/src/stores/database-types.ts');

/**
 * TypeScript types of the schema `sallyport`, in the shape that supabase-js takes as `Database`: what a row is as JSON,
 * and what each function takes and returns.
 */
export async function databaseTypes(connection: ClientConfig): Promise<string> {
  const client = new Client(connection);
  await client.connect();
  try {
    const relations = (await client.query<Column>(columnsQuery)).rows;
    const functions = (await client.query<DatabaseFunction>(functionsQuery)).rows;
    const tables = relations.filter(({ kind }) => kind === 'r');
    const composites = relations.filter(({ kind }) => kind === 'c');
    const typeName = namer(new Set(composites.map(({ relation }) => relation)));
    return [
      '/* Written by `npm run database-types` from a database with all migrations. Do not edit. */',
      '',
      "import type { LoginEvent, PromptEvent } from '@sallyport/core';",
      "import type { CredentialFacts } from '@sallyport/core/provider';",
      '',
      '/** The schema `sallyport` as supabase-js and PostgREST see it: rows and arguments are JSON. */',
      'export type Database = {',
      '  sallyport: {',
      '    Tables: {',
      ...byRelation(tables).map(
        ([name, columns]) =>
          `      ${name}: { Row: ${rowType(columns, typeName)}; Insert: never; Update: never; Relationships: [] };`,
      ),
      '    };',
      '    Views: {};',
      '    Enums: {};',
      '    CompositeTypes: {',
      ...byRelation(composites).map(([name, columns]) => `      ${name}: ${rowType(columns, typeName)};`),
      '    };',
      '    Functions: {',
      ...functions.map(
        (one) => `      ${one.name}: { Args: ${argumentsType(one, typeName)}; Returns: ${typeName(one.returns)} };`,
      ),
      '    };',
      '  };',
      '};',
      '',
    ].join('\n');
  } finally {
    await client.end();
  }
}

interface Column {
  readonly relation: string;
  /** As in `pg_class.relkind`. */
  readonly kind: 'r' | 'c';
  readonly column: string;
  readonly type: string;
  readonly required: boolean;
  /** The values that a check of the column allows; null if there is no such check. */
  readonly allowed: readonly string[] | null;
}

const columnsQuery = `
  select relname as relation, relkind as kind, attname as column, format_type(atttypid, null) as type,
    -- The columns of a composite type have no constraints.
    attnotnull or relkind = 'c' as required,
    (
      select array(select text[1] from regexp_matches(pg_get_constraintdef(pg_constraint.oid), '''([^'']+)''', 'g') as text)
      from pg_constraint
      where conrelid = pg_class.oid and contype = 'c' and conkey = array[attnum]
        and pg_get_constraintdef(pg_constraint.oid) ~ '= ANY \\(ARRAY\\['
    ) as allowed
  from pg_class join pg_attribute on attrelid = pg_class.oid
  where relnamespace = 'sallyport'::regnamespace and relkind in ('r', 'c') and attnum > 0 and not attisdropped
  order by relname, attnum`;

interface DatabaseFunction {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly types: readonly string[];
  /** The last so many arguments have a default, null in each. */
  readonly optional: number;
  readonly returns: string;
}

const functionsQuery = `
  select proname as name, coalesce(proargnames, '{}') as arguments, pronargdefaults as optional,
    array(select format_type(type, null) from unnest(proargtypes) with ordinality as a (type, place) order by place) as types,
    format_type(prorettype, null) as returns
  from pg_proc where pronamespace = 'sallyport'::regnamespace
  order by proname`;

function byRelation(columns: readonly Column[]): [string, Column[]][] {
  return Object.entries(Object.groupBy(columns, ({ relation }) => relation)).map(([name, own]) => [name, own ?? []]);
}

function rowType(columns: readonly Column[], typeName: Namer): string {
  const fields = columns.map(({ relation, column, type, required, allowed }) => {
    const values = allowed?.map((value) => `'${value}'`).join(' | ');
    const name = values ?? documentTypes[`${relation}.${column}`] ?? typeName(type);
    const isNull = !required && !alwaysWritten.has(`${relation}.${column}`);
    return `${column}: ${name}${isNull ? ' | null' : ''}`;
  });
  return `{ ${fields.join('; ')} }`;
}

function argumentsType({ arguments: names, types, optional }: DatabaseFunction, typeName: Namer): string {
  const fields = names.map((name, place) => {
    const isOptional = place >= names.length - optional;
    return `${name}${isOptional ? '?' : ''}: ${typeName(types[place] ?? '')}${isOptional ? ' | null' : ''}`;
  });
  return fields.length === 0 ? 'Record<string, never>' : `{ ${fields.join('; ')} }`;
}

/** Columns that may be null, where the server writes a value into every row. */
const alwaysWritten: ReadonlySet<string> = new Set(['vms.user_id']);

/** What is in columns of JSON: the database does not know. */
const documentTypes: Readonly<Record<string, string>> = {
  'audit_log.data': 'Readonly<Record<string, unknown>>',
  'auth_session_events.event': 'LoginEvent',
  'prompt_events.event': 'PromptEvent',
  'provider_credential_versions.facts': 'CredentialFacts',
  'provider_credentials.facts': 'CredentialFacts',
  'vms.injected': 'Readonly<Record<string, number>>',
};

type Namer = (type: string) => string;

/** Names the TypeScript type of what PostgreSQL writes as JSON for a value of a type. */
function namer(composites: ReadonlySet<string>): Namer {
  return function typeName(type: string): string {
    if (type.endsWith('[]')) return `${typeName(type.slice(0, -2))}[]`;
    const [schema, name] = type.split('.');
    if (schema === 'sallyport' && name !== undefined) {
      return composites.has(name)
        ? `Database['sallyport']['CompositeTypes']['${name}']`
        : `Database['sallyport']['Tables']['${name}']['Row']`;
    }
    const known = jsonTypes[type];
    if (known === undefined) throw new Error(`There is no TypeScript type for PostgreSQL's ${type}.`);
    return known;
  };
}

const jsonTypes: Readonly<Record<string, string>> = {
  text: 'string',
  uuid: 'string',
  // `\x` and two digits for each byte.
  bytea: 'string',
  // ISO 8601 with microseconds and offset.
  'timestamp with time zone': 'string',
  integer: 'number',
  bigint: 'number',
  numeric: 'number',
  'double precision': 'number',
  boolean: 'boolean',
  json: 'object',
  jsonb: 'object',
  void: 'unknown',
};
