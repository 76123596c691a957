import { z } from 'zod';

import api from './api.json' with { type: 'json' };

/**
 * The routes and bodies of Firecracker v1.16.1, taken from its swagger file (Apache-2.0) without the descriptions.
 * Left out is what only later versions know.
 */
interface Schema {
  readonly ref?: string | undefined;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean' | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  /** Takes any field: the contents of the metadata service. */
  readonly open?: boolean | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
}

const schemaShape: z.ZodType<Schema> = z.strictObject({
  ref: z.string().optional(),
  type: z.enum(['object', 'array', 'string', 'integer', 'boolean']).optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  required: z.array(z.string()).optional(),
  get items() {
    return schemaShape.optional();
  },
  open: z.boolean().optional(),
  get properties() {
    return z.record(z.string(), schemaShape).optional();
  },
});

const definitions = z.record(z.string(), schemaShape).parse(api.definitions);
const bodies: Readonly<Record<string, string | null>> = api.bodies;

export type Json = Readonly<Record<string, unknown>>;

/** `PUT /drives/{id}`; `undefined` where the API has no such route. `null`: it takes no body. */
export function findBody(route: string): string | null | undefined {
  return bodies[route];
}

/** What serde would say about a body; `undefined` where it is right. */
export function findBodyProblem(route: string, body: Json): string | undefined {
  const name = bodies[route];
  const schema = name ? definitions[name] : undefined;
  if (!schema) {
    return undefined;
  }
  // The only request that may leave out what its definition requires, since 1.11.
  return findProblem(route === 'PATCH /machine-config' ? { ...schema, required: [] } : schema, body);
}

function findProblem(schema: Schema, value: unknown): string | undefined {
  if (schema.ref !== undefined) {
    const definition = definitions[schema.ref];
    return definition ? findProblem(definition, value) : `no definition of ${schema.ref}`;
  }
  switch (schema.type) {
    case 'object':
      return isJson(value) ? findFieldProblem(schema, value) : invalidType(value, 'struct');
    case 'array': {
      const { items } = schema;
      return Array.isArray(value)
        ? value.map((item) => items && findProblem(items, item)).find((problem) => problem !== undefined)
        : invalidType(value, 'a sequence');
    }
    case 'string':
      return typeof value === 'string' ? findEnumProblem(schema, value) : invalidType(value, 'a string');
    case 'boolean':
      return typeof value === 'boolean' ? undefined : invalidType(value, 'a boolean');
    case 'integer':
      return findIntegerProblem(schema, value);
    default:
      return undefined;
  }
}

function findFieldProblem(schema: Schema, value: Json): string | undefined {
  const { properties = {}, required = [] } = schema;
  for (const [name, field] of Object.entries(value)) {
    const known = properties[name];
    if (known) {
      const problem = findProblem(known, field);
      if (problem !== undefined) {
        return problem;
      }
    } else if (schema.open !== true) {
      const names = Object.keys(properties).map((property) => `\`${property}\``);
      return `unknown field \`${name}\`, expected one of ${names.join(', ')}`;
    }
  }
  const missing = required.find((name) => !(name in value));
  return missing === undefined ? undefined : `missing field \`${missing}\``;
}

function findEnumProblem(schema: Schema, value: string): string | undefined {
  // Log levels are the one thing that is read without regard to case.
  const fits = schema.enum?.some(
    (name) => name === value || (schema.enum?.includes('Trace') === true && name.toLowerCase() === value.toLowerCase()),
  );
  return fits === false ? `unknown variant \`${value}\`, expected one of ${schema.enum?.join(', ')}` : undefined;
}

function findIntegerProblem({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Schema, value: unknown) {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    return invalidType(value, 'an unsigned integer');
  }
  return value < minimum || value > maximum ? `invalid value: integer \`${value}\`` : undefined;
}

const invalidType = (value: unknown, expected: string): string =>
  `invalid type: ${JSON.stringify(value)}, expected ${expected}`;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
